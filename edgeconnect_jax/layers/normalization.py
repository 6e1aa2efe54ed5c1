"""Instance normalisation (Ulyanov et al. 2016, arXiv 1607.08022), and batch normalisation by stored statistics."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from edgeconnect_jax.layers.precision import at_least_float32

STATISTICS = "batch_stats"  # the collection of the norms' means and variances

_EPSILON = 1e-5  # torch's default
_STORED_EPSILON = 1e-3  # TensorFlow's default


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


def stored_norm(module: nn.Module, channels: int) -> tuple[jax.Array, jax.Array]:
    """Batch normalisation of a trained network (Ioffe & Szegedy 2015, arXiv 1502.03167), as a gain and a shift.

    Args:
        module: whose compact method calls this; it gets the parameters "scale" and "bias" and the statistics "mean" and
            "var".
        channels: C, of what is normalized.

    Returns:
        [C], to multiply by, and [C], to add then.
    """
    scale = module.param("scale", nn.initializers.ones, (channels,))
    bias = module.param("bias", nn.initializers.zeros, (channels,))
    mean = module.variable(STATISTICS, "mean", jnp.zeros, (channels,)).value
    variance = module.variable(STATISTICS, "var", jnp.ones, (channels,)).value
    gain = scale / jnp.sqrt(variance + _STORED_EPSILON)
    return gain, bias - mean * gain
