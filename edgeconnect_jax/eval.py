"""Measures the results of a system, of any program or of a baseline against the true pictures.

python -m edgeconnect_jax.eval --truth DIR --output DIR [--mask DIR] [--system S]
python -m edgeconnect_jax.eval --truth DIR --checkpoint C (--mask DIR | --masks KIND --seed N)
python -m edgeconnect_jax.eval --truth DIR --baseline NAME (--mask DIR | --masks KIND --seed N)
python -m edgeconnect_jax.eval --compare REPORT REPORT ...
"""

import argparse
import pathlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence

from edgeconnect_jax import systems
from edgeconnect_jax.evaluation import compare, outputs, per_image, report, results, run, sheet
from edgeconnect_jax.evaluation import options as command
from edgeconnect_jax.evaluation import pairs as pairing
from edgeconnect_jax.evaluation.definitions import (
    Definition,
    Evaluation,
    MeasurementSettings,
    MetricGroup,
    by_key,
    features_of,
    smallest_sides,
)
from edgeconnect_jax.evaluation.holes import AREA, DrawnHoles, FileHoles, Holes
from edgeconnect_jax.evaluation.network_metrics import BATCH, NetworkMetrics
from edgeconnect_jax.host import compilation_cache, errors


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: of the command line; None = those of this process.

    Returns:
        The exit status: 0, or 2 after a message on stderr that lists all problems (if only some files are corrupted,
        the other pictures are measured), or 130 after Ctrl-C.
    """
    given = sys.argv[1:] if arguments is None else arguments
    return errors.run_command("eval", lambda: _run(given), interrupted="interrupted; no report is written")


def _run(arguments: Sequence[str]) -> None:
    system = _find_system(arguments)
    options = command.parser(system.evaluation).parse_args(arguments)
    command.check(options, system.evaluation)
    if options.compare:
        print(compare.compare(options.compare, _definitions_of))
        return
    of = systems.of_checkpoints(options.checkpoint or ())
    if set(of) - {system.name}:
        named = "; ".join(f"{', '.join(map(str, paths))}: of {name}" for name, paths in of.items())
        raise ValueError(f"--checkpoint takes the networks of one system, here {system.name} ({named})")
    _measure(options, system)


def _find_system(arguments: Sequence[str]) -> systems.System:
    """The system of --system, or else of --checkpoint, which declares the other options."""
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    first.add_argument("--system", nargs="?")
    first.add_argument("--checkpoint", nargs="*", default=[])
    options = first.parse_known_args(arguments)[0]
    if options.system:
        return systems.load(options.system, "--system")
    try:
        return systems.load(next(iter(systems.of_checkpoints(options.checkpoint)), systems.DEFAULT))
    except ValueError:  # reported once the other options are checked
        return systems.load(systems.DEFAULT)


def _definitions_of(reports: Sequence[report.Report]) -> Mapping[str, Definition]:
    """The definitions of the systems that the reports name."""
    names = dict.fromkeys(entry.get("system", systems.DEFAULT) for entry in reports)
    return by_key(group for name in names for group in systems.load(name).evaluation.groups)


def _measure(options: argparse.Namespace, system: systems.System) -> None:
    """Finds and checks everything, measures, and writes the report."""
    evaluation: Evaluation = system.evaluation
    compilation_cache.enable(options.compilation_cache)
    name = options.name or _default_name(options)
    folder = options.report or command.REPORTS / re.sub(r"[^\w.-]+", "_", name)
    others = evaluation.folders(options)
    read = [path for path in (options.truth, options.output, options.mask) if path is not None]
    results.check(folder, options.save, [*read, *(other.path for other in others)], options.overwrite)
    groups = tuple(_chosen(options, evaluation))
    pairs = pairing.find_pairs(
        options.truth, output=options.output, mask=options.mask, others=others, image_size=options.image_size,
        smallest=smallest_sides(groups),
    )  # fmt: skip
    references = _references(options.reference_statistics, groups)
    networks = NetworkMetrics(groups, options.metric_weights, references, min(BATCH, len(pairs)))
    pairs = pairing.check_sides(pairs, networks.smallest_sides)
    settings = per_image.load(MeasurementSettings(groups), options)
    _report_refused(settings, networks)
    source, holes = _source(options, evaluation), _holes(options, evaluation)
    settings = settings._replace(values=evaluation.settings(options, source))
    new = [path.parent for path in references.values() if not path.exists()]
    with results.made([folder, *([options.save] if options.save else []), *new]):
        found = run.evaluate(pairs, source, holes, settings, networks, save=options.save)
    given = {key: _plain(value) for key, value in vars(options).items()}
    made = report.build(found, source, holes, settings, networks, name=name, system=system.name, options=given)
    print(report.format_report(made, found.definitions))  # before anything is written, which may fail
    drawn = sheet.draw(found.rows, pairs, source, holes, evaluation.columns)
    written = results.write_all(folder, made, found, drawn)
    print(f"\n{folder}: {', '.join(written)}")
    wrong = [*networks.unwritten, *_left_out(found, len(pairs))]
    if wrong:
        raise OSError("\n".join(wrong))


def _chosen(options: argparse.Namespace, evaluation: Evaluation) -> Iterator[MetricGroup]:
    for group in evaluation.groups:
        if getattr(options, group.option) if group.option else group.name in options.metrics:
            yield group


def _left_out(found: run.Results, count: int) -> list[str]:
    """Lines about the pictures that are not measured."""
    if not found.left_out:
        return []
    head = f"{len(found.rows)} of {count} pictures were measured; repair these files for the others:"
    return [head, *dict.fromkeys(found.left_out)]


def _report_refused(settings: MeasurementSettings, networks: NetworkMetrics) -> None:
    """Names the metrics that cannot be measured, with the reason; raises ValueError if no other is left."""
    refused = {**networks.refused, **per_image.refused_titles(settings)}
    lines = [f"{metric} is not measured: {reason}" for metric, reason in refused.items()]
    if networks.empty and not per_image.measuring(settings):
        raise ValueError("\n".join(["nothing can be measured:", *lines]))
    for line in lines:
        errors.report("eval", line, kind="")


def _default_name(options: argparse.Namespace) -> str:
    measured = options.baseline or options.output or options.checkpoint[-1]
    return pathlib.Path(measured).resolve().name


def _references(given: Sequence[str], groups: Sequence[MetricGroup]) -> dict[str, pathlib.Path]:
    """Kind of FID -> file of its statistics."""
    kinds = features_of(groups)
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


def _source(options: argparse.Namespace, evaluation: Evaluation) -> outputs.OutputSource:
    if options.output:
        return outputs.OnDisk(options.output, evaluation.folders(options))
    return outputs.BaselineOutput(options.baseline) if options.baseline else evaluation.outputs(options)


def _holes(options: argparse.Namespace, evaluation: Evaluation) -> Holes:
    own = evaluation.holes(options)
    if own is not None:
        return own
    if options.masks:
        low, high = options.mask_area or AREA
        return DrawnHoles(options.masks, options.seed or 0, (low, high))
    return FileHoles(options.invert_mask)


def _plain(value: object) -> object:
    """An option as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, pathlib.Path) else value


if __name__ == "__main__":
    sys.exit(main())
