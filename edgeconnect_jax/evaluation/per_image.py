"""The measures of one picture."""

import hashlib
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.evaluation.definitions import MeasurementSettings, MetricGroup, Options, PairArrays
from edgeconnect_jax.evaluation.pairs import Size


class Row(NamedTuple):
    """The measures of one picture.

    Attributes:
        name: of the pair.
        size: (height, width) in pixels.
        hole_pixels: of them, in the hole; None without masks.
        values: key of a metric -> value; NaN where it is undefined, infinite for the PSNR of equal pictures. Those of
            LPIPS are added later.
        counts: group of metrics -> what it counted.
        truth_hash: SHA-256 of the true picture as it was measured.
        hole_hash: SHA-256 of the hole, or None.
    """

    name: str
    size: Size
    hole_pixels: int | None
    values: dict[str, float]
    counts: dict[str, Any]
    truth_hash: str
    hole_hash: str | None

    @property
    def ratio(self) -> float | None:
        """The share of the picture that is hole."""
        return None if self.hole_pixels is None else self.hole_pixels / (self.size[0] * self.size[1])


def load(settings: MeasurementSettings, options: Options) -> MeasurementSettings:
    """The settings with what the groups need to measure, and the groups that cannot."""
    loaded, refused = {}, {}
    for group in (group for group in settings.groups if group.measure is not None):
        try:
            loaded[group.name] = group.load(options)
        except ValueError as error:
            refused[group.name] = str(error)
    return settings._replace(loaded=loaded, refused=refused)


def measuring(settings: MeasurementSettings) -> list[MetricGroup]:
    """The groups that measure single pictures."""
    return [group for group in settings.groups if group.measure is not None and group.name not in settings.refused]


def refused_titles(settings: MeasurementSettings) -> dict[str, str]:
    """Title of a group that cannot measure single pictures -> why."""
    return {
        group.title or group.name: settings.refused[group.name]
        for group in settings.groups
        if group.name in settings.refused
    }


def measure(example: PairArrays, settings: MeasurementSettings) -> Row:
    """Measures one output against the truth, but for the metrics of `MetricGroup.networks`."""
    values: dict[str, float] = {}
    counts: dict[str, Any] = {}
    for group in measuring(settings):
        assert group.measure is not None
        measures = group.measure(example, settings)
        values |= measures.values
        if measures.counts is not None:
            counts[group.name] = measures.counts
    pair, hole = example.pair, example.hole
    hole_pixels = None if hole is None else int(np.count_nonzero(hole))
    hole_hash = None if hole is None else _hash(hole)
    return Row(pair.name, pair.size, hole_pixels, values, counts, _hash(example.truth), hole_hash)


def _hash(array: np.ndarray) -> str:
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()
