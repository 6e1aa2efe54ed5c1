"""XLA's own convolutions with PyTorch's geometry."""

from typing import NamedTuple

import jax

DIMENSIONS = ("NHWC", "HWIO", "NHWC")


class Geometry(NamedTuple):
    """Where the taps of a convolution lie.

    Attributes:
        stride: step in rows and columns.
        padding: rows and columns of zeros at each border.
        dilation: distance between neighbouring taps.
        doubles: a 4x4 transposed convolution with stride 2 and padding 1 instead; the other fields keep their defaults.
    """

    stride: int = 1
    padding: int = 0
    dilation: int = 1
    doubles: bool = False


HALVING = Geometry(stride=2, padding=1)  # with a 4x4 kernel, DOUBLING is the gradient of this convolution
DOUBLING = Geometry(doubles=True)


def compute(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The convolution of `x` [B, H, W, I] with `kernel` [kh, kw, I, O] that `geometry` describes."""
    if geometry.doubles:
        return upsample_convolve(x, kernel)
    return convolve(x, kernel, stride=geometry.stride, padding=geometry.padding, dilation=geometry.dilation)


def convolve(
    x: jax.Array, kernel: jax.Array, *, stride: int = 1, padding: int | tuple[int, int] = 0, dilation: int = 1
) -> jax.Array:
    """Cross-correlation with zero padding, like torch's `conv2d`.

    Args:
        x: [B, H, W, I].
        kernel: [kh, kw, I, O].
        stride: step in rows and columns.
        padding: rows and columns of zeros at each border, one number for both or (rows, columns).
        dilation: distance between neighbouring taps.

    Returns:
        [B, H', W', O], H' = (H + 2 padding - dilation (kh - 1) - 1) // stride + 1.
    """
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        window_strides=(stride, stride),
        padding=((rows, rows), (columns, columns)),
        rhs_dilation=(dilation, dilation),
        dimension_numbers=DIMENSIONS,
    )


def same_padding(length: int, size: int, stride: int) -> tuple[int, int]:
    """The zeros before and after an axis of TensorFlow's padding "SAME", which gives ceil(length / stride) places."""
    total = max((-(-length // stride) - 1) * stride + size - length, 0)
    return total // 2, total - total // 2


def depthwise(x: jax.Array, kernel: jax.Array, *, stride: int = 1) -> jax.Array:
    """Convolves each channel with a kernel of its own, with TensorFlow's padding "SAME".

    Args:
        x: [B, H, W, C].
        kernel: [kh, kw, 1, C].
        stride: step in rows and columns.

    Returns:
        [B, ceil(H / stride), ceil(W / stride), C].
    """
    return jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), "SAME", feature_group_count=x.shape[-1], dimension_numbers=DIMENSIONS
    )


def upsample_convolve(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Transposed 4x4 convolution with stride 2 and padding 1, like torch's `conv_transpose2d`.

    Args:
        x: [B, H, W, I].
        kernel: [4, 4, I, O], flipped (see layers/convolution.py).

    Returns:
        [B, 2H, 2W, O].
    """
    pads = ((2, 2), (2, 2))
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), pads, lhs_dilation=(2, 2), dimension_numbers=DIMENSIONS)
