"""The Frechet distance between two sets of features, and the statistics it is computed from. float64 throughout."""

import hashlib
import pathlib
import zipfile
from typing import Any

import numpy as np

from edgeconnect_jax.host.files import replaced

_FORMAT = 1
_FIELDS = ("format", "definition", "weights_hash", "count", "mean", "covariance")


class Statistics:
    """Mean and covariance of features that are added batch by batch.

    Attributes:
        count: features seen so far.
        mean: [D] float64.
    """

    def __init__(self, dimension: int = 2048):
        self.count = 0
        self.mean = np.zeros(dimension)
        self._scatter = np.zeros((dimension, dimension))
        self._covariance: np.ndarray | None = None  # as loaded: multiplying it by the count would round

    def update(self, features: np.ndarray) -> None:
        """Adds features [B, D], B at least 1, by the pairwise update of Chan, Golub & LeVeque (1983).

        Raises:
            ValueError: wrong shape, or NaN or infinite features.
        """
        features = np.asarray(features, np.float64)
        if features.ndim != 2 or features.shape[1] != self.mean.size or not len(features):
            raise ValueError(f"features are {features.shape}, expected (B, {self.mean.size})")
        if not np.isfinite(features).all():
            raise ValueError("features hold NaN or infinite values: are the weights those of the network?")
        added, mean = len(features), features.mean(axis=0)
        centred, step, total = features - mean, mean - self.mean, self.count + added
        self._scatter += centred.T @ centred + np.outer(step, step) * (self.count * added / total)
        self.mean = self.mean + step * (added / total)
        self.count, self._covariance = total, None

    @property
    def covariance(self) -> np.ndarray:
        """[D, D] float64, divided by count - 1, as `numpy.cov` does; raises ValueError for fewer than two features."""
        if self.count < 2:
            raise ValueError(f"a covariance takes two pictures or more, here are {self.count}")
        return self._scatter / (self.count - 1) if self._covariance is None else self._covariance

    @property
    def digest(self) -> str:
        """SHA-256 of count, mean and covariance; the same for statistics that were saved and loaded."""
        values = (np.float64(self.count), self.mean, self.covariance)
        return hashlib.sha256(b"".join(np.ascontiguousarray(x, "<f8").tobytes() for x in values)).hexdigest()

    def save(self, path: str | pathlib.Path, definition: str, weights_hash: str) -> None:
        """Writes a .npz file, whole or not at all; an older one at `path` is replaced.

        Args:
            path: of the file; nothing is added to its name.
            definition: what the features are, in words (`networks.FeatureExtractor.definition`).
            weights_hash: of the network that computed them.
        """
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        fields: dict[str, Any] = {"format": _FORMAT, "definition": definition, "weights_hash": weights_hash}
        fields |= {"count": self.count, "mean": self.mean, "covariance": self.covariance}
        with replaced(path) as part, part.open("wb") as file:
            np.savez(file, **fields)

    @classmethod
    def load(cls, path: str | pathlib.Path, definition: str, weights_hash: str) -> "Statistics":
        """Reads what `save` wrote.

        Args:
            path: of the file.
            definition: of the features that it will be compared with.
            weights_hash: of their network.

        Raises:
            ValueError: no such file, another kind of file, or another definition or other weights.
        """
        fields = _read(pathlib.Path(path))
        wanted = {"definition": definition, "weights_hash": weights_hash}
        differ = [f"its {key} is {fields[key]}, here: {value}" for key, value in wanted.items() if fields[key] != value]
        if differ:
            raise ValueError(f"{path}: statistics of other features; compute them again\n  " + "\n  ".join(differ))
        loaded = cls(fields["mean"].size)
        loaded.count, loaded.mean = int(fields["count"]), fields["mean"]
        loaded._scatter = fields["covariance"] * (loaded.count - 1)
        loaded._covariance = fields["covariance"]
        return loaded


def _read(path: pathlib.Path) -> dict[str, Any]:
    """The fields of a file of `Statistics.save`; raises ValueError for any other."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file of statistics")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: not a .npz file, or corrupted")
    try:
        with np.load(path, allow_pickle=False) as file:
            fields = {name: file[name] for name in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: not a .npz file, or corrupted ({error})") from error
    missing = [name for name in _FIELDS if name not in fields]
    if missing:
        raise ValueError(
            f"{path}: has no {', '.join(missing)}. Statistics of other programs do not say by which definition and "
            "weights they were made; compute them again from the pictures"
        )
    if int(fields["format"]) != _FORMAT:
        raise ValueError(f"{path}: format {fields['format']} of statistics, this version reads {_FORMAT}")
    return fields


def few_pictures(count: int, dimension: int = 2048) -> str | None:
    """A warning about the Frechet distance of `count` pictures (in the smaller set); None if they are enough.

    With fewer pictures than features the covariances are singular, and the distance depends on the number of pictures.

    Args:
        count: of pictures.
        dimension: how many features each has.
    """
    if count >= dimension:
        return None
    return (
        f"only {count} pictures: below {dimension}, the number of features, the Frechet distance is biased "
        "upwards and compares only with one of as many pictures"
    )


def frechet_distance(one: Statistics, other: Statistics) -> float:
    """Squared Frechet distance of two normal distributions (Heusel et al. 2017, arXiv 1706.08500).

    |m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2)). C1 C2 has the eigenvalues of the symmetric F^T C2 F with C1 = F F^T,
    and its root's trace is the sum of their roots: no matrix root is needed, which fails if C1 C2 is singular.

    Raises:
        ValueError: features of different lengths, or fewer than two of either.
    """
    if one.mean.shape != other.mean.shape:
        raise ValueError(f"features of different lengths: {one.mean.size} and {other.mean.size}")
    first, second = one.covariance, other.covariance
    values, vectors = np.linalg.eigh(first)
    # Smaller ones are rounding errors, which the root would enlarge.
    kept = values > values.max(initial=0) * len(values) * np.finfo(np.float64).eps
    factor = vectors[:, kept] * np.sqrt(values[kept])
    product = np.linalg.eigvalsh(factor.T @ second @ factor)
    root = np.sqrt(np.maximum(product, 0)).sum()
    distance = np.square(one.mean - other.mean).sum() + np.trace(first) + np.trace(second) - 2 * root
    return max(float(distance), 0.0)  # rounding may make that of equal sets negative
