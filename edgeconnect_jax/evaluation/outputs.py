"""Where the pictures that are measured come from: results on disk, a model, or a baseline.

Every source gives the same for a pair whenever it is asked, and may be asked by several threads at once.
"""

import os
import pathlib
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.data.masks import HOLE
from edgeconnect_jax.evaluation import pairs
from edgeconnect_jax.evaluation.pairs import Pair
from edgeconnect_jax.images import arrays, files
from edgeconnect_jax.metrics.baselines import BASELINES
from edgeconnect_jax.systems.edgeconnect.files import EDGES_FOLDER
from edgeconnect_jax.systems.edgeconnect.inference import STEPS, Inpainter

MASKS_FOLDER = "masks"
_STEPS = "full"


class Output(NamedTuple):
    """A filled picture, uint8 [H, W, 3], and the edges predicted for it, float32 [H, W] in [0, 1], or None."""

    image: np.ndarray
    edges: np.ndarray | None = None


class Source(Protocol):
    """Gives the output for a pair."""

    @property
    def title(self) -> str:
        """What tables call it."""
        ...

    @property
    def about(self) -> dict[str, Any]:
        """What a report says of it."""
        ...

    def __call__(self, pair: Pair, truth: np.ndarray, hole: np.ndarray | None) -> Output:
        """The output for a true picture, uint8 [H, W, 3], with a hole, bool [H, W]; ValueError if there is none."""
        ...


class OnDisk:
    """The files that the pairs name."""

    def __init__(self, folder: str | os.PathLike, edges: str | os.PathLike | None = None):
        """Takes the folders only to name them; `pairs.find_pairs` has looked into them."""
        self.title = pathlib.Path(folder).resolve().name
        self.about = {"kind": "output", "folder": os.fspath(folder)}
        self.about |= {} if edges is None else {"edges": os.fspath(edges)}

    def __call__(self, pair: Pair, truth: np.ndarray, hole: np.ndarray | None) -> Output:
        """Reads the files of the pair; see `Source`."""
        return Output(pairs.read_output(pair), pairs.read_edges(pair))


class Baseline:
    """One of `metrics.baselines.BASELINES`."""

    def __init__(self, name: str):
        """Takes a key of BASELINES."""
        self.title, self._fill = BASELINES[name]
        self.about = {"kind": "baseline", "name": name}

    def __call__(self, pair: Pair, truth: np.ndarray, hole: np.ndarray | None) -> Output:
        """Fills the hole; see `Source`."""
        assert hole is not None
        try:
            return Output(self._fill(truth, hole))
        except ValueError as error:
            raise ValueError(f"{pair.truth}: {error}") from error


class Model:
    """A trained EdgeConnect, run as `inpaint` runs it: known pixels stay as they are."""

    def __init__(
        self,
        checkpoint: Sequence[str | os.PathLike],
        *,
        compat: str | None = None,
        dtype: str = "float32",
        sigma: float | None = None,
    ):
        """Loads the networks; see `Inpainter.from_checkpoint` for the arguments and errors."""
        weights = checkpoints.load_weights([os.fspath(path) for path in checkpoint], STEPS[_STEPS])
        self._inpainter = Inpainter(weights, steps=_STEPS, compat=compat, dtype=dtype, sigma=sigma)
        self._lock = threading.Lock()
        self.sigma = self._inpainter.sigma
        self.title = pathlib.Path(checkpoint[-1]).resolve().name
        self.about = {
            **{"kind": "model", "compat": compat, "dtype": dtype, "sigma": self.sigma},
            "networks": {name: _about(weights, name) for name in STEPS[_STEPS]},
        }

    def __call__(self, pair: Pair, truth: np.ndarray, hole: np.ndarray | None) -> Output:
        """Fills the hole; see `Source`."""
        assert hole is not None
        # One picture at a time: it uses all cores by itself, and a program must not be compiled twice.
        with self._lock:
            image, edges = self._inpainter(truth, hole)
        assert image is not None
        return Output(image, edges)


def save(folder: pathlib.Path, pair: Pair, hole: np.ndarray | None, output: Output) -> None:
    """Writes an output, its edges and its mask: FOLDER/NAME.png, FOLDER/edges/NAME.png and FOLDER/masks/NAME.png.

    Raises:
        OSError: a file cannot be written.
    """
    pictures: dict[str, np.ndarray | None] = {"": output.image, EDGES_FOLDER: None, MASKS_FOLDER: None}
    if output.edges is not None:
        pictures[EDGES_FOLDER] = arrays.quantize(output.edges, np.dtype(np.uint8), truncate=False)
    if hole is not None:
        pictures[MASKS_FOLDER] = hole.astype(np.uint8) * np.uint8(HOLE)
    for name, picture in pictures.items():
        if picture is not None:
            (folder / name).mkdir(parents=True, exist_ok=True)
            files.write_png(folder / name / f"{pair.name}.png", picture)


def _about(weights: checkpoints.Weights, network: str) -> dict[str, Any]:
    """Where a network came from, and which it is."""
    return {
        "checkpoint": os.fspath(weights.origins[network]),
        "steps": weights.steps[network],
        "average": network in weights.averaged,
        "sizes": weights.meta[network],
        "hash": checkpoints.fingerprint(weights.networks[network]),
    }
