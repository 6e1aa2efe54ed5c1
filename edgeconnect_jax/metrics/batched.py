"""PSNR, SSIM and mean absolute error of pictures in [0, 1], one value an example, for compiled programs.

`uint8` has the same of 8-bit pictures in float64.

With `mask` [B, H, W, 1] only the pixels of the hole count. An undefined value, such as any inside an empty hole, is
NaN.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

# SSIM's Gaussian window (Wang et al. 2004): 11 x 11, deviation 1.5, as scikit-image makes it; its constants K1 and K2.
SSIM_SIGMA, SSIM_RADIUS = 1.5, 5
SSIM_K1, SSIM_K2 = 0.01, 0.03
_C1, _C2 = SSIM_K1**2, SSIM_K2**2


def ssim_window() -> np.ndarray:
    """The weights of SSIM's Gaussian along one axis: float64 [2 SSIM_RADIUS + 1], their sum 1."""
    offsets = np.arange(-SSIM_RADIUS, SSIM_RADIUS + 1)
    weights = np.exp(-0.5 * (offsets / SSIM_SIGMA) ** 2)
    return weights / weights.sum()


def _mean(values: jax.Array, mask: jax.Array | None) -> jax.Array:
    """Mean of [B, H, W, C] over all but the batch, or over the hole: [B]."""
    if mask is None:
        return values.mean(axis=(1, 2, 3))
    total = (values * mask).sum(axis=(1, 2, 3))
    return total / (mask.sum(axis=(1, 2, 3)) * values.shape[-1])


def mae(output: jax.Array, truth: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Mean absolute error of [B, H, W, C], in units of the range: [B]."""
    return _mean(jnp.abs(output - truth), mask)


def psnr(output: jax.Array, truth: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Peak signal-to-noise ratio of [B, H, W, C], in dB: [B]; infinite for equal pictures."""
    return -10 * jnp.log10(_mean(jnp.square(output - truth), mask))


def _blur(x: jax.Array) -> jax.Array:
    """Gaussian filter of [B, H, W, C], borders mirrored with the border pixel repeated (SciPy's "reflect")."""
    weights = ssim_window().tolist()
    height, width = x.shape[1:3]
    pad = (SSIM_RADIUS, SSIM_RADIUS)
    x = jnp.pad(x, ((0, 0), pad, pad, (0, 0)), mode="symmetric")
    rows = functools.reduce(jnp.add, (w * x[:, i : i + height] for i, w in enumerate(weights)))
    return functools.reduce(jnp.add, (w * rows[:, :, i : i + width] for i, w in enumerate(weights)))


def ssim_map(output: jax.Array, truth: jax.Array) -> jax.Array:
    """Structural similarity of each pixel's neighbourhood (Wang et al. 2004).

    Equals scikit-image's `structural_similarity(..., gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    data_range=1, full=True)` channel by channel.

    Args:
        output: [B, H, W, C] in [0, 1], sides at least 11.
        truth: the same shape.

    Returns:
        [B, H, W, C].
    """
    mean_a, mean_b = _blur(output), _blur(truth)
    var_a = _blur(output * output) - mean_a * mean_a
    var_b = _blur(truth * truth) - mean_b * mean_b
    covariance = _blur(output * truth) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + _C1) / (mean_a * mean_a + mean_b * mean_b + _C1)
    return luminance * (2 * covariance + _C2) / (var_a + var_b + _C2)


def ssim(output: jax.Array, truth: jax.Array, mask: jax.Array | None = None) -> jax.Array:
    """Mean structural similarity: [B].

    Over the whole picture five border pixels are left out, as scikit-image does; inside a hole it is the mean of the
    whole map over the hole. Arguments as in `ssim_map`.
    """
    similarity = ssim_map(output, truth)
    if mask is None:
        similarity = similarity[:, SSIM_RADIUS:-SSIM_RADIUS, SSIM_RADIUS:-SSIM_RADIUS]
    return _mean(similarity, mask)


# The rounding of float32 may put a whole level below its value, but never by this much.
_LEVEL_SLACK = 1e-3


def whole_levels(x: jax.Array) -> jax.Array:
    """Rounds [0, 1] down to whole 255ths, as the original does before it measures or writes a picture."""
    return jnp.floor(x * 255 + _LEVEL_SLACK) / 255
