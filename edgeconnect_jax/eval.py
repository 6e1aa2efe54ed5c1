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

from edgeconnect_jax.evaluation import compare, definitions, outputs, report, results, run, sheet
from edgeconnect_jax.evaluation import options as command
from edgeconnect_jax.evaluation import pairs as pairing
from edgeconnect_jax.evaluation.features import BATCH, FIDS, Deep
from edgeconnect_jax.evaluation.holes import AREA, DrawnHoles, FileHoles, Holes
from edgeconnect_jax.evaluation.per_image import EDGE_THRESHOLD, Settings
from edgeconnect_jax.host import compilation_cache
from edgeconnect_jax.systems.edgeconnect.inference import DEFAULT_SIGMA

_INTERRUPTED = 130  # what shells report of a process that Ctrl-C ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: of the command line; None = those of this process.

    Returns:
        The exit status: 0, or 2 after a message on stderr that lists everything that is wrong (the other pictures are
        measured if only some files are), or 130 after Ctrl-C.
    """
    options = command.parser().parse_args(arguments)
    try:
        command.check(options)
        if options.compare:
            print(compare.compare(options.compare))
        else:
            _measure(options)
    except (ValueError, OSError) as error:
        print(f"eval: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("eval: interrupted; no report is written", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _measure(options: argparse.Namespace) -> None:
    """Finds and checks everything, measures, and writes the report."""
    compilation_cache.enable(options.compilation_cache)
    name = options.name or _default_name(options)
    folder = options.report or command.REPORTS / re.sub(r"[^\w.-]+", "_", name)
    read = [path for path in (options.truth, options.output, options.mask, options.edges) if path is not None]
    results.check(folder, options.save, read, options.overwrite)
    groups = (*options.metrics, *(["legacy"] if options.legacy else []))
    smallest = {group: side for group, side in definitions.SMALLEST_SIDES.items() if group in groups}
    pairs = pairing.find_pairs(
        options.truth, output=options.output, mask=options.mask, edges=options.edges, image_size=options.image_size,
        smallest=smallest,
    )  # fmt: skip
    references = _references(options.reference_statistics, groups)
    deep = Deep(groups, options.metric_weights, references, min(BATCH, len(pairs)))
    pairs = pairing.check_sides(pairs, deep.smallest_sides)
    _refuse(options, groups, deep)
    source, holes = _source(options), _holes(options)
    settings = _settings(options, groups, source)
    new = [path.parent for path in references.values() if not path.exists()]
    with results.made([folder, *([options.save] if options.save else []), *new]):
        evaluation = run.evaluate(pairs, source, holes, settings, deep, save=options.save)
    given = {key: _plain(value) for key, value in vars(options).items()}
    made = report.build(evaluation, source, holes, settings, deep, name=name, options=given)
    print(report.format_report(made))  # before anything is written, which may fail
    written = results.write_all(folder, made, evaluation, sheet.draw(evaluation.rows, pairs, source, holes))
    print(f"\n{folder}: {', '.join(written)}")
    wrong = [*deep.unwritten, *_told(evaluation, len(pairs))]
    if wrong:
        raise OSError("\n".join(wrong))


def _told(evaluation: run.Evaluation, count: int) -> list[str]:
    """What is said of the pictures that are not measured."""
    if not evaluation.left_out:
        return []
    head = f"{len(evaluation.rows)} of {count} pictures were measured; mend these files for the others:"
    return [head, *dict.fromkeys(evaluation.left_out)]


def _refuse(options: argparse.Namespace, groups: Sequence[str], deep: Deep) -> None:
    """Names the metrics that cannot be measured, with the reason; raises ValueError where no other is left."""
    measured = {"psnr", "ssim", "l1", "legacy"} & set(groups)
    if "edges" in groups and command.predicts_edges(options):
        measured.add("edges")
    elif "edges" in groups:
        reason = "a baseline predicts no edges" if options.baseline else "there are no edge maps; name --edges"
        deep.refused["edge precision and recall"] = reason
    lines = [f"{metric} is not measured: {reason}" for metric, reason in deep.refused.items()]
    if deep.empty and not measured:
        raise ValueError("\n".join(["nothing can be measured:", *lines]))
    for line in lines:
        print(f"eval: {line}", file=sys.stderr)


def _default_name(options: argparse.Namespace) -> str:
    measured = options.baseline or options.output or options.checkpoint[-1]
    return pathlib.Path(measured).resolve().name


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
        if kind in references or pathlib.Path(path) in references.values():
            raise ValueError(f"--reference_statistics {text}: this kind or this file is named twice")
        references[kind] = pathlib.Path(path)
    return references


def _source(options: argparse.Namespace) -> outputs.Source:
    if options.output:
        return outputs.OnDisk(options.output, options.edges)
    if options.baseline:
        return outputs.Baseline(options.baseline)
    return outputs.Model(options.checkpoint, compat=options.compat, dtype=options.dtype, sigma=options.sigma)


def _holes(options: argparse.Namespace) -> Holes:
    if options.masks:
        low, high = options.mask_area or AREA
        return DrawnHoles(options.masks, options.seed or 0, (low, high))
    return FileHoles(options.invert_mask, as_original=options.compat == "original")


def _settings(options: argparse.Namespace, groups: tuple[str, ...], source: outputs.Source) -> Settings:
    sigma = source.sigma if isinstance(source, outputs.Model) else options.sigma
    threshold = EDGE_THRESHOLD if options.edge_threshold is None else options.edge_threshold
    return Settings(groups, threshold, DEFAULT_SIGMA if sigma is None else sigma)


def _plain(value: object) -> object:
    """An option as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, pathlib.Path) else value


if __name__ == "__main__":
    sys.exit(main())
