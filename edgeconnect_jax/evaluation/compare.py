"""Several reports in one table, if they are of the same pictures and measured in the same way."""

import json
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from edgeconnect_jax.evaluation.definitions import Definition
from edgeconnect_jax.evaluation.report import FORMAT, REPORT, Report, format_definitions
from edgeconnect_jax.host.tables import format_table

_BEST = "*"
_BETTER = {True: "higher", False: "lower", None: ""}


def read(path: pathlib.Path) -> Report:
    """A report.

    Args:
        path: of the file, or of the folder that holds it.

    Raises:
        ValueError: there is none, it is of another format, or fields are missing, which are listed.
    """
    path = path / REPORT if path.is_dir() else path
    if not path.is_file():
        raise ValueError(f"{path}: no such report")
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: not a report ({error})") from error
    found = report.get("format") if isinstance(report, dict) else None
    if found != FORMAT:
        raise ValueError(f"{path}: not a report of this version (format {FORMAT}); measure again")
    missing = list(_missing(report))
    if missing:
        raise ValueError(f"{path}: corrupted, without {', '.join(missing)}; measure again")
    return report


def _missing(report: Report) -> Iterator[str]:
    """The fields that a comparison needs and that a report lacks, as path/to/field."""
    yield from _without(report, "", "name", "masks")
    yield from _without(report.get("pictures"), "pictures/", "count", "hash")
    if report.get("masks") is not None:
        yield from _without(report["masks"], "masks/", "kind", "hash")
    for part, fields in (("definitions", ("name", "definition")), ("results", ("value", "pictures", "left out"))):
        entries = report.get(part)
        if not isinstance(entries, dict):
            yield part
            continue
        for key, entry in entries.items():
            yield from _without(entry, f"{part}/{key}/", *fields)
    if isinstance(report.get("results"), dict) and isinstance(report.get("definitions"), dict):
        yield from (f"definitions/{key}" for key in report["results"] if key not in report["definitions"])


def _without(entry: Any, prefix: str, *fields: str) -> list[str]:
    return [f"{prefix}{field}" for field in fields if not isinstance(entry, dict) or field not in entry]


def compare(
    paths: Sequence[pathlib.Path], definitions_of: Callable[[Sequence[Report]], Mapping[str, Definition]]
) -> str:
    """A table with a column for each report, and the definitions below it.

    Args:
        paths: of two or more reports.
        definitions_of: (reports) -> the definitions of their systems' metrics by key, in the order of the rows.

    Raises:
        ValueError: fewer than two, one named twice, or no reports; or they differ in their pictures, masks, seed or
            definitions, each difference named.
    """
    if len(paths) < 2:
        raise ValueError("--compare takes two reports or more")
    files = [(path / REPORT if path.is_dir() else path).resolve() for path in paths]
    twice = [f"{path}: named twice" for i, path in enumerate(paths) if files[i] in files[:i]]
    if twice:
        raise ValueError("\n".join(twice))
    reports = read_all(paths)
    labels = _labels(paths, reports)
    problems = [line for i in range(1, len(paths)) for line in _differences(paths[0], reports[0], paths[i], reports[i])]
    if problems:
        raise ValueError("\n".join([*problems, "measure them in the same way, see report.json of each"]))
    known = definitions_of(reports)
    keys = [key for key in known if any(key in report["results"] for report in reports)]
    results = {key: [report["results"].get(key) for report in reports] for key in keys}
    rows = [_row(known[key], entries) for key, entries in results.items()]
    defined = {key: entry for report in reports for key, entry in report["definitions"].items()}
    note = f"{reports[0]['pictures']['count']} pictures. {_BEST} marks the best of each row."
    if any(_of_different_counts(entries) for entries in results.values()):
        note += (
            " Rows with numbers of pictures have no best: each value comes from those pictures that have one (equal "
            "pictures have no finite PSNR), which are not the same in all columns."
        )
    definitions = format_definitions({"definitions": {key: defined[key] for key in keys}})
    return "\n\n".join([format_table(["metric", "better", *labels], rows), note, definitions])


def read_all(paths: Sequence[pathlib.Path]) -> list[Report]:
    """The reports; raises ValueError that names all that cannot be read."""
    reports, problems = [], []
    for path in paths:
        try:
            reports.append(read(path))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))
    return reports


def _labels(paths: Sequence[pathlib.Path], reports: Sequence[Report]) -> list[str]:
    """The reports' names; with their paths where two have one name."""
    names = [report["name"] for report in reports]
    return [f"{name} ({path})" if names.count(name) > 1 else name for path, name in zip(paths, names, strict=True)]


def _differences(path: pathlib.Path, report: Report, other_path: pathlib.Path, other: Report) -> Iterator[str]:
    """Lines that name the differences of two reports that prevent a comparison."""
    both = f"{path} and {other_path}"
    if report["pictures"] != other["pictures"]:
        counts = " and ".join(str(r["pictures"]["count"]) for r in (report, other))
        yield f"{both}: different pictures, or prepared differently ({counts})"
    seeds = [(r["masks"] or {}).get("seed") for r in (report, other)]
    if None not in seeds and seeds[0] != seeds[1]:
        yield f"{both}: different seeds ({seeds[0]} and {seeds[1]})"
    elif _hash(report["masks"]) != _hash(other["masks"]):
        yield f"{both}: different masks ({_shown(report['masks'])} and {_shown(other['masks'])})"
    for key in report["definitions"].keys() & other["definitions"].keys():
        one, two = report["definitions"][key], other["definitions"][key]
        for field in (field for field in one | two if one.get(field) != two.get(field)):
            yield f"{both}: a different {field} of {one['name']} ({one.get(field)} and {two.get(field)})"


def _hash(masks: Mapping[str, Any] | None) -> str | None:
    return None if masks is None else masks["hash"]


def _shown(masks: Mapping[str, Any] | None) -> str:
    if masks is None:
        return "none"
    return ", ".join(f"{key} {value}" for key, value in masks.items() if key in ("kind", "area", "invert", "threshold"))


def _of_different_counts(entries: Sequence[Mapping[str, Any] | None]) -> bool:
    """Whether the reports' values of one metric come from different numbers of pictures."""
    return len({(entry["pictures"], entry["left out"]) for entry in entries if entry is not None}) > 1


def _row(definition: Definition, entries: Sequence[Mapping[str, Any] | None]) -> list[str]:
    higher, counted = definition.higher_is_better, _of_different_counts(entries)
    known = [entry["value"] for entry in entries if entry is not None and entry["value"] is not None]
    best = None if higher is None or not known or counted else max(known) if higher else min(known)
    cells = (_cell(definition, entry, best, counted) for entry in entries)
    return [definition.title, _BETTER[higher], *cells]


def _cell(definition: Definition, entry: Mapping[str, Any] | None, best: float | None, counted: bool) -> str:
    if entry is None:
        return "-"
    value, pictures = entry["value"], entry["pictures"]
    text = "-" if value is None else f"{_BEST if value == best else ''}{definition.format(value)}"
    return f"{text} ({pictures} of {pictures + entry['left out']})" if counted else text
