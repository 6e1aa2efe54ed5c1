"""Convolutions as XLA has them, with PyTorch's geometry."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")


class Geometry(NamedTuple):
    """Where the taps of a convolution lie.

    Attributes:
        stride: step in rows and columns.
        padding: rows and columns of zeros at each border.
        dilation: distance of neighbouring taps.
        doubles: a transposed convolution 4x4, stride 2, padding 1, instead; the others are then left as they are.
    """

    stride: int = 1
    padding: int = 0
    dilation: int = 1
    doubles: bool = False


HALVING = Geometry(stride=2, padding=1)  # with a kernel of 4x4, the convolution whose gradient DOUBLING is
DOUBLING = Geometry(doubles=True)


def compute(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The convolution of `x` [B, H, W, I] with `kernel` [kh, kw, I, O] that `geometry` describes."""
    if geometry.doubles:
        return upsample_convolve(x, kernel)
    return convolve(x, kernel, stride=geometry.stride, padding=geometry.padding, dilation=geometry.dilation)


def convolve(
    x: jax.Array, kernel: jax.Array, *, stride: int = 1, padding: int | tuple[int, int] = 0, dilation: int = 1
) -> jax.Array:
    """Cross-correlation with zero padding, as torch's `conv2d`.

    Args:
        x: [B, H, W, I].
        kernel: [kh, kw, I, O].
        stride: step in rows and columns.
        padding: rows and columns of zeros at each border, one number for both or (rows, columns).
        dilation: distance of neighbouring taps.

    Returns:
        [B, H', W', O], H' = (H + 2 padding - dilation (kh - 1) - 1) // stride + 1.
    """
    # XLA's CPU backend takes a path several times slower when all padding is zero. One row and column more
    # avoids it, and what they add to the output is cut off again.
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    extra = 1 if rows == columns == 0 and stride == 1 else 0
    y = jax.lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(stride, stride),
        padding=((rows, rows + extra), (columns, columns + extra)),
        rhs_dilation=(dilation, dilation),
        dimension_numbers=_DIMENSIONS,
    )
    return y[:, :-1, :-1] if extra else y


def upsample_convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Transposed convolution, 4x4, stride 2, padding 1, as torch's `conv_transpose2d`.

    Every output pixel sees 2x2 of the 4x4 taps, which ones depends on whether its row and column are even or odd: four
    2x2 convolutions of the small picture, interleaved, do the work of one over a picture that is three quarters zeros.

    Args:
        x: [B, H, W, I].
        kernel: [4, 4, I, O], flipped (see layers/convolution.py).

    Returns:
        [B, 2H, 2W, O].
    """
    batch, height, width, _ = x.shape
    # Tap k of the dilated picture meets output row r when r + k is even: even rows use taps 0, 2 on the rows
    # r/2 - 1 and r/2, odd rows taps 1, 3 on the rows (r-1)/2 and (r+1)/2.
    phases = []
    for row in (0, 1):
        for column in (0, 1):
            pads = ((1 - row, row), (1 - column, column))
            taps = kernel[row::2, column::2]
            phases.append(jax.lax.conv_general_dilated(x, taps, (1, 1), pads, dimension_numbers=_DIMENSIONS))
    stacked = jnp.stack(phases, axis=-2).reshape(batch, height, width, 2, 2, -1)
    return stacked.transpose(0, 1, 3, 2, 4, 5).reshape(batch, 2 * height, 2 * width, -1)
