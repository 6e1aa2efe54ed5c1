"""EfficientNet-lite0 (Tan & Le 2019, arXiv 1905.11946, in its variant for devices) as a frozen feature extractor.

It has neither squeeze-and-excitation nor swish: its activations are ReLU6. Convolutions are padded as in TensorFlow.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from edgeconnect_jax.layers import algorithms, direct
from edgeconnect_jax.layers.normalization import stored_norm
from edgeconnect_jax.layers.precision import at_least_float32

SIDE = 224  # of the pictures in training
FEATURES = 1280
# Blocks before the halvings and the last two maps, whose differences `EfficientNetLite0.distance` averages.
DISTANCE_LAYERS = ("block0", "block2", "block4", "block10", "block15")

_CENTER, _RANGE = 127, 128  # of 8-bit pictures
_EPSILON = 1e-10  # as LPIPS has it
_STEM = 32


class Block(NamedTuple):
    """An inverted residual: expansion of the channels, depthwise convolution, projection.

    Attributes:
        size: side of the depthwise kernel.
        stride: of the depthwise convolution.
        expansion: by which the channels are multiplied; 1 = no expansion.
        width: channels of the result.
    """

    size: int
    stride: int
    expansion: int
    width: int


def _stage(count: int, first: Block) -> tuple[Block, ...]:
    return (first, *[first._replace(stride=1)] * (count - 1))


BLOCKS: tuple[Block, ...] = (
    *_stage(1, Block(3, 1, 1, 16)),
    *_stage(2, Block(3, 2, 6, 24)),
    *_stage(2, Block(5, 2, 6, 40)),
    *_stage(3, Block(3, 2, 6, 80)),
    *_stage(3, Block(5, 1, 6, 112)),
    *_stage(4, Block(5, 2, 6, 192)),
    *_stage(1, Block(3, 1, 6, 320)),
)


def relu6(x: jax.Array) -> jax.Array:
    """min(max(x, 0), 6)."""
    return jnp.clip(x, 0, 6)


class _Unit(nn.Module):
    """Base of the convolutions: no bias, but batch normalisation by stored statistics."""

    dtype: Any

    def _kernel(self, *shape: int) -> tuple[jax.Array, jax.Array]:
        """The kernel times the norm's gain, and the norm's shift [1, 1, 1, O]."""
        kernel = self.param("kernel", nn.initializers.he_normal(), shape)
        gain, shift = stored_norm(self, shape[-1])
        folded = kernel * gain[None, None, None, :]
        return folded.astype(self.dtype), shift[None, None, None, :].astype(self.dtype)


class _Stem(_Unit):
    """The first convolution, 3x3 with stride 2."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel, shift = self._kernel(3, 3, x.shape[-1], _STEM)
        pads = [direct.same_padding(length, 3, 2) for length in x.shape[1:3]]
        return relu6(algorithms.convolve(jnp.pad(x, ((0, 0), *pads, (0, 0))), kernel, stride=2) + shift)


class _Pointwise(_Unit):
    """A 1x1 convolution."""

    width: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel, shift = self._kernel(1, 1, x.shape[-1], self.width)
        return x @ kernel[0, 0] + shift


class _Depthwise(_Unit):
    """A convolution of each channel by itself."""

    size: int
    stride: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel, shift = self._kernel(self.size, self.size, 1, x.shape[-1])
        return relu6(algorithms.depthwise(x, kernel, stride=self.stride) + shift)


class _Residual(nn.Module):
    """A `Block`; its input is added where the shape is the same."""

    block: Block
    dtype: Any

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        block, y = self.block, x
        if block.expansion > 1:
            y = relu6(_Pointwise(self.dtype, block.expansion * x.shape[-1], name="expand")(y))
        y = _Depthwise(self.dtype, block.size, block.stride, name="depthwise")(y)
        y = _Pointwise(self.dtype, block.width, name="project")(y)
        return x + y if x.shape == y.shape else y


def _unit_length(features: jax.Array) -> jax.Array:
    """Divides the features of each position by their length."""
    return features / (jnp.sqrt(jnp.square(features).sum(axis=-1, keepdims=True)) + _EPSILON)


class EfficientNetLite0(nn.Module):
    """EfficientNet-lite0 without its classifier.

    Attributes:
        last: the last map that is needed.
        dtype: arithmetic of the convolutions, None = that of the pictures; the returned maps are float32 at least.
    """

    last: str = "head"
    dtype: Any = None

    @nn.compact
    def __call__(self, x: jax.Array) -> dict[str, jax.Array]:
        """Features of pictures.

        Args:
            x: [B, H, W, 3] float32 RGB in [0, 1], of any size; the network was trained on 224 x 224.

        Returns:
            The maps by name, up to `last`: "stem" (after ReLU6, half the size, 32 channels), "block0" to "block15"
            (linear, 16 to 320 channels, down to 1/32 of the size, rounded up) and "head" (after ReLU6, 1280 channels).
        """
        dtype = self.dtype or x.dtype
        x = ((255 * x - _CENTER) / _RANGE).astype(dtype)
        layers = {"stem": _Stem(dtype, name="stem")}
        layers |= {f"block{i}": _Residual(block, dtype, name=f"block{i}") for i, block in enumerate(BLOCKS)}
        maps: dict[str, jax.Array] = {}
        for name, layer in layers.items():
            x = layer(x)
            maps[name] = at_least_float32(x)
            if name == self.last:
                return maps
        head = relu6(_Pointwise(dtype, FEATURES, name="head")(x))
        return maps | {"head": at_least_float32(head)}

    def pooled(self, x: jax.Array) -> jax.Array:
        """The mean of "head" over all positions, [B, 1280]; `x` as in `__call__`."""
        return self(x)["head"].mean(axis=(1, 2))

    def distance(self, truth: jax.Array, output: jax.Array) -> jax.Array:
        """Distances of pairs of pictures, like LPIPS (Zhang et al. 2018, arXiv 1801.03924) without learned weights.

        Args:
            truth: [B, H, W, 3] float32 RGB in [0, 1].
            output: the same shape.

        Returns:
            [B], 0 to 4: squared differences of the features of `DISTANCE_LAYERS`, each position's features scaled to
            length 1, summed over channels, averaged over positions and layers.
        """
        maps = self(jnp.concatenate([truth, output]))
        scaled = [jnp.split(_unit_length(maps[layer]), 2) for layer in DISTANCE_LAYERS]
        distances = [jnp.square(one - other).sum(axis=-1).mean(axis=(1, 2)) for one, other in scaled]
        return jnp.stack(distances).mean(axis=0)
