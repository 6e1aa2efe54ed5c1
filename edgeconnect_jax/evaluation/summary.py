"""One number for a set of pictures: means, ratios of sums, and the same by the share that is hole."""

import math
from collections.abc import Mapping, Sequence

from edgeconnect_jax.evaluation.definitions import MetricGroup, Value, by_key
from edgeconnect_jax.evaluation.per_image import Row

# Upper bounds of the bins, in percent; each holds the ratios over its lower bound up to and including its upper one.
_BOUNDS = (10, 20, 30, 40, 50, 60)
NO_HOLE, LARGEST = "no hole", f"over {_BOUNDS[-1]} %"
BINS = tuple(f"{high - 10}-{high} %" for high in _BOUNDS)


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


def summarise(rows: Sequence[Row], groups: Sequence[MetricGroup]) -> dict[str, Value]:
    """Key -> value over the pictures, for all metrics that they have, in the order of the groups' definitions."""
    found = {key: _mean([row.values[key] for row in rows]) for key in (rows[0].values if rows else ())}
    for group in groups:
        counts = [row.counts[group.name] for row in rows if group.name in row.counts]
        if counts and group.summarise is not None:
            found |= group.summarise(counts)
    return in_order(found, groups)


def in_order(values: Mapping[str, Value], groups: Sequence[MetricGroup]) -> dict[str, Value]:
    """Metrics in the order of the groups' definitions."""
    return {key: values[key] for key in by_key(groups) if key in values}


def quotient(part: float, whole: float) -> float:
    """part / whole; NaN if the whole is 0."""
    return float(part / whole) if whole else float("nan")


def _mean(values: Sequence[float]) -> Value:
    finite = [value for value in values if math.isfinite(value)]
    mean = math.fsum(finite) / len(finite) if finite else None
    return Value(mean, len(finite), len(values) - len(finite))
