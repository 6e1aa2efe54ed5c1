"""Maxima over pixels."""

import jax
import jax.numpy as jnp


def halve_by_maximum(x: jax.Array) -> jax.Array:
    """The maxima of 2x2 pixels, stride 2: [B, H, W, C] -> [B, H // 2, W // 2, C], as torch's `max_pool2d`.

    Of equal pixels the first, row by row, gets the gradient. XLA's reduce-window does the same, but what its CPU
    backend makes of that gradient takes several times longer than this.
    """
    batch, height, width, channels = x.shape
    rows, columns = height // 2, width // 2
    cells = x[:, : 2 * rows, : 2 * columns].reshape(batch, rows, 2, columns, 2, channels)
    upper, lower = (_larger(cells[:, :, row, :, 0], cells[:, :, row, :, 1]) for row in (0, 1))
    return _larger(upper, lower)


def _larger(first: jax.Array, second: jax.Array) -> jax.Array:
    return jnp.where(first >= second, first, second)
