"""How the results of an evaluation are reported: a table on the console, report.json and per_image.csv."""

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
from edgeconnect_jax.evaluation.definitions import Definition, MeasurementSettings, Value
from edgeconnect_jax.evaluation.holes import Holes
from edgeconnect_jax.evaluation.network_metrics import NetworkMetrics
from edgeconnect_jax.evaluation.outputs import OutputSource
from edgeconnect_jax.evaluation.per_image import refused_titles
from edgeconnect_jax.evaluation.run import Results
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
    results: Results,
    source: OutputSource,
    holes: Holes,
    settings: MeasurementSettings,
    networks: NetworkMetrics | None = None,
    *,
    name: str = "",
    system: str = "",
    options: Mapping[str, Any] | None = None,
) -> Report:
    """Everything that tells what was measured, how, and with what results, as JSON has it.

    Args:
        results: of the evaluation.
        source: of the outputs, as it was given to `evaluate`.
        holes: likewise.
        settings: likewise.
        networks: likewise.
        name: in tables; "" = the title of the source.
        system: whose metrics they are; "" = not stated.
        options: of the command, for the record.
    """
    made = {
        "format": FORMAT,
        "name": name or source.title,
        "measured": source.about,
        "pictures": {"count": len(results.rows), "hash": results.pictures_hash},
        "left out": list(results.left_out),
        "masks": _masks(results, holes),
        "seed": holes.settings.get("seed"),
        "settings": {
            "groups": [group.name for group in settings.groups],
            **settings.values,
            "options": dict(options or {}),
        },
        "versions": _versions(),
        "device": _device(),
        "definitions": {key: _definition(results.definitions[key], settings, networks) for key in results.values},
        "results": _values(results.values),
        "bins": [
            {"share of the picture that is hole": b.label, "pictures": b.pictures, "results": _values(b.values)}
            for b in results.bins
        ],
        "refused": {**(networks.refused if networks else {}), **refused_titles(settings)},
        "warnings": [*_left_out(results), *_outside(results, holes), *(networks.warnings if networks else [])],
    }
    return made | ({"system": system} if system else {})


def _masks(results: Results, holes: Holes) -> dict[str, Any] | None:
    """Where the holes come from, and the shares of the pictures, 0 to 1, that they cover; None without masks."""
    shares = [row.ratio for row in results.rows if row.ratio is not None]
    if results.holes_hash is None or not shares:
        return None
    covered = {"minimum": min(shares), "mean": math.fsum(shares) / len(shares), "maximum": max(shares)}
    return {**holes.settings, "share": covered, "hash": results.holes_hash}


def _left_out(results: Results) -> list[str]:
    """A warning about pictures that are not measured; their names are listed separately."""
    left, count = len(results.left_out), len(results.rows)
    return [f"{left} of {left + count} pictures are left out, for their files cannot be used"] if left else []


def _outside(results: Results, holes: Holes) -> list[str]:
    """A warning about holes that are smaller or larger than requested: strokes are drawn again a few times at most."""
    if "area" not in holes.settings:
        return []
    low, high = holes.settings["area"]
    shares = [row.ratio for row in results.rows if row.ratio is not None]
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


def _definition(
    definition: Definition, settings: MeasurementSettings, networks: NetworkMetrics | None
) -> dict[str, Any]:
    key, text = definition.key, definition.sentence.format(**settings.values)
    described: dict[str, Any] = {"name": definition.name, "definition": text, "unit": definition.unit}
    described["higher is better"] = definition.higher_is_better
    if networks and key in networks.texts:
        described["definition"] = f"{text}; {networks.texts[key]}"
        described["weights hash"] = networks.weights[key]
    if networks and key in networks.references:
        described["reference"] = networks.references[key]
    return described


def _values(results: Mapping[str, Value]) -> dict[str, Any]:
    return {key: {"value": v.value, "pictures": v.pictures, "left out": v.left_out} for key, v in results.items()}


def _as_text(name: str) -> str:
    """A name that UTF-8 can hold: bytes of a file's name that are no UTF-8 become escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def format_report(report: Report, definitions: Mapping[str, Definition]) -> str:
    """The report for a person: the results, the same by bins, and the definitions.

    Args:
        report: see `build`.
        definitions: of its metrics, by key.
    """
    masks = report["masks"]
    parts = [
        f"{report['name']}: {report['pictures']['count']} pictures, "
        + ("without masks: only whole pictures are measured" if masks is None else f"holes: {_holes(masks)}"),
        format_table(
            ("metric", "value", "pictures", "left out"),
            [_row(definitions[key], entry) for key, entry in report["results"].items()],
        ),
    ]
    bins = [entry for entry in report["bins"] if entry["pictures"]]
    if bins:
        labels = [next(iter(entry.values())) for entry in bins]
        rows = [["pictures", *(str(entry["pictures"]) for entry in bins)]]
        for key in (key for key in report["results"] if any(key in entry["results"] for entry in bins)):
            cells = (entry["results"].get(key, {}).get("value") for entry in bins)
            rows.append([definitions[key].title, *map(definitions[key].format, cells)])
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
    seed = f", seed {masks['seed']}" if "seed" in masks else ""
    return f"{masks['kind']}{area}{seed}{covered}"


def _row(definition: Definition, entry: Mapping[str, Any]) -> list[str]:
    return [definition.title, definition.format(entry["value"]), str(entry["pictures"]), str(entry["left out"])]


def write(report: Report, results: Results, folder: pathlib.Path) -> None:
    """Writes report.json and per_image.csv into a folder, which is created if need be.

    Raises:
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / PER_IMAGE, per_image(results))
    # Last: if it exists, so do the others.
    write_whole(folder / REPORT, json.dumps(report, indent=1, allow_nan=False) + "\n")


def per_image(results: Results) -> str:
    """A line for each picture as CSV: name, size, share of hole in percent, and its metrics; empty where undefined."""
    keys = [key for key in results.definitions if any(key in row.values for row in results.rows)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "height", "width", "hole [%]", *(results.definitions[key].title for key in keys)])
    for row in results.rows:
        share = "" if row.ratio is None else f"{100 * row.ratio:.4f}"
        values = [row.values.get(key, math.nan) for key in keys]
        writer.writerow([_as_text(row.name), *row.size, share, *("" if math.isnan(x) else repr(x) for x in values)])
    return text.getvalue()
