"""What is measured of one picture."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from edgeconnect_jax.evaluation.definitions import GROUPS
from edgeconnect_jax.evaluation.outputs import Output
from edgeconnect_jax.evaluation.pairs import Pair, Size
from edgeconnect_jax.images.edges import canny_edges, to_gray
from edgeconnect_jax.metrics import uint8
from edgeconnect_jax.systems.edgeconnect import legacy
from edgeconnect_jax.systems.edgeconnect.metrics import edge_counts

EDGE_THRESHOLD = 0.5


class Settings(NamedTuple):
    """What is measured, and how.

    Attributes:
        groups: of `definitions.GROUPS`, and "legacy".
        threshold: a predicted edge value above it is an edge.
        sigma: of the Gaussian of Canny, which finds the true edges, in pixels.
    """

    groups: tuple[str, ...] = GROUPS
    threshold: float = EDGE_THRESHOLD
    sigma: float = 2.0


class EdgePixels(NamedTuple):
    """Pixels of one hole: those that are predicted and true edges, predicted ones, and true ones."""

    hits: int
    predicted: int
    true: int


class Row(NamedTuple):
    """The measures of one picture.

    Attributes:
        name: of the pair.
        size: (height, width) in pixels.
        hole_pixels: of them, in the hole; None without masks.
        values: key of a metric -> value; NaN where there is none, infinite for the PSNR of equal pictures. Those of
            LPIPS come later.
        edges: counts in the hole, or None.
        truth_hash: SHA-256 of the true picture as it was measured.
        hole_hash: SHA-256 of the hole, or None.
    """

    name: str
    size: Size
    hole_pixels: int | None
    values: dict[str, float]
    edges: EdgePixels | None
    truth_hash: str
    hole_hash: str | None

    @property
    def ratio(self) -> float | None:
        """The share of the picture that is hole."""
        return None if self.hole_pixels is None else self.hole_pixels / (self.size[0] * self.size[1])


def measure(pair: Pair, truth: np.ndarray, hole: np.ndarray | None, output: Output, settings: Settings) -> Row:
    """Measures one output against the truth.

    Args:
        pair: which it is.
        truth: uint8 [H, W, 3].
        hole: bool [H, W]; None = only the whole picture is measured.
        output: of the same size.
        settings: the groups of metrics; those of trained networks are not measured here.
    """
    values = {}
    if "psnr" in settings.groups:
        values |= _whole_and_hole("psnr", uint8.psnr, output.image, truth, hole)
    if "ssim" in settings.groups:
        whole, inside = uint8.ssim(output.image, truth, hole)
        values |= {"ssim": whole} | ({} if hole is None else {"ssim_hole": inside})
    if "l1" in settings.groups:
        values |= _whole_and_hole("l1", uint8.l1_percent, output.image, truth, hole)
    if "legacy" in settings.groups:
        gray = to_gray(output.image), to_gray(truth)
        measured = (("legacy_psnr", legacy.psnr), ("legacy_ssim", legacy.ssim), ("legacy_mae", legacy.mae))
        values |= {key: metric(*gray) for key, metric in measured}
    counts = None
    if "edges" in settings.groups and output.edges is not None and hole is not None:
        counts = _count_edges(truth, hole, output.edges, settings)
        values["edge_precision_picture"] = quotient(counts.hits, counts.predicted)
        values["edge_recall_picture"] = quotient(counts.hits, counts.true)
    hole_pixels = None if hole is None else int(np.count_nonzero(hole))
    hole_hash = None if hole is None else _hash(hole)
    return Row(pair.name, pair.size, hole_pixels, values, counts, _hash(truth), hole_hash)


def _whole_and_hole(
    key: str, metric: Callable[..., float], output: np.ndarray, truth: np.ndarray, hole: np.ndarray | None
) -> dict[str, float]:
    whole = {key: metric(output, truth)}
    return whole if hole is None else whole | {f"{key}_hole": metric(output, truth, hole)}


def _count_edges(truth: np.ndarray, hole: np.ndarray, edges: np.ndarray, settings: Settings) -> EdgePixels:
    true = canny_edges(to_gray(truth), settings.sigma) > 0
    batch: list = [array[None, ..., None] for array in (edges, true, hole)]
    counts = edge_counts(batch[0], batch[1], batch[2], settings.threshold)
    return EdgePixels(*(int(count.item()) for count in counts))


def quotient(part: float, whole: float) -> float:
    """part / whole; NaN where there is no whole."""
    return float(part / whole) if whole else float("nan")


def _hash(array: np.ndarray) -> str:
    return hashlib.sha256(repr(array.shape).encode() + array.tobytes()).hexdigest()
