"""The metrics of the original's metrics.py and fid_score.py, to compare with published numbers.

PSNR, SSIM and "MAE" are of gray pictures; SSIM has a uniform window of 51 x 51 pixels, and the MAE is a quotient of
sums. The original computed in float32, this computes in float64.
"""

from collections.abc import Callable

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from edgeconnect_jax.evaluation import groups
from edgeconnect_jax.evaluation.definitions import (
    Definition,
    Frechet,
    MeasurementSettings,
    Measures,
    MetricGroup,
    PairArrays,
)
from edgeconnect_jax.images.edges import to_gray
from edgeconnect_jax.metrics.networks import Features, unit_bilinear

WINDOW = 51  # pixels; also the smallest side of a picture that has this SSIM
_GRAY = "as EdgeConnect's metrics.py: of gray pictures in [0, 1]"

# ImageNet's mean and deviation, which torchvision's Inception undoes where its pictures were normalized with them.
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def _undo_normalization(picture: np.ndarray) -> np.ndarray:
    # The pictures were never normalized: the original treats them as if they had been.
    scale, shift = (_DEVIATION / 0.5, (_MEAN - 0.5) / 0.5)
    return unit_bilinear(picture) * scale[None, None, :] + shift[None, None, :]


FEATURES = Features(
    "legacy_fid",
    "legacy features, as in EdgeConnect's fid_score.py: torchvision's Inception, 2048 pooled, pictures "
    "resized to 299 x 299 bilinearly without antialiasing and scaled as if they had been normalised by ImageNet's "
    "statistics, the last partial batch of 64 dropped",
    "the legacy FID needs",
    "inception_torchvision",
    _undo_normalization,
    multiple=64,
)


def psnr(output: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio of gray pictures in dB; infinite where they are equal.

    Args:
        output: float64 [H, W] in [0, 1].
        truth: the same shape.
    """
    if np.array_equal(output, truth):
        return float("inf")
    return float(peak_signal_noise_ratio(truth, output, data_range=1))


def ssim(output: np.ndarray, truth: np.ndarray) -> float:
    """Structural similarity with a uniform window and sample covariances, 25 border pixels left out.

    Arguments as in `psnr`; sides at least WINDOW.
    """
    # The type checker sees the tuples that other arguments would return.
    return structural_similarity(truth, output, data_range=1, win_size=WINDOW)  # pyright: ignore[reportReturnType]


def mae(output: np.ndarray, truth: np.ndarray) -> float:
    """sum |a - b| / sum (a + b); 0 for two black pictures. Arguments as in `psnr`."""
    total = float((output + truth).sum())
    return float(np.abs(output - truth).sum()) / total if total else 0.0


def measure(example: PairArrays, settings: MeasurementSettings) -> Measures:
    """The original's metrics of gray pictures."""
    gray = to_gray(example.output.image), to_gray(example.truth)
    metrics: dict[str, Callable[..., float]] = {"psnr": psnr, "ssim": ssim, "mae": mae}
    return Measures({f"legacy_{name}": metric(*gray) for name, metric in metrics.items()})


LEGACY = MetricGroup(
    "legacy",
    (
        Definition(
            "legacy_psnr",
            "PSNR (original's, gray)",
            f"{_GRAY}, 10 log10(1 / mean squared error); {groups.FINITE}",
            "dB",
            True,
            3,
        ),
        Definition(
            "legacy_ssim",
            "SSIM (original's, uniform 51, gray)",
            f"{_GRAY}, uniform window 51 x 51, sample covariances, 25 border pixels left out; mean over pictures",
            "",
            True,
            4,
        ),
        Definition(
            "legacy_mae",
            "MAE (original's, gray)",
            f"{_GRAY}, sum|a - b| / sum(a + b); mean over pictures",
            "",
            False,
            4,
        ),
        Definition("legacy_fid", "FID (original's)", groups.FRECHET, "", False, 3),
    ),
    measure,
    smallest_side=WINDOW,
    networks=(Frechet(FEATURES),),
    option="legacy",
)
