"""Convolutions with PyTorch's geometry, with or without spectral normalisation.

Kernels are [kh, kw, I, O] in both layers. The kernel of a transposed convolution is stored flipped, ready for the plain
convolution over the dilated input (torch's [I, O, kh, kw], both spatial axes reversed, transposed to (2, 3, 0, 1)).
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from edgeconnect_jax.layers import algorithms, direct, prepared
from edgeconnect_jax.layers.direct import Geometry
from edgeconnect_jax.layers.initialization import KERNEL_DEVIATION
from edgeconnect_jax.layers.spectral_norm import SpectralNorm

_KERNEL_INIT = nn.initializers.normal(stddev=KERNEL_DEVIATION)


def reflect_pad(x: jax.Array, width: int) -> jax.Array:
    """Mirrors `width` rows and columns of `x` [B, H, W, C] at each border without repeating the border itself."""
    return jnp.pad(x, ((0, 0), (width, width), (width, width), (0, 0)), mode="reflect")


class _KernelLayer(nn.Module):
    """Base of both layers: the kernel, optionally divided by its spectral norm, and the bias.

    Attributes:
        features: output channels.
        size: kernel height and width.
        use_bias: whether a bias is added.
        spectral: whether the kernel is divided by its spectral norm.
        dtype: dtype of the arithmetic; parameters stay float32.
    """

    features: int
    size: int = 4
    use_bias: bool = True
    spectral: bool = False
    dtype: Any = jnp.float32

    def _apply(self, x: jax.Array, geometry: Geometry, train: bool) -> jax.Array:
        """The convolution of `x` [B, H, W, I] with the kernel, plus the bias."""
        shape = (self.size, self.size, x.shape[-1], self.features)
        algorithm = algorithms.for_inference(shape, jnp.dtype(self.dtype), geometry)
        x = x.astype(self.dtype)
        if self.has_variable(prepared.COLLECTION, "kernel"):
            return self._add_bias(algorithm.compute(x, self.get_variable(prepared.COLLECTION, "kernel"), geometry))
        kernel = self._kernel(shape, train)
        if prepared.preparing(self):
            self.put_variable(prepared.COLLECTION, "kernel", algorithm.prepare(kernel, geometry))
        compute = algorithms.for_training(x.shape, shape, x.dtype, geometry)
        return self._add_bias(compute(x, kernel))

    def _kernel(self, shape: tuple[int, ...], train: bool) -> jax.Array:
        kernel = self.param("kernel", _KERNEL_INIT, shape)
        if self.spectral:
            kernel = SpectralNorm(name="norm")(kernel, train=train)
        return kernel.astype(self.dtype)

    def _add_bias(self, y: jax.Array) -> jax.Array:
        if not self.use_bias:
            return y
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return y + bias.astype(self.dtype)[None, None, None, :]


class Convolution(_KernelLayer):
    """torch's `Conv2d`; see `direct.convolve` for the geometry."""

    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """[B, H, W, I] -> [B, H', W', features]; with `train`, spectral-norm vectors advance."""
        return self._apply(x, Geometry(self.stride, self.padding, self.dilation), train)


class UpsampleConvolution(_KernelLayer):
    """torch's `ConvTranspose2d` of kernel 4, stride 2, padding 1."""

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """[B, H, W, I] -> [B, 2H, 2W, features]; with `train`, spectral-norm vectors advance."""
        return self._apply(x, direct.DOUBLING, train)
