"""A model beside ways to fill a hole without learning: a table and a picture."""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.host.files import write_whole
from edgeconnect_jax.host.tables import format_table
from edgeconnect_jax.images.files import write_png
from edgeconnect_jax.images.grid import labelled_grid
from edgeconnect_jax.layers.pixels import to_float
from edgeconnect_jax.metrics.baselines import BASELINES
from edgeconnect_jax.tasks import sums
from edgeconnect_jax.training.state import TrainState
from edgeconnect_jax.training.summaries import Totals, Values, writing
from edgeconnect_jax.training.validation import Validation

TABLE, PICTURE = "report.json", "report.png"
_MODEL = "this model"
_SHOWN = 6  # examples in the picture
_COLUMNS = (
    ("psnr_hole", "PSNR in the hole (dB)"),
    ("ssim_hole", "SSIM in the hole"),
    ("psnr", "PSNR (dB)"),
    ("ssim", "SSIM"),
)


def write(validation: Validation, state: TrainState, workdir: pathlib.Path) -> None:
    """Compares the model with the baselines on the validation set: prints a table, writes report.json and report.png.

    Args:
        validation: whose task fills holes (its pictures have "merged").
        state: what is measured, the last of the run.
        workdir: where the files go.
    """
    results = measure(validation, state)
    print(f"\nOn the held-out pictures, {workdir}:\n{table_of(results)}\n")
    drawn = picture(validation, state)
    with writing(workdir / PICTURE):
        write_png(workdir / PICTURE, drawn)
    with writing(workdir / TABLE):  # last, for its presence says that the report is made
        write_whole(workdir / TABLE, json.dumps(results, indent=1) + "\n")
    print(f"{workdir / TABLE}\n{workdir / PICTURE}")


def measure(validation: Validation, state: TrainState) -> dict[str, Values]:
    """The metrics of `measures.completion` for the model and each baseline, over the whole validation set."""
    totals = {name: Totals() for name in (_MODEL, *(baseline.title for baseline in BASELINES.values()))}
    measured = jax.jit(sums.completion)
    for batch, pictures in validation.predictions(state):
        truth = {name: to_float(jnp.asarray(batch[name])) for name in ("image", "mask")}
        weight = np.ones(len(batch["image"]), np.float32)
        for name, merged in {_MODEL: pictures["merged"], **fill_by_baselines(batch)}.items():
            totals[name].add(measured(merged, truth, weight))
    return {name: total.take() for name, total in totals.items()}


def fill_by_baselines(batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Baseline -> the pictures of a uint8 batch as it fills them, [B, H, W, 3] in [0, 1]."""
    examples = list(zip(batch["image"], batch["mask"][..., 0], strict=True))
    return {
        title: np.asarray(to_float(jnp.stack([fill(image, mask) for image, mask in examples])))
        for title, fill in BASELINES.values()
    }


def table_of(results: dict[str, Values]) -> str:
    """The table that a person reads."""
    rows = []
    for name, values in results.items():
        cells = ["undefined" if values[key] is None else f"{values[key]:.3f}" for key, _ in _COLUMNS]
        rows.append([name, *cells])
    return format_table(["", *(title for _, title in _COLUMNS)], rows)


def picture(validation: Validation, state: TrainState) -> np.ndarray:
    """The first batch with what the model and the baselines make of it, labelled, [H, W, 3] uint8."""
    batch, pictures = next(validation.predictions(state))
    labels = ("masked input", "generated edges", "merged")
    columns = {label: pictures[label] for label in labels if label in pictures}
    columns |= fill_by_baselines(batch) | {"truth": pictures["truth"]}
    return labelled_grid({label: list(column[:_SHOWN]) for label, column in columns.items()})
