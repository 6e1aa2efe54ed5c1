"""The options of the command, and which of them go together."""

import argparse
import math
import pathlib
from collections.abc import Sequence

from edgeconnect_jax.evaluation import definitions
from edgeconnect_jax.evaluation.features import FIDS
from edgeconnect_jax.evaluation.holes import AREA, KINDS
from edgeconnect_jax.evaluation.per_image import EDGE_THRESHOLD
from edgeconnect_jax.host import compilation_cache
from edgeconnect_jax.metrics.baselines import BASELINES
from edgeconnect_jax.systems.edgeconnect.inference import COMPATIBILITIES, DEFAULT_SIGMA, DTYPES

REPORTS = pathlib.Path("reports")  # where reports go by default
_DESCRIPTION = """\
Measures results on disk, a model or a baseline against the true pictures. Files belong together by stem (truth/cat.jpg,
output/cat.png, masks/cat.png); sub-folders are not searched. Prints a table and writes report.json, per_image.csv,
plot.png and sheet.png.
"""


def parser() -> argparse.ArgumentParser:
    """What reads the command line; see `check` for options that do not go together."""
    made = argparse.ArgumentParser(prog="python -m edgeconnect_jax.eval", description=_DESCRIPTION, allow_abbrev=False)
    for add in (_add_sources, _add_pictures, _add_metrics, _add_results):
        add(made)
    return made


def _add_sources(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is measured, one of")
    add = group.add_mutually_exclusive_group(required=True).add_argument
    add("--output", type=pathlib.Path, metavar="DIR", help="results of any program")
    add("--checkpoint", nargs="+", metavar="C", help="fill with a model: checkpoints or workdirs, as for inpaint")
    add("--baseline", choices=tuple(BASELINES), help="fill without learning")
    add("--compare", nargs="+", type=pathlib.Path, metavar="REPORT", help="put reports side by side in one table")
    add = parser.add_argument_group("with --checkpoint").add_argument
    add("--compat", choices=COMPATIBILITIES, help="do as the original's test script")
    add("--dtype", choices=DTYPES, default="float32", help="arithmetic of the networks")


def _add_pictures(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("pictures and holes").add_argument
    add("--truth", type=pathlib.Path, metavar="DIR", help="the true pictures")
    add(
        "--image_size", type=_at_least(0), default=0, metavar="N",
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
    add("--seed", type=_at_least(0), metavar="N", help="of the holes that are drawn (default: 0)")


def _add_metrics(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("metrics").add_argument
    add(
        "--metrics", nargs="+", choices=definitions.GROUPS, default=definitions.GROUPS, metavar="M",
        help=f"of {', '.join(definitions.GROUPS)} (default: all)",
    )  # fmt: skip
    add("--legacy", action="store_true", help="also by the definitions of the original's scripts")
    add(
        "--metric_weights", nargs="+", default=[], type=pathlib.Path, metavar="CKPT",
        help="checkpoints with Inception and the networks of LPIPS, made by scripts/convert_torch_ckpt.py",
    )  # fmt: skip
    add(
        "--reference_statistics", nargs="+", default=[], metavar="[KIND=]FILE.npz",
        help="statistics to take instead of those of --truth, or to write those to if there is no such file; KIND is "
        f"one of {', '.join(FIDS)}, and may be left out when only one is measured",
    )  # fmt: skip
    add("--edges", type=pathlib.Path, metavar="DIR", help="predicted edge maps that belong to --output, white = edge")
    add(
        "--edge_threshold", type=_within(0, 1, included=True), metavar="T",
        help=f"a predicted edge is what is above it, from 0 to below 1 (default: {EDGE_THRESHOLD:g})",
    )  # fmt: skip
    add(
        "--sigma", type=_within(0, math.inf, included=False), metavar="S",
        help="of Canny's Gaussian, for the true edges and what a model is shown (default: that of the checkpoint's "
        f"training, or {DEFAULT_SIGMA:g})",
    )  # fmt: skip


def _add_results(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("results").add_argument
    add("--report", type=pathlib.Path, metavar="DIR", help=f"where the report goes (default: {REPORTS}/NAME)")
    add("--name", default="", help="what tables call it (default: the name of the folder, checkpoint or baseline)")
    add("--overwrite", action="store_true", help="replace a report that is there")
    add("--save", type=pathlib.Path, metavar="DIR", help="also write what was filled, with its edges and masks")
    add("--compilation_cache", metavar="DIR", help=compilation_cache.HELP)


def _at_least(lowest: int):
    def number(text: str) -> int:
        if int(text) < lowest:
            raise argparse.ArgumentTypeError(f"{text} is under {lowest}")
        return int(text)

    return number


def _within(low: float, high: float, *, included: bool):
    """The type of a number between two bounds, the lower one perhaps included; never NaN or infinite."""

    def number(text: str) -> float:
        value = float(text)
        if not (low < value < high or (included and value == low)):
            lower = f"{low:g} or more" if included else f"over {low:g}"
            upper = "finite" if math.isinf(high) else f"under {high:g}"
            raise argparse.ArgumentTypeError(f"{text} must be {lower} and {upper}")
        return value

    return number


def check(options: argparse.Namespace) -> None:
    """Raises ValueError with all options that do not go together; `options` are those that `parser` read."""
    if options.compare:
        _check_compare(options)
        return
    fills = bool(options.checkpoint or options.baseline)
    wrong = [
        (options.truth is None, "--truth is missing: a folder with the true pictures"),
        (options.mask is not None and options.masks, "--mask and --masks: choose one"),
        (fills and options.mask is None and not options.masks, "a hole is missing: name --mask or --masks"),
        (
            options.output and options.truth and options.output.resolve() == options.truth.resolve(),
            "--output: is the folder of --truth; name that of the results",
        ),
        (options.output and options.masks, "--masks: results on disk were made with the masks of --mask"),
        (options.invert_mask and options.mask is None, "--invert_mask goes with --mask"),
        (options.seed is not None and not options.masks and options.mask is None, "--seed goes with --masks"),
        (options.mask_area and options.masks != "freeform", "--mask_area goes with --masks freeform"),
        (options.mask_area and not _is_range(options.mask_area), "--mask_area takes 0 <= LOW <= HIGH <= 1"),
        (options.compat and not options.checkpoint, "--compat goes with --checkpoint"),
        (options.dtype != "float32" and not options.checkpoint, "--dtype goes with --checkpoint"),
        (options.edges is not None and options.output is None, "--edges goes with --output"),
        (options.edges is not None and options.mask is None, "--edges: edges are measured in the hole; name --mask"),
        (options.save is not None and not fills, "--save goes with --checkpoint or --baseline"),
        (not predicts_edges(options) and options.sigma is not None, "--sigma: no edges are measured"),
        (
            not predicts_edges(options) and options.edge_threshold is not None,
            "--edge_threshold: no edges are measured",
        ),
    ]
    problems = [message for is_wrong, message in wrong if is_wrong]
    if problems:
        raise ValueError("\n".join(problems))


def _check_compare(options: argparse.Namespace) -> None:
    """Raises ValueError with the options that a comparison would ignore."""
    made = parser()
    given = [name for name, value in vars(options).items() if name != "compare" and value != made.get_default(name)]
    if given:
        raise ValueError("\n".join(f"--{name}: --compare measures nothing, it takes reports alone" for name in given))


def _is_range(area: Sequence[float]) -> bool:
    return 0 <= area[0] <= area[1] <= 1


def predicts_edges(options: argparse.Namespace) -> bool:
    """Whether what is measured has edge maps."""
    return bool(options.checkpoint) or options.edges is not None
