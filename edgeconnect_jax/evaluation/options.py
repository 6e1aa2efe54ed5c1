"""The options of the command, and which of them can be combined."""

import argparse
import pathlib
from collections.abc import Iterator, Sequence

from edgeconnect_jax.evaluation.definitions import Evaluation, features_of
from edgeconnect_jax.evaluation.holes import AREA, KINDS
from edgeconnect_jax.host import compilation_cache
from edgeconnect_jax.host.options import DTYPES, whole
from edgeconnect_jax.metrics.baselines import BASELINES

REPORTS = pathlib.Path("reports")  # where reports go by default
_DESCRIPTION = """\
Measures results on disk, a model or a baseline against the true pictures. Files belong together by stem (truth/cat.jpg,
output/cat.png, masks/cat.png); sub-folders are not searched. Prints a table and writes report.json, per_image.csv,
plot.png and sheet.png.
"""


def parser(evaluation: Evaluation) -> argparse.ArgumentParser:
    """The parser of the command line, with the options of a system; see `check` for those that cannot be combined."""
    made = argparse.ArgumentParser(prog="python -m edgeconnect_jax.eval", description=_DESCRIPTION, allow_abbrev=False)
    _add_sources(made)
    _add_pictures(made)
    _add_metrics(made, evaluation)
    evaluation.add_options(made)
    _add_results(made)
    return made


def _add_sources(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is measured, one of")
    add = group.add_mutually_exclusive_group(required=True).add_argument
    add("--output", type=pathlib.Path, metavar="DIR", help="results of any program")
    add("--checkpoint", nargs="+", metavar="C", help="results of a model: checkpoints or workdirs")
    add("--baseline", choices=tuple(BASELINES), help="fill without learning")
    add("--compare", nargs="+", type=pathlib.Path, metavar="REPORT", help="put reports side by side in one table")
    add = parser.add_argument_group("of which system").add_argument
    add("--system", metavar="S", help="whose metrics and options they are (default: the checkpoint's)")
    add("--dtype", choices=DTYPES, default="float32", help="arithmetic of the networks of --checkpoint")


def _add_pictures(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("pictures and holes").add_argument
    add("--truth", type=pathlib.Path, metavar="DIR", help="the true pictures")
    add(
        "--image_size", type=whole(), default=0, metavar="N",
        help="side of the square that true pictures are cropped and resized to, as in training; 0 = as they are "
        "(default)",
    )  # fmt: skip
    add("--mask", type=pathlib.Path, metavar="PATH", help="a mask or a folder of them; white = hole")
    add("--invert_mask", action="store_true", help="black = hole")
    add("--masks", choices=KINDS, help="draw the holes: strokes, a block of a quarter of the area, or a half")
    add(
        "--mask_area", nargs=2, type=float, metavar=("LOW", "HIGH"),
        help=f"share of the picture that strokes cover (default: {AREA[0]:g} {AREA[1]:g})",
    )  # fmt: skip
    add("--seed", type=whole(), metavar="N", help="of the holes that are drawn (default: 0)")


def _add_metrics(parser: argparse.ArgumentParser, evaluation: Evaluation) -> None:
    add = parser.add_argument_group("metrics").add_argument
    names = tuple(group.name for group in evaluation.groups if not group.option)
    add(
        "--metrics", nargs="+", choices=names, default=names, metavar="M",
        help=f"of {', '.join(names)} (default: all)",
    )  # fmt: skip
    add(
        "--metric_weights", nargs="+", default=[], type=pathlib.Path, metavar="CKPT",
        help="checkpoints with Inception, the networks of LPIPS and EfficientNet-lite0, made by "
        "scripts/convert_torch_ckpt.py",
    )  # fmt: skip
    add(
        "--reference_statistics", nargs="+", default=[], metavar="[KIND=]FILE.npz",
        help="statistics to use instead of those of --truth, or to write those to if there is no such file; KIND is "
        f"one of {', '.join(features_of(evaluation.groups))}, and may be omitted when only one is measured",
    )  # fmt: skip


def _add_results(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("results").add_argument
    add("--report", type=pathlib.Path, metavar="DIR", help=f"where the report goes (default: {REPORTS}/NAME)")
    add("--name", default="", help="its name in tables (default: that of the folder, checkpoint or baseline)")
    add("--overwrite", action="store_true", help="replace an existing report")
    add("--save", type=pathlib.Path, metavar="DIR", help="also write the outputs, with what belongs to them and masks")
    add("--compilation_cache", metavar="DIR", help=compilation_cache.HELP)


def check(options: argparse.Namespace, evaluation: Evaluation) -> None:
    """Raises ValueError with all options that cannot be combined; `options` are those that `parser` read."""
    lines = [*(_comparison(options, evaluation) if options.compare else _measurement(options, evaluation))]
    if lines:
        raise ValueError("\n".join(lines))


def _measurement(options: argparse.Namespace, evaluation: Evaluation) -> Iterator[str]:
    makes = bool(options.checkpoint or options.baseline)
    fills = bool(options.baseline or (options.checkpoint and evaluation.fills))
    without = options.mask is None and not options.masks
    wrong = [
        (options.truth is None, "--truth is missing: a folder with the true pictures"),
        (options.mask is not None and options.masks, "--mask and --masks: choose one"),
        (
            fills and without and evaluation.holes(options) is None,
            "a hole is missing: name --mask or --masks",
        ),
        (
            options.output and options.truth and options.output.resolve() == options.truth.resolve(),
            "--output: is the folder of --truth; name that of the results",
        ),
        (options.output and options.masks, "--masks: results on disk were made with the masks of --mask"),
        (options.invert_mask and options.mask is None, "--invert_mask goes with --mask"),
        (options.seed is not None and without, "--seed goes with --masks"),
        (options.mask_area and options.masks != "freeform", "--mask_area goes with --masks freeform"),
        (options.mask_area and not _is_range(options.mask_area), "--mask_area takes 0 <= LOW <= HIGH <= 1"),
        (options.dtype != "float32" and not options.checkpoint, "--dtype goes with --checkpoint"),
        (options.save is not None and not makes, "--save goes with --checkpoint or --baseline"),
    ]
    yield from (message for is_wrong, message in wrong if is_wrong)
    yield from evaluation.check_options(options)


def _comparison(options: argparse.Namespace, evaluation: Evaluation) -> Iterator[str]:
    """Lines that name the options that a comparison would ignore."""
    made = parser(evaluation)
    for name, value in vars(options).items():
        if name != "compare" and value != made.get_default(name):
            yield f"--{name}: --compare measures nothing, it takes reports alone"


def _is_range(area: Sequence[float]) -> bool:
    return 0 <= area[0] <= area[1] <= 1
