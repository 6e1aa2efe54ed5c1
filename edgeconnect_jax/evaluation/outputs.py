"""Where the pictures that are measured come from: results on disk or a baseline, beside the models of systems.

Every source returns the same for a pair whenever it is called, and several threads may call it at once.
"""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.data.masks import HOLE
from edgeconnect_jax.evaluation import pairs
from edgeconnect_jax.evaluation.pairs import NONE, Folder, Pair
from edgeconnect_jax.images import arrays, files
from edgeconnect_jax.metrics.baselines import BASELINES

MASKS_FOLDER = "masks"


class Output(NamedTuple):
    """A result.

    Attributes:
        image: uint8 [H, W, 3].
        others: name -> another picture that belongs to it: floats in [0, 1] or uint8, [H, W] or [H, W, 3].
    """

    image: np.ndarray
    others: Mapping[str, np.ndarray] = NONE


class OutputSource(Protocol):
    """Returns the output for a pair."""

    @property
    def title(self) -> str:
        """Its name in tables."""
        ...

    @property
    def about(self) -> dict[str, Any]:
        """Its description in reports."""
        ...

    def __call__(self, pair: Pair, truth: np.ndarray, hole: np.ndarray | None) -> Output:
        """The output for a true picture, uint8 [H, W, 3], with a hole, bool [H, W]; ValueError if there is none.

        A system whose inputs are other files finds them in `pair.files`.
        """
        ...


class OnDisk:
    """The files that the pairs name."""

    def __init__(self, folder: str | os.PathLike, others: Sequence[Folder] = ()):
        """`folder` is only named: `pairs.find_pairs` has searched it. Of `others` those with `read` are read."""
        self.title = pathlib.Path(folder).resolve().name
        self._others = [other for other in others if other.read is not None]
        self.about = {"kind": "output", "folder": os.fspath(folder)}
        self.about |= {other.name: os.fspath(other.path) for other in others}

    def __call__(self, pair: Pair, truth: np.ndarray, hole: np.ndarray | None) -> Output:
        """Reads the files of the pair; see `OutputSource`."""
        others = {other.name: other.read(pair.files[other.name]) for other in self._others if other.read is not None}
        return Output(pairs.read_output(pair), others)


class BaselineOutput:
    """One of `metrics.baselines.BASELINES`."""

    def __init__(self, name: str):
        """`name` is a key of BASELINES."""
        self.title, self._fill = BASELINES[name]
        self.about = {"kind": "baseline", "name": name}

    def __call__(self, pair: Pair, truth: np.ndarray, hole: np.ndarray | None) -> Output:
        """Fills the hole; see `OutputSource`."""
        assert hole is not None
        try:
            return Output(self._fill(truth, hole))
        except ValueError as error:
            raise ValueError(f"{pair.truth}: {error}") from error


def save(folder: pathlib.Path, pair: Pair, hole: np.ndarray | None, output: Output) -> None:
    """Writes an output, the other pictures that belong to it, and its mask.

    They become FOLDER/NAME.png, FOLDER/OTHER/NAME.png for each other picture, and FOLDER/masks/NAME.png.

    Raises:
        OSError: a file cannot be written.
    """
    pictures = {"": output.image, **{name: _levels(other) for name, other in output.others.items()}}
    if hole is not None:
        pictures[MASKS_FOLDER] = hole.astype(np.uint8) * np.uint8(HOLE)
    for name, picture in pictures.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        files.write_png(folder / name / f"{pair.name}.png", picture)


def _levels(picture: np.ndarray) -> np.ndarray:
    return picture if picture.dtype == np.uint8 else arrays.quantize(picture, np.dtype(np.uint8), truncate=False)


def about_network(weights: checkpoints.Weights, network: str) -> dict[str, Any]:
    """The description of a network in reports: where it comes from, and which it is."""
    return {
        "checkpoint": os.fspath(weights.origins[network]),
        "steps": weights.steps[network],
        "average": network in weights.averaged,
        "sizes": weights.meta[network],
        "hash": checkpoints.fingerprint(weights.networks[network]),
    }
