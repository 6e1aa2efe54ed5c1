"""Compares a model with references, such as filling a hole without learning, in a table and a picture."""

import json
import pathlib
from collections.abc import Mapping

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
    """The task's metrics of the model and all references over the whole validation set."""
    totals = {name: Totals() for name in (_MODEL, *report.references)}
    measured = jax.jit(validation.task.metrics)
    for batch, pictures in validation.predictions(state):
        truth = {name: to_float(jnp.asarray(x)) for name, x in batch.items()}
        weight = np.ones(len(batch["id"]), np.float32)
        for name, shown in {_MODEL: pictures, **_by_references(report, batch)}.items():
            totals[name].add(measured(shown, truth, weight))
    values = {name: total.take() for name, total in totals.items()}
    shared = set.intersection(*(set(found) for found in values.values()))
    return {name: {key: x for key, x in found.items() if key in shared} for name, found in values.items()}


def _by_references(report: Report, batch: Mapping[str, np.ndarray]) -> dict[str, Pictures]:
    return {title: reference(batch) for title, reference in report.references.items()}  # pyright: ignore[reportArgumentType]


def table_of(report: Report, results: Mapping[str, Values]) -> str:
    """The printed table."""
    rows = []
    for name, values in results.items():
        found = (values[metric] for metric, _ in report.columns)
        rows.append([name, *("undefined" if value is None else f"{value:.3f}" for value in found)])
    return format_table(["", *(title for _, title in report.columns)], rows)


def picture(validation: Validation, report: Report, state: TrainState) -> np.ndarray:
    """A labelled grid of the first batch with the pictures of the model and the references, [H, W, 3] uint8."""
    batch, pictures = next(validation.predictions(state))
    columns = {label: pictures[label] for label in report.labels[:-1]}
    for title, found in _by_references(report, batch).items():
        columns |= {title if len(found) == 1 else f"{title}: {label}": x for label, x in found.items()}
    columns |= {label: pictures[label] for label in report.labels[-1:]}
    return labelled_grid({label: [np.asarray(x) for x in column[:_SHOWN]] for label, column in columns.items()})
