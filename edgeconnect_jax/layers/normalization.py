"""Instance normalisation (Ulyanov et al. 2016, arXiv 1607.08022)."""

import jax
import jax.numpy as jnp

from edgeconnect_jax.layers.precision import at_least_float32

_EPSILON = 1e-5  # torch's default


def instance_norm(x: jax.Array) -> jax.Array:
    """Subtracts the mean of each example and channel over the picture and divides by the standard deviation.

    There is no learned scale or bias and the variance is the biased one, as in torch's `InstanceNorm2d` by default. The
    statistics are computed in float32 or wider and in two passes: E[x^2] - E[x]^2 loses all digits if the mean is
    large.

    Args:
        x: [B, H, W, C], any float dtype.

    Returns:
        [B, H, W, C] in the dtype of `x`.
    """
    wide = at_least_float32(x)
    centred = wide - wide.mean(axis=(1, 2), keepdims=True)
    variance = jnp.square(centred).mean(axis=(1, 2), keepdims=True)
    return (centred * jax.lax.rsqrt(variance + _EPSILON)).astype(x.dtype)
