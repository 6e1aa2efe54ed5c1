"""PSNR, SSIM and L1 of 8-bit pictures in float64, equal to scikit-image's and several times as fast.

One picture at a time, NumPy and OpenCV, safe in threads. `batched` has the same for compiled programs, and the
window and constants of SSIM.
"""

import threading

import cv2
import numpy as np

from edgeconnect_jax.metrics.batched import SSIM_K1, SSIM_K2, SSIM_RADIUS, ssim_window

PEAK = 255
SSIM_SIDE = 2 * SSIM_RADIUS + 1  # the smallest side of a picture that has an SSIM, in pixels

# Each thread's arrays for one shape of picture. The system would unmap and map fresh ones for every picture, which
# takes longer than the arithmetic.
_workspace = threading.local()


def psnr(output: np.ndarray, truth: np.ndarray, hole: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio in dB, infinite where the pictures are equal, NaN in an empty hole.

    Args:
        output: uint8 [H, W, C].
        truth: the same shape.
        hole: bool [H, W]; only pixels where it is True count. None = everywhere.
    """
    squared = _mean_distance(output, truth, hole, cv2.NORM_L2SQR)
    return float(np.inf if squared == 0 else 10 * np.log10(PEAK**2 / squared))


def l1_percent(output: np.ndarray, truth: np.ndarray, hole: np.ndarray | None = None) -> float:
    """Mean absolute error in percent of 255, NaN in an empty hole. Arguments as in `psnr`."""
    return 100 * _mean_distance(output, truth, hole, cv2.NORM_L1) / PEAK


def _mean_distance(output: np.ndarray, truth: np.ndarray, hole: np.ndarray | None, norm: int) -> float:
    """Mean over pixels and channels of the absolute or squared difference; exact, since OpenCV sums integers."""
    if hole is None:
        return cv2.norm(output, truth, norm) / output.size
    count = np.count_nonzero(hole) * output.shape[-1]
    return cv2.norm(output, truth, norm, hole.view(np.uint8)) / count if count else np.nan


def ssim(output: np.ndarray, truth: np.ndarray, hole: np.ndarray | None = None) -> tuple[float, float]:
    """Mean structural similarity over the whole picture and inside the hole.

    Args:
        output: uint8 [H, W, 3], sides at least SSIM_SIDE.
        truth: the same shape.
        hole: bool [H, W], or None.

    Returns:
        The mean of `ssim_map` over all but five border pixels, as scikit-image has it; and its mean over the hole, no
        border left out, NaN without a hole.
    """
    similarity = _similarity(output, truth)
    inner = slice(SSIM_RADIUS, -SSIM_RADIUS)
    whole = float(similarity[inner, inner].mean())
    return whole, np.nan if hole is None or not hole.any() else float(similarity[hole].mean())


def ssim_map(output: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Structural similarity of each pixel's neighbourhood (Wang et al. 2004), channel by channel.

    Equals scikit-image's `structural_similarity(..., gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    data_range=255, full=True)`. Arguments as in `ssim`.

    Returns:
        float64 [H, W, 3].
    """
    return _similarity(output, truth).copy()


def _similarity(output: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """`ssim_map` in this thread's workspace, where it stays until the next call.

    With the sum s and the difference d of the pictures a and b, 2 mean(a) mean(b) = (mean(s)^2 - mean(d)^2) / 2 and
    mean(a)^2 + mean(b)^2 = (mean(s)^2 + mean(d)^2) / 2; likewise covariance and variances. That takes four filters
    instead of five, and the halves cancel in the quotient.
    """
    c1, c2 = 2 * (SSIM_K1 * PEAK) ** 2, 2 * (SSIM_K2 * PEAK) ** 2
    s, d, mean_s, mean_d, var_s, var_d = _arrays(output.shape)
    np.add(output, truth, out=s, dtype=np.float64)
    np.subtract(output, truth, out=d, dtype=np.float64)
    for x, mean, var in ((s, mean_s, var_s), (d, mean_d, var_d)):
        _blur(x, mean)
        np.square(mean, out=mean)
        _blur(np.square(x, out=x), var)
        var -= mean
    luminance, structure = np.subtract(mean_s, mean_d, out=s), np.subtract(var_s, var_d, out=d)
    mean_s += mean_d
    var_s += var_d
    for x, constant in ((luminance, c1), (structure, c2), (mean_s, c1), (var_s, c2)):
        x += constant
    luminance *= structure
    mean_s *= var_s
    luminance /= mean_s
    return luminance


def _arrays(shape: tuple[int, ...]) -> np.ndarray:
    if getattr(_workspace, "shape", None) != shape:
        _workspace.shape, _workspace.arrays = shape, np.empty((6, *shape))
    return _workspace.arrays


def _blur(x: np.ndarray, result: np.ndarray) -> None:
    """SSIM's Gaussian filter of [H, W, 3], borders mirrored with the border pixel repeated (SciPy's "reflect")."""
    window = ssim_window()
    cv2.sepFilter2D(x, cv2.CV_64F, window, window, dst=result, borderType=cv2.BORDER_REFLECT)
