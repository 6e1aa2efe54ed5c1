"""Compares a model with references, such as filling a hole without learning, in a table and a picture."""

import json
import pathlib
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.host.files import write_whole
from edgeconnect_jax.host.tables import format_table
from edgeconnect_jax.images.files import write_png
from edgeconnect_jax.images.grid import labelled_grid
from edgeconnect_jax.layers.pixels import to_float
from edgeconnect_jax.tasks.task import Pictures, Report
from edgeconnect_jax.training.state import TrainState
from edgeconnect_jax.training.summaries import writing
from edgeconnect_jax.training.totals import Totals, Values
from edgeconnect_jax.training.validation import Validation

TABLE, PICTURE = "report.json", "report.png"
_MODEL = "this model"
_SHOWN = 6  # examples in the picture


def write(validation: Validation, report: Report, state: TrainState, workdir: pathlib.Path) -> None:
    """Compares a model with the references of its task: prints a table, writes report.json and report.png.

    Args:
        validation: the validation set to measure on.
        report: report of the task.
        state: the state to measure, the last of the run.
        workdir: folder for the files.
    """
    results = measure(validation, report, state)
    print(f"\nOn the held-out pictures, {workdir}:\n{table_of(report, results)}\n")
    drawn = picture(validation, report, state)
    with writing(workdir / PICTURE):
        write_png(workdir / PICTURE, drawn)
    with writing(workdir / TABLE):  # last, because its presence marks the report as complete
        write_whole(workdir / TABLE, json.dumps(results, indent=1) + "\n")
    print(f"{workdir / TABLE}\n{workdir / PICTURE}")


def measure(validation: Validation, report: Report, state: TrainState) -> dict[str, Values]:
    """The metrics over the whole validation set that the model and all references have, and those of `Report.own`."""
    totals = {name: Totals() for name in (_MODEL, *report.references)}
    measured = jax.jit(validation.task.metrics)
    for batch, pictures in validation.predictions(state):
        truth = {name: to_float(jnp.asarray(x)) for name, x in batch.items()}
        weight = np.ones(len(batch["id"]), np.float32)
        for name, shown in {_MODEL: pictures, **_by_references(report, batch)}.items():
            totals[name].add(measured(shown, truth, weight))
    values = {name: total.take() for name, total in totals.items()}
    kept = set.intersection(*(set(found) for found in values.values()))
    kept |= {metric for row in report.own.rows for metric in row[1:]} if report.own else set()
    return {name: {key: x for key, x in found.items() if key in kept} for name, found in values.items()}


def _by_references(report: Report, batch: Mapping[str, np.ndarray]) -> dict[str, Pictures]:
    return {title: reference(batch) for title, reference in report.references.items()}  # pyright: ignore[reportArgumentType]


def table_of(report: Report, results: Mapping[str, Values]) -> str:
    """The printed table, and below it the model's own, if there is one."""
    metrics = [metric for metric, _ in report.columns]
    rows = [[name, *_cells(values, metrics)] for name, values in results.items()]
    tables = [format_table(["", *(title for _, title in report.columns)], rows)]
    if report.own:
        own = [[title, *_cells(results[_MODEL], metrics)] for title, *metrics in report.own.rows]
        tables.append(format_table(report.own.head, own))
    return "\n\n".join(tables)


def _cells(values: Values, metrics: Sequence[str]) -> list[str]:
    found = (values[metric] for metric in metrics)
    return ["undefined" if value is None else f"{value:.3f}" for value in found]


def picture(validation: Validation, report: Report, state: TrainState) -> np.ndarray:
    """A labelled grid of the first batch with the pictures of the model and the references, [H, W, 3] uint8."""
    batch, pictures = next(validation.predictions(state))
    columns = {label: pictures[label] for label in report.labels[:-1]}
    for title, found in _by_references(report, batch).items():
        columns |= {title if len(found) == 1 else f"{title}: {label}": x for label, x in found.items()}
    columns |= {label: pictures[label] for label in report.labels[-1:]}
    return labelled_grid({label: [np.asarray(x) for x in column[:_SHOWN]] for label, column in columns.items()})
