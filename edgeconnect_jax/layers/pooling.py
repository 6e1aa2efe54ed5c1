"""Max pooling."""

import jax
import jax.numpy as jnp


def halve_by_maximum(x: jax.Array) -> jax.Array:
    """2x2 max pooling with stride 2: [B, H, W, C] -> [B, H // 2, W // 2, C], like torch's `max_pool2d`.

    Among equal pixels the first in row-major order receives the gradient. XLA's reduce-window gives the same result,
    but its gradient takes several times longer on the CPU backend.
    """
    batch, height, width, channels = x.shape
    rows, columns = height // 2, width // 2
    cells = x[:, : 2 * rows, : 2 * columns].reshape(batch, rows, 2, columns, 2, channels)
    upper, lower = (_larger(cells[:, :, row, :, 0], cells[:, :, row, :, 1]) for row in (0, 1))
    return _larger(upper, lower)


def halve_all_by_maximum(x: jax.Array) -> jax.Array:
    """2x2 max pooling with stride 2 in which odd sides count, like TensorFlow's with padding "SAME".

    [B, H, W, C] -> [B, ceil(H / 2), ceil(W / 2), C].
    """
    odd = [(0, length % 2) for length in x.shape[1:3]]
    # A repeated line leaves the maximum as it is.
    return halve_by_maximum(jnp.pad(x, ((0, 0), *odd, (0, 0)), mode="edge"))


def _larger(first: jax.Array, second: jax.Array) -> jax.Array:
    return jnp.where(first >= second, first, second)
