"""The original's own measures of pictures, as its metrics.py defines them, for numbers beside published ones.

Both pictures are made gray first; SSIM has a uniform window of 51 x 51 pixels, and the "MAE" is a quotient of sums.
The original computed in float32, this computes in float64.
"""

import numpy as np
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

WINDOW = 51  # pixels; also the smallest side of a picture that has this SSIM


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
