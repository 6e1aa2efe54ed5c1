"""Convolutions with PyTorch's geometry, with or without spectral normalisation.

Kernels are [kh, kw, I, O] for both kinds. The transposed kernel is stored already flipped, as the plain convolution
over the dilated input uses it (torch's [I, O, kh, kw], both spatial axes reversed, transposed to (2, 3, 0, 1)).
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from edgeconnect_jax.layers.initialization import KERNEL_DEVIATION
from edgeconnect_jax.layers.spectral_norm import SpectralNorm

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")
_KERNEL_INIT = nn.initializers.normal(stddev=KERNEL_DEVIATION)


def reflect_pad(x: jax.Array, width: int) -> jax.Array:
    """Mirrors `width` rows and columns of `x` [B, H, W, C] at each border, the border itself not repeated."""
    return jnp.pad(x, ((0, 0), (width, width), (width, width), (0, 0)), mode="reflect")


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
        kernel: [4, 4, I, O], flipped (see the module).

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


class _KernelLayer(nn.Module):
    """What both layers share: the kernel, perhaps divided by its spectral norm, and the bias.

    Attributes:
        features: output channels.
        size: kernel height and width.
        use_bias: whether a bias is added.
        spectral: whether the kernel is divided by its spectral norm.
        dtype: arithmetic of the convolution; parameters stay float32.
    """

    features: int
    size: int = 4
    use_bias: bool = True
    spectral: bool = False
    dtype: Any = jnp.float32

    def _kernel(self, channels: int, train: bool) -> jax.Array:
        kernel = self.param("kernel", _KERNEL_INIT, (self.size, self.size, channels, self.features))
        if self.spectral:
            kernel = SpectralNorm(name="norm")(kernel, train=train)
        return kernel.astype(self.dtype)

    def _add_bias(self, y: jax.Array) -> jax.Array:
        if not self.use_bias:
            return y
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return y + bias.astype(self.dtype)[None, None, None, :]


class Convolution(_KernelLayer):
    """torch's `Conv2d`; see `convolve` for the geometry."""

    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """[B, H, W, I] -> [B, H', W', features]; with `train`, spectral-norm vectors advance."""
        y = convolve(
            x.astype(self.dtype),
            self._kernel(x.shape[-1], train),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
        )
        return self._add_bias(y)


class UpsampleConvolution(_KernelLayer):
    """torch's `ConvTranspose2d` of kernel 4, stride 2, padding 1."""

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """[B, H, W, I] -> [B, 2H, 2W, features]; with `train`, spectral-norm vectors advance."""
        y = upsample_convolve(x.astype(self.dtype), self._kernel(x.shape[-1], train))
        return self._add_bias(y)
