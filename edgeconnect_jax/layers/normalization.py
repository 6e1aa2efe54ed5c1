"""Instance normalisation (Ulyanov et al. 2016, arXiv 1607.08022)."""

import jax
import jax.numpy as jnp

from edgeconnect_jax.layers.precision import at_least_float32

_EPSILON = 1e-5  # torch's default


def instance_norm(x: jax.Array) -> jax.Array:
    """Subtracts each example's and channel's mean over the picture and divides by its deviation.

    Without learned scale or bias, with the biased variance, as torch's `InstanceNorm2d` does by default. The
    statistics are taken in float32 at least, and in two passes: E[x^2] - E[x]^2 loses all digits under a large mean.

    Args:
        x: [B, H, W, C], any float dtype.

    Returns:
        [B, H, W, C] in the dtype of `x`.
    """
    wide = at_least_float32(x)
    centred = wide - wide.mean(axis=(1, 2), keepdims=True)
    variance = jnp.square(centred).mean(axis=(1, 2), keepdims=True)
    return (centred * jax.lax.rsqrt(variance + _EPSILON)).astype(x.dtype)
