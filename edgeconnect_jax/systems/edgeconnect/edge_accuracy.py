"""Precision and recall of predicted edges in the hole, exact and with a tolerance, beside those of chance."""

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from edgeconnect_jax.evaluation.definitions import (
    Definition,
    MeasurementSettings,
    Measures,
    MetricGroup,
    Options,
    PairArrays,
    Value,
)
from edgeconnect_jax.evaluation.summary import quotient
from edgeconnect_jax.images.edges import canny_edges, to_gray
from edgeconnect_jax.systems.edgeconnect.files import EDGES_FOLDER
from edgeconnect_jax.systems.edgeconnect.metrics import edge_counts, near_counts

EDGE_THRESHOLD = 0.5
EDGE_TOLERANCE = 1  # pixels
TRUE_EDGES = "true_edges"  # of a truth, by the network that found those of the training

_EDGES = "in the hole, predicted edges above {threshold:g} against {reference} of the truth"
_CHANCE = "of a map that marks as many of the holes' pixels as the predicted one does, anywhere"
_NEAR = "{tolerance} px or less away in rows and in columns"
_NEAR_CHANCE = "of a map that marks as many pixels of each hole as the predicted one does, anywhere in it"


class EdgePixels(NamedTuple):
    """Pixels of one hole.

    Attributes:
        hits: that are predicted and true edges.
        predicted: predicted edges.
        true: true edges.
        hole: all.
        right: see `metrics.NearCounts`, as for the next three.
        found: likewise.
        chance_right: likewise.
        chance_found: likewise.
    """

    hits: int
    predicted: int
    true: int
    hole: int
    right: int
    found: int
    chance_right: float
    chance_found: float


@functools.partial(jax.jit, static_argnames="tolerance")
def _counted(predicted: jax.Array, true: jax.Array, hole: jax.Array, threshold: float, tolerance: int) -> tuple:
    exact = edge_counts(predicted, true, hole, threshold)
    return exact, near_counts(predicted, true, hole, threshold, tolerance)


def measure_edges(example: PairArrays, settings: MeasurementSettings) -> Measures:
    """Precision and recall of the predicted edges in the hole, if there are such."""
    predicted = example.output.others.get(EDGES_FOLDER)
    if predicted is None or example.hole is None:
        return Measures()
    true = _true_edges(example, settings)
    maps = (array.astype(np.float32)[None, ..., None] for array in (predicted, true, example.hole))
    counts = _counted(*maps, settings.values["threshold"], tolerance=settings.values["tolerance"])
    exact, near = jax.tree.map(lambda count: count.item(), counts)
    whole = [int(x) for x in (*exact, np.count_nonzero(example.hole), near.right, near.found)]
    pixels = EdgePixels(*whole, near.chance_right, near.chance_found)  # pyright: ignore[reportCallIssue]
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
    sums = EdgePixels(*(sum(column) for column in zip(*counts, strict=True)))
    ratios = {
        "edge_precision": quotient(sums.hits, sums.predicted),
        "edge_recall": quotient(sums.hits, sums.true),
        "chance_precision": quotient(sums.true, sums.hole),
        "chance_recall": quotient(sums.predicted, sums.hole),
        "edge_precision_near": quotient(sums.right, sums.predicted),
        "chance_precision_near": quotient(sums.chance_right, sums.predicted),
        "edge_recall_near": quotient(sums.found, sums.true),
        "chance_recall_near": quotient(sums.chance_found, sums.true),
    }
    return {key: Value(None if math.isnan(x) else x, len(counts)) for key, x in ratios.items()}


def predicts_edges(options: Options) -> bool:
    """Whether what the options of the command measure has predicted edges."""
    return bool(options.checkpoint) or options.edges is not None


def _check_edges(options: Options) -> None:
    if not predicts_edges(options):
        reason = "a baseline predicts no edges" if options.baseline else "there are no edge maps; name --edges"
        raise ValueError(reason)


def _definition(key: str, name: str, sentence: str, higher_is_better: bool | None = True) -> Definition:
    return Definition(key, name, sentence, "", higher_is_better, 4)


EDGES = MetricGroup(
    "edges",
    (
        _definition(
            "edge_precision",
            "edge precision, set",
            f"share of the predicted edge pixels that are true, {_EDGES}; over all pixels of the set",
        ),
        _definition(
            "edge_recall",
            "edge recall, set",
            f"share of the true edge pixels that are predicted, {_EDGES}; over all pixels of the set",
        ),
        _definition(
            "edge_precision_picture",
            "edge precision, mean of pictures",
            f"share of the predicted edge pixels that are true, {_EDGES}; mean over the pictures with a predicted edge",
        ),
        _definition(
            "edge_recall_picture",
            "edge recall, mean of pictures",
            f"share of the true edge pixels that are predicted, {_EDGES}; mean over the pictures with a true edge",
        ),
        _definition(
            "chance_precision",
            "edge precision of chance, set",
            f"precision to expect {_CHANCE}: share of true edges among them, by {{reference}}",
            None,
        ),
        _definition(
            "chance_recall",
            "edge recall of chance, set",
            f"recall to expect {_CHANCE}: share of predicted edges among them (above {{threshold:g}})",
            None,
        ),
        _definition(
            "edge_precision_near",
            "edge precision within tolerance, set",
            f"share of the predicted edge pixels with a true one {_NEAR}, {_EDGES}; over all pixels of the set",
        ),
        _definition(
            "chance_precision_near",
            "edge precision of chance within tolerance, set",
            f"the same to expect {_NEAR_CHANCE}: share of the hole's pixels with a true edge {_NEAR}",
            None,
        ),
        _definition(
            "edge_recall_near",
            "edge recall within tolerance, set",
            f"share of the true edge pixels with a predicted one {_NEAR}, {_EDGES}; over all pixels of the set",
        ),
        _definition(
            "chance_recall_near",
            "edge recall of chance within tolerance, set",
            f"the same to expect {_NEAR_CHANCE}: 1 - C(n - m, k) / C(n, k) for each true edge pixel, if k of the n "
            f"pixels of its hole are marked and m of them are {_NEAR}",
            None,
        ),
    ),
    measure_edges,
    summarise_edges,
    load=_check_edges,
    title="edge precision and recall",
)
