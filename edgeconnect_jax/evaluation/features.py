"""Metrics of trained networks over a set of pictures that comes in batches: LPIPS, the FIDs, P-IDS and U-IDS."""

import os
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.evaluation.definitions import DEFINITIONS
from edgeconnect_jax.evaluation.per_image import Row
from edgeconnect_jax.evaluation.summary import Value, bin_of
from edgeconnect_jax.metrics import ids
from edgeconnect_jax.metrics.fid import ENOUGH_PICTURES, Statistics, few_pictures, frechet_distance
from edgeconnect_jax.metrics.networks import SMALLEST_SIDE, FeatureExtractor, Lpips, feature_extractor, lpips_metric

# Group -> the features that it takes. P-IDS and U-IDS share those of FID.
_FEATURES = {"fid": "fid", "clean_fid": "clean_fid", "legacy": "legacy_fid", "ids": "fid"}
FIDS = ("fid", "clean_fid", "legacy_fid")
_BACKBONES = {"lpips_alex": "alex", "lpips_vgg": "vgg"}
BATCH = 16  # pictures
ALL = "all"  # the label of the whole set, beside those of the bins


class Deep:
    """The metrics of trained networks among some groups, and why others cannot be measured.

    Attributes:
        refused: name of a metric -> what it lacks.
        texts: key -> how its network sees pictures, the rest of its definition.
        weights: key -> SHA-256 of its network.
        unwritten: why statistics that were asked for could not be written; complete after `finish`.
        batch: how many pictures `add` had best be given.
        references: kind of FID -> SHA-256 of the statistics that outputs are compared with; complete after `finish`.
        warnings: what is to be said of the results; complete after `finish`.
    """

    def __init__(
        self,
        groups: Sequence[str],
        weights: Sequence[str | os.PathLike] = (),
        references: Mapping[str, pathlib.Path] | None = None,
        batch: int = BATCH,
    ):
        """Loads the networks.

        Args:
            groups: see `measures.Settings`.
            weights: checkpoints that `scripts/convert_torch_ckpt.py` made.
            references: of FIDS -> a file of statistics of the true pictures: read if it exists, else written.
            batch: pictures that the networks see at once; fewer are filled up to it.

        Raises:
            ValueError: a path is no checkpoint; or a reference is of another definition or other weights, or of a
                metric that is not measured.
        """
        paths = [checkpoints.find(os.fspath(path)) for path in weights]
        self.refused: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.weights: dict[str, str] = {}
        self.references: dict[str, str] = {}
        self.warnings: list[str] = []
        self.unwritten: list[str] = []
        self.batch = batch
        self._lpips: dict[str, Lpips] = {}
        for key in (group for group in groups if group in _BACKBONES):
            self._load_lpips(key, paths)
        extractors: dict[str, FeatureExtractor] = {}
        for group in (group for group in groups if group in _FEATURES):
            self._load_features(group, paths, extractors)
        references = dict(references or {})
        unmeasured = [kind for kind in references if kind not in self.texts]
        if unmeasured:
            raise ValueError(f"--reference_statistics: {', '.join(unmeasured)} is not measured; see --metrics")
        self._features = {
            kind: _Features(
                kind, extractor, references.get(kind), kind in self.texts, kind == "fid" and "p_ids" in self.texts
            )
            for kind, extractor in extractors.items()
        }

    @property
    def empty(self) -> bool:
        """Whether there is nothing to measure."""
        return not self.texts

    @property
    def smallest_sides(self) -> dict[str, int]:
        """Metric -> the smallest side that its network takes, in pixels."""
        return {key: SMALLEST_SIDE[_BACKBONES[key]] for key in self._lpips}

    def _load_lpips(self, key: str, paths: Sequence[pathlib.Path]) -> None:
        try:
            metric = self._lpips[key] = lpips_metric(_BACKBONES[key], paths, batch=self.batch)  # pyright: ignore[reportArgumentType]
        except ValueError as error:
            self.refused[DEFINITIONS[key].name] = str(error)
            return
        self.texts[key], self.weights[key] = metric.definition, metric.weights_hash

    def _load_features(
        self, group: str, paths: Sequence[pathlib.Path], extractors: dict[str, FeatureExtractor]
    ) -> None:
        kind = _FEATURES[group]
        keys = ("p_ids", "u_ids") if group == "ids" else (kind,)
        try:
            if group == "ids":
                ids.check_available()
            if kind not in extractors:
                extractors[kind] = feature_extractor(kind, paths, batch=self.batch)  # pyright: ignore[reportArgumentType]
        except (ValueError, ModuleNotFoundError) as error:
            self.refused |= {DEFINITIONS[key].name: str(error) for key in keys}
            return
        self.texts |= dict.fromkeys(keys, extractors[kind].definition)
        self.weights |= dict.fromkeys(keys, extractors[kind].weights_hash)

    def start(self, count: int, left_out: int = 0) -> None:
        """Says how many pictures there will be, and how many are left out of the set.

        Raises:
            ValueError: they are too few for statistics to write.
        """
        for features in self._features.values():
            features.expect(count, left_out)

    def add(self, rows: Sequence[Row], truths: np.ndarray, outputs: np.ndarray) -> None:
        """Takes a batch of pictures; enters LPIPS into the rows.

        Args:
            rows: B of them.
            truths: uint8 [B, H, W, 3].
            outputs: the same shape.
        """
        for key, metric in self._lpips.items():
            for row, value in zip(rows, metric(truths, outputs).tolist(), strict=True):
                row.values[key] = value
        labels = [ALL if row.ratio is None else bin_of(row.ratio) for row in rows]
        for features in self._features.values():
            features.add(labels, truths, outputs)

    def finish(self) -> dict[str, dict[str, Value]]:
        """ALL or bin -> key -> value, of the metrics that are one number for a set.

        Writes the statistics that were asked for; where that fails, `unwritten` says so.
        """
        found: dict[str, dict[str, Value]] = {ALL: {}}
        for kind, features in self._features.items():
            if features.measured and not features.cut_short:
                distances = features.distances()
                self._write(features)
                for label, value in distances.items():
                    found.setdefault(label, {})[kind] = value
                self.references |= {kind: features.real.digest} if features.real.count > 1 else {}
                warning = few_pictures(features.count)
                self.warnings += [f"{DEFINITIONS[kind].name}: {warning}"] if warning else []
                self.warnings += _few_in_bins(kind, distances)
            if features.cut_short:
                self.refused[DEFINITIONS[kind].name] = features.cut_short
            if features.kept:
                real, fake = (np.concatenate(side) for side in zip(*features.kept, strict=True))
                score = ids.inception_discriminative_score(real, fake)
                found[ALL] |= {
                    "p_ids": Value(100 * score.p_ids, len(real)),
                    "u_ids": Value(100 * score.u_ids, len(real)),
                }
        return found

    def _write(self, features: "_Features") -> None:
        try:
            features.write()
        except OSError as error:
            self.unwritten.append(f"the reference statistics are not written: {error}")


class _Features:
    """Features of one kind: their statistics, by bins too, and themselves where P-IDS and U-IDS want them."""

    def __init__(self, kind: str, extractor: FeatureExtractor, path: pathlib.Path | None, measured: bool, keep: bool):
        self.measured = measured
        self.kept: list[tuple[np.ndarray, np.ndarray]] = []
        self._kind, self._extractor, self._path, self._keep = kind, extractor, path, keep
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
        """Why the pictures that came, fewer than `expect` was told, are not those that the definition takes; or ""."""
        seen = self._output[ALL].count if ALL in self._output else 0
        if not self.measured or self._extractor.used(seen) == seen:
            return ""
        return f"it takes a whole number of batches, and a picture turned out to be damaged after {seen} had been seen"

    @property
    def real(self) -> Statistics:
        """Of all true pictures: those that were read, or else computed."""
        return self._reference or self._truth[ALL]

    def expect(self, count: int, left_out: int = 0) -> None:
        """Says how many pictures there will be, and how many are left out of the set."""
        self._left, self._whole = self._extractor.used(count), self._extractor.used(count + left_out)
        if self._path is not None and self._reference is None and self._left < 2:
            raise ValueError(f"--reference_statistics {self._path}: takes two pictures or more")

    def add(self, labels: Sequence[str], truths: np.ndarray, outputs: np.ndarray) -> None:
        """Takes pictures, uint8 [B, H, W, 3], and the bin of each, as long as the definition uses them."""
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
        """Writes the reference where it is new; OSError if it cannot be written, or would lack pictures of the set."""
        if self._path is not None and self._reference is None:
            if self._truth[ALL].count < self._whole:
                raise OSError(f"{self._path}: it would lack the pictures that are left out")
            self._truth[ALL].save(self._path, self._extractor.definition, self._extractor.weights_hash)

    def distances(self) -> dict[str, Value]:
        """ALL or bin -> distance; undefined for a single picture.

        Bins have none of a single picture, and none against statistics that were read, which are of all pictures.
        """
        whole = self._output[ALL]
        found = {ALL: Value(frechet_distance(self.real, whole) if self.count > 1 else None, whole.count)}
        bins = {} if self._reference else {label: real for label, real in self._truth.items() if label != ALL}
        for label, real in bins.items():
            if real.count > 1:
                found[label] = Value(frechet_distance(real, self._output[label]), real.count)
        return found


def _few_in_bins(kind: str, distances: Mapping[str, Value]) -> list[str]:
    """One line that names the bins with too few pictures for a Frechet distance, and how many they have."""
    few = {label: v.pictures for label, v in distances.items() if label != ALL and few_pictures(v.pictures)}
    shown = ", ".join(f"{label} ({count})" for label, count in sorted(few.items()))
    name = DEFINITIONS[kind].name
    return [f"{name}: bins with fewer than {ENOUGH_PICTURES} pictures, biased upwards as well: {shown}"] if few else []


def _update(statistics: dict[str, Statistics], labels: Sequence[str], features: np.ndarray) -> None:
    statistics.setdefault(ALL, Statistics()).update(features)
    for label in set(labels) - {ALL}:
        chosen = np.array([other == label for other in labels])
        statistics.setdefault(label, Statistics()).update(features[chosen])
