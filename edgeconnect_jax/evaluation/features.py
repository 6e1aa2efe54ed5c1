"""Features of a set of pictures that comes in batches, and the Frechet distances that they give."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from edgeconnect_jax.evaluation.definitions import Value
from edgeconnect_jax.metrics.fid import Statistics, few_pictures, frechet_distance
from edgeconnect_jax.metrics.networks import FeatureExtractor

ALL = "all"  # the label of the whole set, beside those of the bins


class FeatureSet:
    """Features of true pictures and outputs: their statistics, also by bins, and all of them if requested.

    Attributes:
        title: of the Frechet distance.
        measured: whether it is.
        kept: batches of the features, of truths and of outputs.
    """

    def __init__(self, title: str, extractor: FeatureExtractor, path: pathlib.Path | None, measured: bool, keep: bool):
        """Loads the statistics of the true pictures at `path` if they exist; else `write` writes them there.

        Raises:
            ValueError: they are of another definition or other weights.
        """
        self.title = title
        self.measured = measured
        self.kept: list[tuple[np.ndarray, np.ndarray]] = []
        self._extractor, self._path, self._keep = extractor, path, keep
        self._left = self._whole = 0
        self._truth: dict[str, Statistics] = {}
        self._output: dict[str, Statistics] = {}
        self._reference: Statistics | None = None
        if path is not None and path.exists():
            self._reference = Statistics.load(path, extractor.definition, extractor.weights_hash)

    @property
    def count(self) -> int:
        """Pictures of the smaller set."""
        return min(self.real.count, self._output[ALL].count)

    @property
    def cut_short(self) -> str:
        """Why the pictures, fewer than `expect` announced, are not those that the definition takes; "" if they are."""
        seen = self._output[ALL].count if ALL in self._output else 0
        if not self.measured or self._extractor.used(seen) == seen:
            return ""
        return (
            f"it takes a whole number of batches, and a picture turned out to be corrupted after {seen} had been seen"
        )

    @property
    def real(self) -> Statistics:
        """The statistics of all true pictures: loaded, or else computed."""
        return self._reference or self._truth[ALL]

    def expect(self, count: int, left_out: int = 0) -> None:
        """Announces how many pictures there will be, and how many are left out of the set."""
        self._left, self._whole = self._extractor.used(count), self._extractor.used(count + left_out)
        if self._path is not None and self._reference is None and self._left < 2:
            raise ValueError(f"--reference_statistics {self._path}: takes two pictures or more")

    def add(self, labels: Sequence[str], truths: np.ndarray, outputs: np.ndarray) -> None:
        """Adds pictures, uint8 [B, H, W, 3], and the bin of each, as long as the definition uses them."""
        used = min(self._left, len(labels))
        self._left -= used
        if used == 0:
            return
        fake = self._extractor(outputs[:used])
        if self.measured:
            _update(self._output, labels[:used], fake)
        if self._reference is None or self._keep:
            real = self._extractor(truths[:used])
            if self.measured and self._reference is None:
                _update(self._truth, labels[:used], real)
            if self._keep:
                self.kept.append((real, fake))

    def write(self) -> None:
        """Writes the reference if it is new; OSError if it cannot be written, or would lack pictures of the set."""
        if self._path is not None and self._reference is None:
            if self._truth[ALL].count < self._whole:
                raise OSError(f"{self._path}: it would lack the pictures that are left out")
            self._truth[ALL].save(self._path, self._extractor.definition, self._extractor.weights_hash)

    def distances(self) -> dict[str, Value]:
        """ALL or bin -> distance; undefined for a single picture.

        A bin of a single picture has none, and no bin has one from the loaded statistics of all true pictures.
        """
        whole = self._output[ALL]
        found = {ALL: Value(frechet_distance(self.real, whole) if self.count > 1 else None, whole.count)}
        bins = {} if self._reference else {label: real for label, real in self._truth.items() if label != ALL}
        for label, real in bins.items():
            if real.count > 1:
                found[label] = Value(frechet_distance(real, self._output[label]), real.count)
        return found

    def warnings(self, distances: Mapping[str, Value]) -> list[str]:
        """Lines about sets with too few pictures for a Frechet distance: all pictures, and bins."""
        enough = self._extractor.dimension
        warning = few_pictures(self.count, enough)
        lines = [f"{self.title}: {warning}"] if warning else []
        few = {label: v.pictures for label, v in distances.items() if label != ALL and few_pictures(v.pictures, enough)}
        shown = ", ".join(f"{label} ({count})" for label, count in sorted(few.items()))
        if few:
            head = f"{self.title}: bins with fewer than {enough} pictures, biased upwards as well"
            lines.append(f"{head}: {shown}")
        return lines


def _update(statistics: dict[str, Statistics], labels: Sequence[str], features: np.ndarray) -> None:
    statistics.setdefault(ALL, Statistics(features.shape[1])).update(features)
    for label in set(labels) - {ALL}:
        chosen = np.array([other == label for other in labels])
        statistics.setdefault(label, Statistics(features.shape[1])).update(features[chosen])
