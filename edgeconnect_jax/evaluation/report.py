"""What an evaluation leaves: a table on the console, report.json and per_image.csv."""

import csv
import importlib.metadata
import io
import json
import math
import pathlib
import platform
from collections.abc import Mapping
from typing import Any

import cv2

import edgeconnect_jax
from edgeconnect_jax.evaluation.definitions import DEFINITIONS, format_value, title
from edgeconnect_jax.evaluation.features import Deep
from edgeconnect_jax.evaluation.holes import Holes
from edgeconnect_jax.evaluation.outputs import Source
from edgeconnect_jax.evaluation.per_image import Settings
from edgeconnect_jax.evaluation.run import Evaluation
from edgeconnect_jax.evaluation.summary import Value
from edgeconnect_jax.host.files import write_whole
from edgeconnect_jax.host.tables import format_table
from edgeconnect_jax.parallel import devices as parallel

REPORT, PER_IMAGE, PLOT, SHEET = "report.json", "per_image.csv", "plot.png", "sheet.png"
FORMAT = 1

_PACKAGES = (
    *("numpy", "pillow", "scikit-image"),
    *("jax", "flax", "scikit-learn", "matplotlib"),
)

Report = dict[str, Any]


def build(
    evaluation: Evaluation,
    source: Source,
    holes: Holes,
    settings: Settings,
    deep: Deep | None = None,
    *,
    name: str = "",
    options: Mapping[str, Any] | None = None,
) -> Report:
    """Everything that tells what was measured, how, and what came out, as JSON has it.

    Args:
        evaluation: what came out.
        source: of the outputs, as it was given to `evaluate`.
        holes: likewise.
        settings: likewise.
        deep: likewise.
        name: what tables call it; "" = the title of the source.
        options: of the command, for the record.
    """
    keys = list(evaluation.results)
    return {
        "format": FORMAT,
        "name": name or source.title,
        "measured": source.about,
        "pictures": {"count": len(evaluation.rows), "hash": evaluation.pictures_hash},
        "left out": list(evaluation.left_out),
        "masks": _masks(evaluation, holes),
        "seed": holes.settings.get("seed"),
        "settings": {**settings._asdict(), "options": dict(options or {})},
        "versions": _versions(),
        "device": _device(),
        "definitions": {key: _definition(key, settings, deep) for key in keys},
        "results": _values(evaluation.results),
        "bins": [
            {"share of the picture that is hole": b.label, "pictures": b.pictures, "results": _values(b.results)}
            for b in evaluation.bins
        ],
        "refused": dict(deep.refused) if deep else {},
        "warnings": [*_left_out(evaluation), *_outside(evaluation, holes), *(deep.warnings if deep else [])],
    }


def _masks(evaluation: Evaluation, holes: Holes) -> dict[str, Any] | None:
    """Where the holes came from, and the shares of the pictures, 0 to 1, that they cover; None without masks."""
    shares = [row.ratio for row in evaluation.rows if row.ratio is not None]
    if evaluation.holes_hash is None or not shares:
        return None
    covered = {"minimum": min(shares), "mean": math.fsum(shares) / len(shares), "maximum": max(shares)}
    return {**holes.settings, "share": covered, "hash": evaluation.holes_hash}


def _left_out(evaluation: Evaluation) -> list[str]:
    """A warning about pictures that are not measured; their names stand by themselves."""
    left, count = len(evaluation.left_out), len(evaluation.rows)
    return [f"{left} of {left + count} pictures are left out, for their files cannot be used"] if left else []


def _outside(evaluation: Evaluation, holes: Holes) -> list[str]:
    """A warning about holes that are smaller or larger than was asked for: strokes are drawn a few times at most."""
    if "area" not in holes.settings:
        return []
    low, high = holes.settings["area"]
    shares = [row.ratio for row in evaluation.rows if row.ratio is not None]
    outside = sum(not low <= share <= high for share in shares)
    return [f"--mask_area: {outside} of {len(shares)} holes are outside {low:g} to {high:g}"] if outside else []


def _device() -> dict[str, str]:
    """Where networks run."""
    first = parallel.devices()[0]
    return {"backend": first.platform, "kind": first.device_kind}


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "edgeconnect_jax": edgeconnect_jax.__version__}
    versions["opencv"] = cv2.__version__  # several packages hold it
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def _definition(key: str, settings: Settings, deep: Deep | None) -> dict[str, Any]:
    definition = DEFINITIONS[key]
    text = definition.sentence.format(threshold=settings.threshold, sigma=settings.sigma)
    described: dict[str, Any] = {"name": definition.name, "definition": text, "unit": definition.unit}
    described["higher is better"] = definition.higher_is_better
    if deep and key in deep.texts:
        described["definition"] = f"{text}; {deep.texts[key]}"
        described["weights hash"] = deep.weights[key]
    if deep and key in deep.references:
        described["reference"] = deep.references[key]
    return described


def _values(results: Mapping[str, Value]) -> dict[str, Any]:
    return {key: {"value": v.value, "pictures": v.pictures, "left out": v.left_out} for key, v in results.items()}


def _as_text(name: str) -> str:
    """A name that UTF-8 can hold: bytes of a file's name that are no UTF-8 become escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def format_report(report: Report) -> str:
    """What a person reads: the results, the same by bins, and the definitions."""
    masks = report["masks"]
    parts = [
        f"{report['name']}: {report['pictures']['count']} pictures, "
        + ("without masks: only whole pictures are measured" if masks is None else f"holes: {_holes(masks)}"),
        format_table(("metric", "value", "pictures", "left out"), [_row(*item) for item in report["results"].items()]),
    ]
    bins = [entry for entry in report["bins"] if entry["pictures"]]
    if bins:
        labels = [next(iter(entry.values())) for entry in bins]
        rows = [["pictures", *(str(entry["pictures"]) for entry in bins)]]
        for key in (key for key in report["results"] if any(key in entry["results"] for entry in bins)):
            cells = (entry["results"].get(key, {}).get("value") for entry in bins)
            rows.append([title(key), *(format_value(key, cell) for cell in cells)])
        parts.append("By the share of the picture that is hole:\n" + format_table(["", *labels], rows))
    parts.append(format_definitions(report))
    parts += [f"warning: {line}" for line in report["warnings"]]
    return "\n\n".join(parts)


def format_definitions(report: Report) -> str:
    """The definition of each metric on a line."""
    return "\n".join(f"{entry['name']}: {entry['definition']}" for entry in report["definitions"].values())


def _holes(masks: Mapping[str, Any]) -> str:
    share = masks["share"]
    low, mean, high = (100 * share[key] for key in ("minimum", "mean", "maximum"))
    covered = f"; they cover {low:.1f} to {high:.1f} % of a picture, {mean:.1f} % on average"
    if masks["kind"] == "files":
        return f"masks of files{covered}"
    area = f", {masks['area'][0]:g} to {masks['area'][1]:g} of the area" if "area" in masks else ""
    return f"{masks['kind']}{area}, seed {masks['seed']}{covered}"


def _row(key: str, entry: Mapping[str, Any]) -> list[str]:
    return [title(key), format_value(key, entry["value"]), str(entry["pictures"]), str(entry["left out"])]


def write(report: Report, evaluation: Evaluation, folder: pathlib.Path) -> None:
    """Writes report.json and per_image.csv into a folder, which is made if it is not there.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / PER_IMAGE, per_image(evaluation))
    # Last, so that whoever finds it finds the others.
    write_whole(folder / REPORT, json.dumps(report, indent=1, allow_nan=False) + "\n")


def per_image(evaluation: Evaluation) -> str:
    """A line for each picture as CSV: name, size, share of hole in percent, and its metrics; empty where undefined."""
    keys = [key for key in DEFINITIONS if any(key in row.values for row in evaluation.rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "height", "width", "hole [%]", *map(title, keys)])
    for row in evaluation.rows:
        share = "" if row.ratio is None else f"{100 * row.ratio:.4f}"
        values = [row.values.get(key, math.nan) for key in keys]
        writer.writerow([_as_text(row.name), *row.size, share, *("" if math.isnan(x) else repr(x) for x in values)])
    return text.getvalue()
