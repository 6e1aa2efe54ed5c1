"""Metrics of trained networks over a set of pictures that comes in batches: LPIPS, FID, P-IDS, U-IDS and the
like."""

import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.evaluation.definitions import Discriminative, Frechet, MetricGroup, PerceptualDistance, Value
from edgeconnect_jax.evaluation.features import ALL, FeatureSet
from edgeconnect_jax.evaluation.pairs import NONE
from edgeconnect_jax.evaluation.per_image import Row
from edgeconnect_jax.evaluation.summary import bin_of
from edgeconnect_jax.metrics import ids, networks

BATCH = 16  # pictures


class NetworkMetrics:
    """The metrics of trained networks among some groups, and why others cannot be measured.

    Attributes:
        refused: name of a metric -> why it is not measured.
        texts: key -> how its network sees pictures, the rest of its definition.
        weights: key -> SHA-256 of its network.
        unwritten: why requested statistics could not be written; complete after `finish`.
        batch: how many pictures `add` should be given.
        references: kind of FID -> SHA-256 of the statistics that outputs are compared with; complete after `finish`.
        warnings: about the results; complete after `finish`.
    """

    def __init__(
        self,
        groups: Iterable[MetricGroup],
        weights: Sequence[str | os.PathLike] = (),
        references: Mapping[str, pathlib.Path] = NONE,
        batch: int = BATCH,
    ):
        """Loads the networks.

        Args:
            groups: of metrics.
            weights: checkpoints that `scripts/convert_torch_ckpt.py` made.
            references: kind of FID -> a file of statistics of the true pictures: read if it exists, else written.
            batch: pictures that the networks see at once; smaller batches are padded.

        Raises:
            ValueError: a path is no checkpoint; or a reference is of another definition or other weights, or of a
                metric that is not measured.
        """
        self.refused: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.weights: dict[str, str] = {}
        self.references: dict[str, str] = {}
        self.warnings: list[str] = []
        self.unwritten: list[str] = []
        self.batch = batch
        self._paths = [checkpoints.find(os.fspath(path)) for path in weights]
        self._distances: dict[str, networks.PairDistance] = {}
        self._extractors: dict[str, networks.FeatureExtractor] = {}
        self._compared: set[str] = set()  # kinds of features that P-IDS and U-IDS compare
        groups = list(groups)
        names = {definition.key: definition.name for group in groups for definition in group.definitions}
        for metric in (metric for group in groups for metric in group.networks):
            self._load(metric, names)
        unmeasured = [kind for kind in references if kind not in self.texts]
        if unmeasured:
            raise ValueError(f"--reference_statistics: {', '.join(unmeasured)} is not measured; see --metrics")
        self._features = {
            kind: FeatureSet(
                names.get(kind, kind), extractor, references.get(kind), kind in self.texts, kind in self._compared
            )
            for kind, extractor in self._extractors.items()
        }

    @property
    def empty(self) -> bool:
        """Whether there is nothing to measure."""
        return not self.texts

    @property
    def smallest_sides(self) -> dict[str, int]:
        """Metric -> the smallest side that its network takes, in pixels."""
        return {key: metric.smallest_side for key, metric in self._distances.items()}

    def _load(self, metric: PerceptualDistance | Frechet | Discriminative, names: Mapping[str, str]) -> None:
        """Loads the network of a metric, or notes why it cannot be measured; `names` are those of metrics by key."""
        keys = _keys(metric)
        try:
            network = (
                self._distance_of(metric) if isinstance(metric, PerceptualDistance) else self._extractor_of(metric)
            )
        except (ValueError, ModuleNotFoundError) as error:
            self.refused |= {names[key]: str(error) for key in keys}
            return
        self.texts |= dict.fromkeys(keys, network.definition)
        self.weights |= dict.fromkeys(keys, network.weights_hash)

    def _distance_of(self, metric: PerceptualDistance) -> networks.PairDistance:
        made = networks.pair_distance(metric.distance, self._paths, batch=self.batch)
        self._distances[metric.distance.name] = made
        return made

    def _extractor_of(self, metric: Frechet | Discriminative) -> networks.FeatureExtractor:
        if isinstance(metric, Discriminative):
            ids.check_available()
        kind = metric.features.name
        if kind not in self._extractors:
            self._extractors[kind] = networks.feature_extractor(metric.features, self._paths, batch=self.batch)
        if isinstance(metric, Discriminative):
            self._compared.add(kind)
        return self._extractors[kind]

    def start(self, count: int, left_out: int = 0) -> None:
        """Announces how many pictures there will be, and how many are left out of the set.

        Raises:
            ValueError: they are too few for statistics to write.
        """
        for features in self._features.values():
            features.expect(count, left_out)

    def add(self, rows: Sequence[Row], truths: np.ndarray, outputs: np.ndarray) -> None:
        """Adds a batch of pictures; enters distances of pairs into the rows.

        Args:
            rows: B of them.
            truths: uint8 [B, H, W, 3].
            outputs: the same shape.
        """
        for key, metric in self._distances.items():
            for row, value in zip(rows, metric(truths, outputs).tolist(), strict=True):
                row.values[key] = value
        labels = [ALL if row.ratio is None else bin_of(row.ratio) for row in rows]
        for features in self._features.values():
            features.add(labels, truths, outputs)

    def finish(self) -> dict[str, dict[str, Value]]:
        """ALL or bin -> key -> value, of the metrics that are one number for a set.

        Writes the requested statistics; if that fails, `unwritten` has the reason.
        """
        found: dict[str, dict[str, Value]] = {ALL: {}}
        for kind, features in self._features.items():
            if features.cut_short:
                self.refused[features.title] = features.cut_short
            elif features.measured:
                for label, value in self._frechet_distances(kind, features).items():
                    found.setdefault(label, {})[kind] = value
            if features.kept:
                found[ALL] |= _scores(features)
        return found

    def _frechet_distances(self, kind: str, features: FeatureSet) -> dict[str, Value]:
        """The Frechet distances; writes the statistics."""
        distances = features.distances()
        try:
            features.write()
        except OSError as error:
            self.unwritten.append(f"the reference statistics are not written: {error}")
        self.references |= {kind: features.real.digest} if features.real.count > 1 else {}
        self.warnings += features.warnings(distances)
        return distances


def _keys(metric: PerceptualDistance | Frechet | Discriminative) -> tuple[str, ...]:
    if isinstance(metric, Discriminative):
        return ("p_ids", "u_ids")
    return (metric.distance.name,) if isinstance(metric, PerceptualDistance) else (metric.features.name,)


def _scores(features: FeatureSet) -> dict[str, Value]:
    """P-IDS and U-IDS in percent."""
    real, fake = (np.concatenate(side) for side in zip(*features.kept, strict=True))
    score = ids.inception_discriminative_score(real, fake)
    return {"p_ids": Value(100 * score.p_ids, len(real)), "u_ids": Value(100 * score.u_ids, len(real))}
