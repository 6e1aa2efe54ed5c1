"""Converts weights of the PyTorch original, torchvision's VGG19 and the networks of metrics to a checkpoint.

    python scripts/convert_torch_ckpt.py --input DIR --output CKPT [--vgg19 FILE]
    python scripts/convert_torch_ckpt.py --output CKPT [--inception FILE [FILE]]
        [--lpips_alex HEADS BACKBONE] [--lpips_vgg HEADS BACKBONE]

DIR holds any of EdgeModel_gen.pth, EdgeModel_dis.pth, InpaintingModel_gen.pth and InpaintingModel_dis.pth; FILE of
--vgg19 is torchvision's vgg19-dcbb9e9d.pth, or another state dict of its VGG19. What is written can be given to
inpaint's --checkpoint, to checkpoint.init_from for every stage, and (with --vgg19) to losses.vgg_weights.

FILE of --inception is pytorch-fid's pt_inception-2015-12-05-6726825d.pth (for FID, clean-FID, P-IDS and U-IDS),
torchvision's inception_v3_google-0cc3c7bd.pth (for the original's FID), or both. HEADS are alex.pth and vgg.pth of
lpips/weights/v0.1 in the package lpips, BACKBONE is torchvision's alexnet-owt-7be5be79.pth or vgg16-397923af.pth; one
file with the state dict of a whole lpips.LPIPS will do, too. These can be given to eval's --metric_weights.
All of it can be combined. PyTorch is needed: pip install -e '.[convert]'.
"""

import argparse
import pathlib
import shlex
import sys
from collections.abc import Callable

from edgeconnect_jax.importers import convert, report
from edgeconnect_jax.importers.convert import Conversion, Sources


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Convert the PyTorch original's weights, torchvision's VGG19 and the networks that metrics need "
        "to one checkpoint. All of them can be combined.",
        epilog=report.LICENCE,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--input", type=pathlib.Path, metavar="DIR", help="folder with EdgeModel_gen.pth and the like")
    add("--output", type=pathlib.Path, metavar="CKPT", required=True, help="folder to write; must not exist yet")
    add("--vgg19", type=pathlib.Path, metavar="FILE", help="torchvision's VGG19, for the content and style losses")
    add(
        "--residual_blocks",
        type=_count,
        metavar="N",
        help="of generators that have another number than the original's 8 at its width of 64",
    )
    path = {"type": pathlib.Path, "nargs": "+", "metavar": "FILE", "default": ()}
    add(
        "--inception",
        **path,
        help="pt_inception-2015-12-05-6726825d.pth of pytorch-fid, for FID, clean-FID, P-IDS and U-IDS; torchvision's "
        "inception_v3_google-0cc3c7bd.pth, for the FID of the original; or both",
    )
    add(
        "--lpips_alex",
        **path,
        help="heads and backbone: alex.pth of lpips/weights/v0.1 in the package lpips, and torchvision's "
        "alexnet-owt-7be5be79.pth; or one file with a whole lpips.LPIPS",
    )
    add(
        "--lpips_vgg",
        **path,
        help="heads and backbone: vgg.pth of lpips/weights/v0.1 in the package lpips, and torchvision's "
        "vgg16-397923af.pth; or one file with a whole lpips.LPIPS",
    )
    return parser


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not 1 or more")
    return value


def _sources(options: argparse.Namespace) -> Sources:
    metrics = {name: tuple(getattr(options, name)) for name in ("inception", "lpips_alex", "lpips_vgg")}
    return Sources(options.input, options.vgg19, residual_blocks=options.residual_blocks, **metrics)


def _print_tables(conversion: Conversion) -> None:
    for network, reading in conversion.readings.items():
        print(f"{_names(conversion, network, str)} -> {network}\n{report.table(reading.rows)}\n")


def _file(path: pathlib.Path) -> str:
    return path.name


def _names(conversion: Conversion, network: str, name: Callable[[pathlib.Path], str]) -> str:
    return " + ".join(map(name, conversion.files[network]))


def _summary(conversion: Conversion) -> str:
    cells = [("network", "file", "iteration", "size", "tensors", "put aside")]
    for network, reading in conversion.readings.items():
        aside = sum(row.norm is None for row in reading.rows)
        size = ", ".join(f"{name} {value}" for name, value in reading.sizes.items()) or "the only one"
        iteration = "not said" if reading.iteration is None else str(reading.iteration)
        counts = str(len(reading.rows) - aside), str(aside)
        cells.append((network, _names(conversion, network, _file), iteration, size, *counts))
    return report.aligned(cells)


def _notes(conversion: Conversion) -> list[str]:
    notes = [
        f"{_names(conversion, network, _file)}: {note}"
        for network, reading in conversion.readings.items()
        for note in reading.notes
    ]
    if conversion.others:
        notes.append(f"not read: {', '.join(map(str, conversion.others))}")
    return notes


def _next_commands(conversion: Conversion, output: pathlib.Path) -> list[str]:
    """What can be done with the checkpoint."""
    networks = conversion.readings.keys() & convert.ORIGINAL
    path, lines = shlex.quote(str(output)), []
    if generators := [name for name in ("edge_generator", "inpaint_generator") if name in networks]:
        steps = "" if len(generators) == 2 else f" --steps {generators[0].split('_')[0]}"
        lines.append(
            "Fill pictures:  python -m edgeconnect_jax.inpaint "
            f"--checkpoint {path} --input PICTURES --mask MASKS --output FILLED{steps}"
        )
    if networks:
        lines.append(f"Train on:       --config.checkpoint.init_from={path}{_sizes(conversion)}")
    if "vgg19" in conversion.readings:
        lines.append(f"Train with it:  --config.losses.vgg_weights={path}")
    if conversion.readings.keys() - convert.ORIGINAL - {"vgg19"}:
        lines.append(f"Measure with it: python -m edgeconnect_jax.eval --metric_weights {path} ...")
    return lines


def _sizes(conversion: Conversion) -> str:
    """The options that training needs besides, or why it can take some of the networks only."""
    try:
        options = convert.training_options({name: reading.sizes for name, reading in conversion.readings.items()})
    except ValueError as error:
        return f"\n                ({error}: convert those that go together by themselves)"
    return "".join(f" {option}" for option in options)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit status: 0, or 2 (130 when interrupted) after a message and nothing written."""
    options = _parser().parse_args(arguments)
    try:
        convert.check_output(options.output)
        conversion = convert.read(_sources(options))
        convert.write(conversion, options.output)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"convert_torch_ckpt: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("convert_torch_ckpt: interrupted, nothing was written", file=sys.stderr)
        return 130
    _print_tables(conversion)
    print(_summary(conversion))
    for note in _notes(conversion):
        print(f"Note: {note}")
    print(f"\nWritten: {options.output} (step {max(conversion.steps.values())})")
    print("\n".join(_next_commands(conversion, options.output)))
    if conversion.readings.keys() & convert.ORIGINAL:
        print(f"\n{report.LICENCE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
