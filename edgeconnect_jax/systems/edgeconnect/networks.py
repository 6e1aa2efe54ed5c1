"""The two generators of EdgeConnect (Nazeri et al. 2019, arXiv 1901.00212).

Both are one encoder-decoder in the manner of Johnson et al. 2016: 7x7, two strided 4x4, dilated residual blocks,
two transposed 4x4, 7x7, with instance normalisation and ReLU after each convolution but the last.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from edgeconnect_jax.layers.blocks import in_turn
from edgeconnect_jax.layers.convolution import Convolution, UpsampleConvolution, reflect_pad
from edgeconnect_jax.layers.normalization import instance_norm
from edgeconnect_jax.layers.precision import at_least_float32


def _normalised_relu(x: jax.Array) -> jax.Array:
    return nn.relu(instance_norm(x))


class ResidualBlock(nn.Module):
    """x + IN(conv(ReLU(IN(dilated conv(x))))), with no ReLU after the sum.

    Attributes:
        features: channels in and out.
        spectral: spectral normalisation on both convolutions, which then have no bias.
        dtype: arithmetic of the convolutions.
    """

    features: int
    spectral: bool
    dtype: Any

    def _convolution(self, name: str, dilation: int) -> Convolution:
        return Convolution(
            self.features,
            size=3,
            dilation=dilation,
            use_bias=not self.spectral,
            spectral=self.spectral,
            dtype=self.dtype,
            name=name,
        )

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        """[B, H, W, C] -> [B, H, W, C]."""
        y = self._convolution("conv_0", dilation=2)(reflect_pad(x, 2), train=train)
        y = _normalised_relu(y)
        y = self._convolution("conv_1", dilation=1)(reflect_pad(y, 1), train=train)
        return x + instance_norm(y)


class _Generator(nn.Module):
    """The common body; returns what comes before the output's nonlinearity.

    Attributes:
        out_channels: channels of the output.
        spectral: spectral normalisation on every convolution but the last.
        features: channels of the first layer; the residual blocks have four times as many.
        residual_blocks: how many.
        dtype: arithmetic of the convolutions; parameters are float32, the returned array at least.
        remat: in training, compute the residual blocks again for the backward pass; see `in_turn`.
    """

    out_channels: int
    spectral: bool
    features: int
    residual_blocks: int
    dtype: Any
    remat: bool

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        common: dict[str, Any] = dict(spectral=self.spectral, dtype=self.dtype)
        width = self.features
        y = reflect_pad(x.astype(self.dtype), 3)
        y = _normalised_relu(Convolution(width, size=7, name="encoder_0", **common)(y, train=train))
        for i in (1, 2):
            down = Convolution(width << i, stride=2, padding=1, name=f"encoder_{i}", **common)
            y = _normalised_relu(down(y, train=train))
        blocks = [ResidualBlock(4 * width, name=f"block_{i}", **common) for i in range(self.residual_blocks)]
        y = in_turn(blocks, y, train=train, remat=self.remat)
        for i in (0, 1):
            up = UpsampleConvolution((2 * width) >> i, name=f"decoder_{i}", **common)
            y = _normalised_relu(up(y, train=train))
        y = Convolution(self.out_channels, size=7, dtype=self.dtype, name="output")(reflect_pad(y, 3))
        return at_least_float32(y)


class EdgeGenerator(nn.Module):
    """Imagines the lines inside the hole. See `_Generator` for the attributes."""

    features: int = 64
    residual_blocks: int = 8
    dtype: Any = jnp.float32
    remat: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """Predicts an edge map.

        Args:
            x: [B, H, W, 3], the result of `composition.edge_input`; H and W multiples of 4.
            train: advance the spectral-norm vectors (collection `spectral` must be mutable).

        Returns:
            [B, H, W, 1] float32 in [0, 1], 1 = edge.
        """
        body = _Generator(1, True, self.features, self.residual_blocks, self.dtype, self.remat, name="body")
        return nn.sigmoid(body(x, train=train))


class InpaintGenerator(nn.Module):
    """Paints between the lines (the completion network). See `_Generator` for the attributes."""

    features: int = 64
    residual_blocks: int = 8
    dtype: Any = jnp.float32
    remat: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """Predicts a picture.

        Args:
            x: [B, H, W, 4], the result of `composition.completion_input`; H and W multiples of 4.
            train: accepted for uniformity; this network has no spectral normalisation.

        Returns:
            [B, H, W, 3] float32 RGB in [0, 1].
        """
        body = _Generator(3, False, self.features, self.residual_blocks, self.dtype, self.remat, name="body")
        return (jnp.tanh(body(x, train=train)) + 1) / 2
