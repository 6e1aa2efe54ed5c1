"""The networks of EdgeConnect (Nazeri et al. 2019, arXiv 1901.00212) and their inputs.

Both generators share one encoder-decoder architecture, similar to Johnson et al. 2016: a 7x7 convolution, two strided
4x4, dilated residual blocks, two transposed 4x4, and a 7x7, with instance normalization and ReLU after each convolution
except the last.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from edgeconnect_jax.layers.blocks import run_blocks
from edgeconnect_jax.layers.convolution import Convolution, UpsampleConvolution, reflect_pad
from edgeconnect_jax.layers.normalization import instance_norm
from edgeconnect_jax.layers.pixels import masked_picture
from edgeconnect_jax.layers.precision import at_least_float32
from edgeconnect_jax.models.discriminators import PatchDiscriminator
from edgeconnect_jax.models.network import Network, takes

# Input channels of each network.
CHANNELS = {"edge_generator": 3, "edge_discriminator": 2, "inpaint_generator": 4, "inpaint_discriminator": 3}


def _normalized_relu(x: jax.Array) -> jax.Array:
    return nn.relu(instance_norm(x))


class ResidualBlock(nn.Module):
    """x + IN(conv(ReLU(IN(dilated conv(x))))), with no ReLU after the sum.

    Attributes:
        features: input and output channels.
        spectral: whether both convolutions use spectral normalization and no bias.
        dtype: dtype of the convolutions' arithmetic.
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
        y = _normalized_relu(y)
        y = self._convolution("conv_1", dilation=1)(reflect_pad(y, 1), train=train)
        return x + instance_norm(y)


class _Generator(nn.Module):
    """The common body; returns the input of the output nonlinearity.

    Attributes:
        out_channels: channels of the output.
        spectral: whether every convolution except the last uses spectral normalization.
        features: channels of the first layer; the residual blocks have four times as many.
        residual_blocks: number of residual blocks.
        dtype: dtype of the convolutions' arithmetic; parameters are float32, the result is float32 or wider.
        remat: in training, recompute the residual blocks for the backward pass; see `run_blocks`.
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
        y = _normalized_relu(Convolution(width, size=7, name="encoder_0", **common)(y, train=train))
        for i in (1, 2):
            down = Convolution(width << i, stride=2, padding=1, name=f"encoder_{i}", **common)
            y = _normalized_relu(down(y, train=train))
        blocks = [ResidualBlock(4 * width, name=f"block_{i}", **common) for i in range(self.residual_blocks)]
        y = run_blocks(blocks, y, train=train, remat=self.remat)
        for i in (0, 1):
            up = UpsampleConvolution((2 * width) >> i, name=f"decoder_{i}", **common)
            y = _normalized_relu(up(y, train=train))
        y = Convolution(self.out_channels, size=7, dtype=self.dtype, name="output")(reflect_pad(y, 3))
        return at_least_float32(y)


class EdgeGenerator(nn.Module):
    """Draws the lines inside the hole. See `_Generator` for the attributes."""

    features: int = 64
    residual_blocks: int = 8
    dtype: Any = jnp.float32
    remat: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """Predicts an edge map.

        Args:
            x: [B, H, W, 3], the result of `edge_input`; H and W multiples of 4.
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
            x: [B, H, W, 4], the result of `completion_input`; H and W multiples of 4.
            train: accepted for uniformity; this network has no spectral normalization.

        Returns:
            [B, H, W, 3] float32 RGB in [0, 1].
        """
        body = _Generator(3, False, self.features, self.residual_blocks, self.dtype, self.remat, name="body")
        return (jnp.tanh(body(x, train=train)) + 1) / 2


def edge_input(gray: jax.Array, edge: jax.Array, mask: jax.Array) -> jax.Array:
    """Input of the edge generator [B, H, W, 3]: masked luminance, known edges, mask; each argument [B, H, W, 1]."""
    return jnp.concatenate([masked_picture(gray, mask), edge * (1 - mask), mask], axis=-1)


def completion_input(image: jax.Array, edge: jax.Array, mask: jax.Array) -> jax.Array:
    """Input of the completion network [B, H, W, 4]: masked `image` [B, H, W, 3], the whole `edge` map [B, H, W, 1]."""
    return jnp.concatenate([masked_picture(image, mask), edge], axis=-1)


def _generator(module: Any, name: str) -> Network:
    return Network(module, takes(CHANNELS[name]), sizes=("features", "residual_blocks"), options=("dtype", "remat"))


def _discriminator(name: str) -> Network:
    return Network(PatchDiscriminator, takes(CHANNELS[name]), sizes=("features",), options=("dtype",))


NETWORKS: dict[str, Network] = {
    "edge_generator": _generator(EdgeGenerator, "edge_generator"),
    "edge_discriminator": _discriminator("edge_discriminator"),
    "inpaint_generator": _generator(InpaintGenerator, "inpaint_generator"),
    "inpaint_discriminator": _discriminator("inpaint_discriminator"),
}
