"""How close pictures painted from label maps and exemplars are to the true ones."""

import argparse
import pathlib
import threading

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.evaluation import groups
from edgeconnect_jax.evaluation.definitions import (
    Definition,
    Evaluation,
    MeasurementSettings,
    Measures,
    MetricGroup,
    PairArrays,
)
from edgeconnect_jax.evaluation.outputs import Output
from edgeconnect_jax.evaluation.pairs import Folder, Pair

from .files import read_inputs
from .inference import Mosaicist
from .networks import NETWORKS


class Model:
    """Paints the label map and the exemplar of each pair."""

    def __init__(self, options: argparse.Namespace):
        weights = checkpoints.load_weights(options.checkpoint, tuple(NETWORKS))
        self._paint, self._lock = Mosaicist(weights, options.dtype), threading.Lock()
        self.title = pathlib.Path(options.checkpoint[-1]).name
        self.about = {"kind": "model", "dtype": options.dtype}

    def __call__(self, pair: Pair, truth: np.ndarray, hole: np.ndarray | None) -> Output:
        inputs = read_inputs(pair.files["labels"], pair.files["exemplars"], self._paint.classes)
        with self._lock:
            return Output(self._paint(*inputs), {"exemplar": inputs[1]})


def _tint(example: PairArrays, settings: MeasurementSettings) -> Measures:
    tints = [picture.mean(axis=(0, 1)) for picture in (example.output.image, example.truth)]
    return Measures({"tint": float(np.abs(tints[0] - tints[1]).mean())})


TINT = MetricGroup(
    "tint",
    (Definition("tint", "Tint", "mean distance of the mean colours, of 255", "", False, 2),),
    _tint,
)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--labels", type=pathlib.Path, metavar="DIR", help="label maps, one a true picture")
    parser.add_argument("--exemplars", type=pathlib.Path, metavar="DIR", help="exemplars, one a true picture")


def _check_options(options: argparse.Namespace) -> list[str]:
    missing = [name for name in ("labels", "exemplars") if options.checkpoint and not getattr(options, name)]
    return [f"--{name} is missing: a folder" for name in missing]


def _folders(options: argparse.Namespace) -> list[Folder]:
    folders = [
        Folder("labels", options.labels, "label map"),
        Folder("exemplars", options.exemplars, "exemplar", any_size=True),
    ]
    return [folder for folder in folders if folder.path]


EVALUATION = Evaluation(
    groups=(*groups.PIXELS, TINT, groups.FID),
    outputs=Model,
    fills=False,
    folders=_folders,
    columns={"exemplar": lambda example: example.output.others.get("exemplar")},
    add_options=_add_options,
    check_options=_check_options,
)
