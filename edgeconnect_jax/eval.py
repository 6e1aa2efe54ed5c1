"""Measures how well holes are filled.

python -m edgeconnect_jax.eval --truth DIR --output DIR [--mask DIR]
python -m edgeconnect_jax.eval --truth DIR --checkpoint C (--mask DIR | --masks KIND --seed N)
python -m edgeconnect_jax.eval --truth DIR --baseline NAME (--mask DIR | --masks KIND --seed N)
python -m edgeconnect_jax.eval --compare REPORT REPORT ...
"""

import argparse
import pathlib
import re
import sys
from collections.abc import Sequence

import numpy as np

from edgeconnect_jax.data.images import write_png
from edgeconnect_jax.evaluation import compare, definitions, plot, report, run, sheet, sources
from edgeconnect_jax.evaluation import pairs as pairing
from edgeconnect_jax.evaluation.deep import BATCH, FIDS, Deep
from edgeconnect_jax.evaluation.files import write_whole
from edgeconnect_jax.evaluation.holes import AREA, KINDS, DrawnHoles, FileHoles, Holes
from edgeconnect_jax.evaluation.measures import EDGE_THRESHOLD, Settings
from edgeconnect_jax.inference.folder import check_output
from edgeconnect_jax.inference.inpainter import COMPATIBILITIES, DEFAULT_SIGMA, DTYPES
from edgeconnect_jax.metrics.baselines import BASELINES

_DESCRIPTION = """\
Measures results on disk, a model or a baseline against the true pictures. Files belong together by stem (truth/cat.jpg,
output/cat.png, masks/cat.png); sub-folders are not searched. Prints a table and writes report.json, per_image.csv,
plot.png and sheet.png.
"""
_REPORTS = pathlib.Path("reports")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: of the command line; None = those of this process.

    Returns:
        The exit status: 0, or 2 after a message on stderr that lists everything that is wrong.
    """
    options = _parser().parse_args(arguments)
    try:
        _check(options)
        if options.compare:
            print(compare.compare(options.compare))
        else:
            _measure(options)
    except (ValueError, OSError) as error:
        print(f"eval: error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m edgeconnect_jax.eval", description=_DESCRIPTION, allow_abbrev=False
    )
    _add_sources(parser)
    _add_pictures(parser)
    _add_metrics(parser)
    _add_results(parser)
    return parser


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
    add("--seed", type=_at_least(0), default=0, metavar="N", help="of the holes that are drawn (default: 0)")


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
        "--edge_threshold", type=float, metavar="T",
        help=f"a predicted edge is what is above it, 0 to 1 (default: {EDGE_THRESHOLD:g})",
    )  # fmt: skip
    add(
        "--sigma", type=float, metavar="S",
        help="of Canny's Gaussian, for the true edges and what a model is shown (default: that of the checkpoint's "
        f"training, or {DEFAULT_SIGMA:g})",
    )  # fmt: skip


def _add_results(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("results").add_argument
    add("--report", type=pathlib.Path, metavar="DIR", help=f"where the report goes (default: {_REPORTS}/NAME)")
    add("--name", default="", help="what tables call it (default: the name of the folder, checkpoint or baseline)")
    add("--overwrite", action="store_true", help="replace a report that is there")
    add("--save", type=pathlib.Path, metavar="DIR", help="also write what was filled, with its edges and masks")


def _at_least(lowest: int):
    def number(text: str) -> int:
        if int(text) < lowest:
            raise argparse.ArgumentTypeError(f"{text} is under {lowest}")
        return int(text)

    return number


def _check(options: argparse.Namespace) -> None:
    """Raises ValueError with all options that do not go together."""
    fills = bool(options.checkpoint or options.baseline)
    wrong = [
        (not options.compare and options.truth is None, "--truth is missing: a folder with the true pictures"),
        (options.compare and options.truth is not None, "--truth: --compare measures nothing, it takes reports alone"),
        (options.mask is not None and options.masks, "--mask and --masks: choose one"),
        (fills and options.mask is None and not options.masks, "a hole is missing: name --mask or --masks"),
        (options.output and options.masks, "--masks: results on disk were made with the masks of --mask"),
        (options.invert_mask and options.mask is None, "--invert_mask goes with --mask"),
        (options.mask_area and options.masks != "freeform", "--mask_area goes with --masks freeform"),
        (options.mask_area and not _is_range(options.mask_area), "--mask_area takes 0 <= LOW <= HIGH <= 1"),
        (options.compat and not options.checkpoint, "--compat goes with --checkpoint"),
        (options.dtype != "float32" and not options.checkpoint, "--dtype goes with --checkpoint"),
        (options.edges is not None and options.output is None, "--edges goes with --output"),
        (options.edges is not None and options.mask is None, "--edges: edges are measured in the hole; name --mask"),
        (options.save is not None and not fills, "--save goes with --checkpoint or --baseline"),
        (not _measures_edges(options) and options.sigma is not None, "--sigma: no edges are measured"),
        (
            not _measures_edges(options) and options.edge_threshold is not None,
            "--edge_threshold: no edges are measured",
        ),
    ]
    problems = [message for is_wrong, message in wrong if is_wrong]
    if problems:
        raise ValueError("\n".join(problems))


def _is_range(area: Sequence[float]) -> bool:
    return 0 <= area[0] <= area[1] <= 1


def _measures_edges(options: argparse.Namespace) -> bool:
    return bool(options.checkpoint) or options.edges is not None


def _measure(options: argparse.Namespace) -> None:
    """Finds and checks everything, measures, and writes the report."""
    name = options.name or _default_name(options)
    folder = options.report or _REPORTS / re.sub(r"[^\w.-]+", "_", name)
    _check_folders(options, folder)
    groups = (*options.metrics, *(["legacy"] if options.legacy else []))
    smallest = {group: side for group, side in definitions.SMALLEST_SIDES.items() if group in groups}
    pairs = pairing.find_pairs(
        options.truth, output=options.output, mask=options.mask, edges=options.edges, image_size=options.image_size,
        smallest=smallest,
    )  # fmt: skip
    references = _references(options.reference_statistics, groups)
    deep = Deep(groups, options.metric_weights, references, min(BATCH, len(pairs)))
    pairing.check_sides(pairs, deep.smallest_sides)
    source, holes = _source(options), _holes(options)
    settings = _settings(options, groups, source)
    for metric, reason in deep.refused.items():
        print(f"eval: {metric} is not measured: {reason}", file=sys.stderr)
    evaluation = run.evaluate(pairs, source, holes, settings, deep, save=options.save)
    given = {key: _plain(value) for key, value in vars(options).items()}
    made = report.build(evaluation, source, holes, settings, deep, name=name, options=given)
    written = _write(folder, made, evaluation, sheet.draw(evaluation.rows, pairs, source, holes))
    print(f"{report.format_report(made)}\n\n{folder}: {', '.join(written)}")


def _default_name(options: argparse.Namespace) -> str:
    measured = options.baseline or options.output or options.checkpoint[-1]
    return pathlib.Path(measured).resolve().name


def _check_folders(options: argparse.Namespace, folder: pathlib.Path) -> None:
    read = [path for path in (options.truth, options.output, options.mask, options.edges) if path is not None]
    check_output([folder, *([options.save] if options.save else [])], read)
    if (folder / report.REPORT).exists() and not options.overwrite:
        raise ValueError(f"{folder / report.REPORT}: exists; choose another folder with --report, or use --overwrite")


def _references(given: Sequence[str], groups: Sequence[str]) -> dict[str, pathlib.Path]:
    """Kind of FID -> file of its statistics."""
    kinds = [kind for kind in FIDS if kind in groups or (kind == "legacy_fid" and "legacy" in groups)]
    references = {}
    for text in given:
        kind, _, path = text.rpartition("=")
        if not kind and len(kinds) > 1:
            named = " ".join(f"{kind}=FILE.npz" for kind in kinds)
            raise ValueError(f"--reference_statistics {path}: say which of these it is: {named}; or see --metrics")
        kind = kind or "".join(kinds)
        if kind not in kinds:
            raise ValueError(f"--reference_statistics {text}: {kind or 'no FID'} is not among the metrics")
        references[kind] = pathlib.Path(path)
    return references


def _source(options: argparse.Namespace) -> sources.Source:
    if options.output:
        return sources.OnDisk(options.output, options.edges)
    if options.baseline:
        return sources.Baseline(options.baseline)
    return sources.Model(options.checkpoint, compat=options.compat, dtype=options.dtype, sigma=options.sigma)


def _holes(options: argparse.Namespace) -> Holes:
    if options.masks:
        low, high = options.mask_area or AREA
        return DrawnHoles(options.masks, options.seed, (low, high))
    return FileHoles(options.invert_mask)


def _settings(options: argparse.Namespace, groups: tuple[str, ...], source: sources.Source) -> Settings:
    sigma = source.sigma if isinstance(source, sources.Model) else options.sigma
    threshold = EDGE_THRESHOLD if options.edge_threshold is None else options.edge_threshold
    return Settings(groups, threshold, DEFAULT_SIGMA if sigma is None else sigma)


def _plain(value: object) -> object:
    """An option as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, pathlib.Path) else value


def _write(
    folder: pathlib.Path, made: report.Report, evaluation: run.Evaluation, drawn: np.ndarray | None
) -> list[str]:
    """Writes the pictures of the report, then its figures; returns their names."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [report.REPORT, report.PER_IMAGE]
    if drawn is not None:
        write_png(folder / report.SHEET, drawn)
        written.append(report.SHEET)
    if evaluation.bins:
        try:
            write_whole(folder / report.PLOT, plot.draw(evaluation, made["name"]))
            written.append(report.PLOT)
        except ModuleNotFoundError as error:
            print(f"eval: {report.PLOT} is not drawn: {error}", file=sys.stderr)
    report.write(made, evaluation, folder)
    return written


if __name__ == "__main__":
    sys.exit(main())
