"""How EdgeConnect is evaluated: the edges in the hole, the original's own metrics, and models run as by `inpaint`."""

import argparse
import math
import os
import pathlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.evaluation import groups
from edgeconnect_jax.evaluation.definitions import (
    Definition,
    Evaluation,
    MeasurementSettings,
    Measures,
    MetricGroup,
    Options,
    PairArrays,
    Value,
)
from edgeconnect_jax.evaluation.holes import FileHoles
from edgeconnect_jax.evaluation.outputs import Output, OutputSource, about_network
from edgeconnect_jax.evaluation.pairs import MASK, Folder, Pair
from edgeconnect_jax.evaluation.summary import quotient
from edgeconnect_jax.host.options import between
from edgeconnect_jax.images import arrays
from edgeconnect_jax.images import files as images
from edgeconnect_jax.images.edges import canny_edges, to_gray
from edgeconnect_jax.systems.edgeconnect.files import EDGES_FOLDER
from edgeconnect_jax.systems.edgeconnect.inference import COMPATIBILITIES, STEPS, Inpainter
from edgeconnect_jax.systems.edgeconnect.known import DEFAULT_SIGMA, OPTIONAL
from edgeconnect_jax.systems.edgeconnect.legacy import LEGACY
from edgeconnect_jax.systems.edgeconnect.metrics import edge_counts
from edgeconnect_jax.systems.edgeconnect.pictures import read_hole_as_original

EDGE_THRESHOLD = 0.5
TRUE_EDGES = "true_edges"  # of a truth, by the network that found those of the training
ORIGINAL_THRESHOLD = 0  # of 255; larger values are the hole for the original's test script
_STEPS = "full"

_EDGES = "in the hole, predicted edges above {threshold:g} against {reference} of the truth"
_CHANCE = "of a map that marks as many of the holes' pixels as the predicted one does, anywhere"


class EdgePixels(NamedTuple):
    """Pixels of one hole: those that are predicted and true edges, predicted ones, true ones, and all."""

    hits: int
    predicted: int
    true: int
    hole: int


def measure_edges(example: PairArrays, settings: MeasurementSettings) -> Measures:
    """Precision and recall of the predicted edges in the hole, if there are such."""
    predicted = example.output.others.get(EDGES_FOLDER)
    if predicted is None or example.hole is None:
        return Measures()
    true = _true_edges(example, settings)
    batch: list = [array[None, ..., None] for array in (predicted, true, example.hole)]
    counts = edge_counts(batch[0], batch[1], batch[2], settings.values["threshold"])
    pixels = EdgePixels(*(int(count.item()) for count in counts), hole=int(np.count_nonzero(example.hole)))
    values = {
        "edge_precision_picture": quotient(pixels.hits, pixels.predicted),
        "edge_recall_picture": quotient(pixels.hits, pixels.true),
    }
    return Measures(values, pixels)


def _true_edges(example: PairArrays, settings: MeasurementSettings) -> np.ndarray:
    """Those that the model is trained to predict, bool [H, W]; Canny's where they are its own or unknown."""
    by_network = example.output.others.get(TRUE_EDGES)
    if by_network is not None:
        return by_network > settings.values["threshold"]
    return canny_edges(to_gray(example.truth), settings.values["sigma"]) > 0


def summarise_edges(counts: Sequence[EdgePixels]) -> dict[str, Value]:
    """Precision and recall over all pixels of the holes, and those expected of chance."""
    hits, predicted, true, hole = (sum(column) for column in zip(*counts, strict=True))
    ratios = {
        "edge_precision": quotient(hits, predicted),
        "edge_recall": quotient(hits, true),
        "chance_precision": quotient(true, hole),
        "chance_recall": quotient(predicted, hole),
    }
    return {key: Value(None if math.isnan(x) else x, len(counts)) for key, x in ratios.items()}


def _check_edges(options: Options) -> None:
    if not _predicts_edges(options):
        reason = "a baseline predicts no edges" if options.baseline else "there are no edge maps; name --edges"
        raise ValueError(reason)


def _predicts_edges(options: Options) -> bool:
    return bool(options.checkpoint) or options.edges is not None


EDGES = MetricGroup(
    "edges",
    (
        Definition(
            "edge_precision",
            "edge precision, set",
            f"share of the predicted edge pixels that are true, {_EDGES}; over all pixels of the set",
            "",
            True,
            4,
        ),
        Definition(
            "edge_recall",
            "edge recall, set",
            f"share of the true edge pixels that are predicted, {_EDGES}; over all pixels of the set",
            "",
            True,
            4,
        ),
        Definition(
            "edge_precision_picture",
            "edge precision, mean of pictures",
            f"share of the predicted edge pixels that are true, {_EDGES}; mean over the pictures with a predicted edge",
            "",
            True,
            4,
        ),
        Definition(
            "edge_recall_picture",
            "edge recall, mean of pictures",
            f"share of the true edge pixels that are predicted, {_EDGES}; mean over the pictures with a true edge",
            "",
            True,
            4,
        ),
        Definition(
            "chance_precision",
            "edge precision of chance, set",
            f"precision to expect {_CHANCE}: share of true edges among them, by {{reference}}",
            "",
            None,
            4,
        ),
        Definition(
            "chance_recall",
            "edge recall of chance, set",
            f"recall to expect {_CHANCE}: share of predicted edges among them (above {{threshold:g}})",
            "",
            None,
            4,
        ),
    ),
    measure_edges,
    summarise_edges,
    load=_check_edges,
    title="edge precision and recall",
)


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
        weights = checkpoints.load_weights([os.fspath(path) for path in checkpoint], STEPS[_STEPS], optional=OPTIONAL)
        self._inpainter = Inpainter(weights, steps=_STEPS, compat=compat, dtype=dtype, sigma=sigma)
        self._lock = threading.Lock()
        self.sigma = self._inpainter.sigma
        self._known = self._inpainter.known
        self.source = self._known.source
        self.title = pathlib.Path(checkpoint[-1]).resolve().name
        self.about = {
            **{"kind": "model", "compat": compat, "dtype": dtype, "sigma": self.sigma},
            "networks": {name: about_network(weights, name) for name in STEPS[_STEPS]},
        }
        if self._known.by_network:
            self.about["edge_source"] = self.source
            _ = self._known.detector  # loaded now, so that missing weights are reported before any work

    def __call__(self, pair: Pair, truth: np.ndarray, hole: np.ndarray | None) -> Output:
        """Fills the hole; see `OutputSource`."""
        assert hole is not None
        # One picture at a time: it uses all cores by itself, and a program must not be compiled twice.
        with self._lock:
            image, edges = self._inpainter(truth, hole)
            true = {TRUE_EDGES: self._known.of_truth(truth)} if self._known.by_network else {}
        assert image is not None
        return Output(image, {EDGES_FOLDER: edges, **true})


def _outputs(options: Options) -> OutputSource:
    return Model(options.checkpoint, compat=options.compat, dtype=options.dtype, sigma=options.sigma)


def read_edges(path: pathlib.Path) -> np.ndarray:
    """A predicted edge map on disk, float32 [H, W] in [0, 1]; raises ValueError for a corrupted file."""
    return arrays.to_unit(images.read_gray8(path))


def _folders(options: Options) -> Sequence[Folder]:
    return () if options.edges is None else (Folder(EDGES_FOLDER, options.edges, "edge map", read=read_edges),)


def _holes(options: Options) -> FileHoles | None:
    if options.mask is None:
        return None
    as_original = options.compat == "original"
    holes = FileHoles(options.invert_mask, about={"as original": as_original})
    return holes._replace(threshold=ORIGINAL_THRESHOLD, read=_read_hole_as_original) if as_original else holes


def _read_hole_as_original(pair: Pair, invert: bool) -> np.ndarray | None:
    if MASK not in pair.files:
        return None
    return read_hole_as_original(pair.files[MASK], pair.size, ORIGINAL_THRESHOLD, invert)


def _settings(options: Options, source: OutputSource) -> Mapping[str, Any]:
    sigma = source.sigma if isinstance(source, Model) else options.sigma
    threshold = EDGE_THRESHOLD if options.edge_threshold is None else options.edge_threshold
    sigma = DEFAULT_SIGMA if sigma is None else sigma
    by_network = isinstance(source, Model) and source.about.get("edge_source") == "hed"
    reference = f"HED (above {threshold:g})" if by_network else f"scikit-image's Canny (sigma {sigma:g})"
    return {"threshold": threshold, "sigma": sigma, "reference": reference}


def _edge_column(example: PairArrays) -> np.ndarray | None:
    edges = example.output.others.get(EDGES_FOLDER)
    return None if edges is None else arrays.quantize(edges, np.dtype(np.uint8), truncate=False)[..., None]


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("EdgeConnect").add_argument
    add("--compat", choices=COMPATIBILITIES, help="with --checkpoint: as the original's test script")
    add("--legacy", action="store_true", help="also by the definitions of the original's scripts")
    add("--edges", type=pathlib.Path, metavar="DIR", help="predicted edge maps that belong to --output, white = edge")
    add(
        "--edge_threshold", type=between(0, 1, included=True), metavar="T",
        help=f"larger values are a predicted edge, from 0 to below 1 (default: {EDGE_THRESHOLD:g})",
    )  # fmt: skip
    add(
        "--sigma", type=between(0, math.inf, included=False), metavar="S",
        help="of Canny's Gaussian, for the true edges and the input of a model (default: that of the checkpoint's "
        f"training, or {DEFAULT_SIGMA:g})",
    )  # fmt: skip


def _check_options(options: Options) -> Iterator[str]:
    predicts = _predicts_edges(options)
    wrong = [
        (options.compat and not options.checkpoint, "--compat goes with --checkpoint"),
        (options.edges is not None and options.output is None, "--edges goes with --output"),
        (options.edges is not None and options.mask is None, "--edges: edges are measured in the hole; name --mask"),
        (not predicts and options.sigma is not None, "--sigma: no edges are measured"),
        (not predicts and options.edge_threshold is not None, "--edge_threshold: no edges are measured"),
    ]
    return (message for is_wrong, message in wrong if is_wrong)


EVALUATION = Evaluation(
    groups=(*groups.PIXELS, EDGES, *groups.NETWORKS, LEGACY),
    outputs=_outputs,
    holes=_holes,
    folders=_folders,
    settings=_settings,
    columns={"edges": _edge_column},
    add_options=_add_options,
    check_options=_check_options,
)
