"""Spectral normalization as PyTorch saved it before 1.0: `weight_orig`, `weight_u` and `weight`, but no `weight_v`."""

import numpy as np


def solve_v(kernel: np.ndarray, normalized: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The v of the last training step, from what was saved.

    The last power iteration left W v = sigma u, u of unit length, where W is the kernel as a matrix with one row for
    each output channel, and the layer used W / sigma. As PyTorch's own loader does for such files, this takes sigma as
    the mean of the elements' ratios, the v of smallest norm that solves W v = u in least squares, and scales it to
    u^T W v = sigma. v was W^T u of the iteration before, so it has no part that W maps to zero, and is found again to
    rounding. (PyTorch inverts W^T W in single precision, whose noise adds such a part to its v; sigma, and with it
    what the network computes, is the same.)

    Args:
        kernel: [kh, kw, I, O], `weight_orig`.
        normalized: the same shape, `weight`; elements of 0 do not determine sigma and are ignored.
        u: [O].

    Returns:
        [kh, kw, I] float32. NaN where sigma cannot be determined, as for a kernel of zeros.
    """
    rows = kernel.shape[-1]
    kernel, normalized, u = (np.asarray(x, np.float64) for x in (kernel, normalized, u))
    with np.errstate(all="ignore"):
        ratios = kernel[normalized != 0] / normalized[normalized != 0]
        sigma = ratios.mean() if ratios.size else np.nan
        matrix = kernel.reshape(-1, rows).T
        if not (np.isfinite(matrix).all() and np.isfinite(u).all()):
            return np.full(kernel.shape[:-1], np.nan, np.float32)
        v = np.linalg.lstsq(matrix, u, rcond=None)[0]
        v *= sigma / (u @ (matrix @ v))
    return v.reshape(kernel.shape[:-1]).astype(np.float32)
