"""One number for a set of pictures: means, ratios of sums, and the same by the share that is hole."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from edgeconnect_jax.evaluation.definitions import DEFINITIONS
from edgeconnect_jax.evaluation.per_image import Row, quotient

# Upper bounds of the bins, in percent; each holds the ratios over its lower bound up to and including its upper one.
_BOUNDS = (10, 20, 30, 40, 50, 60)
NO_HOLE, LARGEST = "no hole", f"over {_BOUNDS[-1]} %"
BINS = tuple(f"{high - 10}-{high} %" for high in _BOUNDS)


class Value(NamedTuple):
    """A metric of a set.

    Attributes:
        value: None where it does not exist.
        pictures: that it comes from.
        left_out: pictures that it does not exist for, or is infinite for (the PSNR of equal pictures).
    """

    value: float | None
    pictures: int
    left_out: int = 0


def bin_of(share: float) -> str:
    """The bin of a picture with this share of hole, 0 to 1: one of BINS, NO_HOLE or LARGEST."""
    if share == 0:
        return NO_HOLE
    return next((label for label, high in zip(BINS, _BOUNDS, strict=True) if share <= high / 100), LARGEST)


def by_bins(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Bin -> its pictures: all BINS, and NO_HOLE and LARGEST if they have any; empty without masks."""
    if any(row.ratio is None for row in rows):
        return {}
    groups: dict[str, list[Row]] = {label: [] for label in (NO_HOLE, *BINS, LARGEST)}
    for row in rows:
        assert row.ratio is not None
        groups[bin_of(row.ratio)].append(row)
    return {label: found for label, found in groups.items() if found or label in BINS}


def summarise(rows: Sequence[Row]) -> dict[str, Value]:
    """Key -> value over the pictures, for all metrics that they have, in the order of `DEFINITIONS`."""
    found = {key: _mean([row.values[key] for row in rows]) for key in (rows[0].values if rows else ())}
    return in_order(found | _edges_of_set(rows))


def in_order(values: Mapping[str, Value]) -> dict[str, Value]:
    """Metrics in the order of `DEFINITIONS`."""
    return {key: values[key] for key in DEFINITIONS if key in values}


def _mean(values: Sequence[float]) -> Value:
    finite = [value for value in values if math.isfinite(value)]
    mean = math.fsum(finite) / len(finite) if finite else None
    return Value(mean, len(finite), len(values) - len(finite))


def _edges_of_set(rows: Sequence[Row]) -> dict[str, Value]:
    """Precision and recall over all pixels of the holes, and what chance would reach."""
    counted = [(row.edges, row.hole_pixels) for row in rows if row.edges is not None and row.hole_pixels is not None]
    if not counted:
        return {}
    hits, predicted, true = (sum(counts[i] for counts, _ in counted) for i in range(3))
    pixels = sum(pixels for _, pixels in counted)
    ratios = {
        "edge_precision": quotient(hits, predicted),
        "edge_recall": quotient(hits, true),
        "chance_precision": quotient(true, pixels),
        "chance_recall": quotient(predicted, pixels),
    }
    return {key: Value(None if math.isnan(x) else x, len(counted)) for key, x in ratios.items()}
