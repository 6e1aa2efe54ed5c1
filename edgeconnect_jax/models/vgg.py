"""VGG19 and VGG16 (Simonyan & Zisserman 2015, arXiv 1409.1556) as frozen feature extractors."""

from collections.abc import Callable
from typing import Any

import jax
from flax import linen as nn

from edgeconnect_jax.layers.convolution import Convolution
from edgeconnect_jax.layers.pooling import halve_all_by_maximum, halve_by_maximum
from edgeconnect_jax.layers.precision import at_least_float32

# Convolutions and channels of the five blocks. 2x2 max pooling follows each block except the last, because nothing
# reads its pooled map.
_BLOCKS_19 = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))
_BLOCKS_16 = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))


def _maps(
    x: jax.Array,
    blocks: tuple[tuple[int, int], ...],
    dtype: Any,
    last: str | None = None,
    halve: Callable[[jax.Array], jax.Array] = halve_by_maximum,
) -> dict[str, jax.Array]:
    """The maps after each ReLU by name, up to `last`; creates the layers in the calling module."""
    maps, x = {}, x.astype(dtype)
    for block, (depth, width) in enumerate(blocks, start=1):
        if block > 1:
            x = halve(x)
        for i in range(1, depth + 1):
            x = nn.relu(Convolution(width, size=3, padding=1, dtype=dtype, name=f"conv{block}_{i}")(x))
            maps[f"relu{block}_{i}"] = at_least_float32(x)
            if f"relu{block}_{i}" == last:
                return maps
    return maps


class VGG19(nn.Module):
    """The convolutional part of VGG19.

    Attributes:
        last: the last map that is needed.
        dtype: arithmetic of the convolutions, None = that of the pictures; the returned maps are float32 at least.
    """

    last: str = "relu5_4"
    dtype: Any = None

    @nn.compact
    def __call__(self, x: jax.Array) -> dict[str, jax.Array]:
        """Features of pictures.

        Args:
            x: [B, H, W, 3] float32 RGB in [0, 1], H and W at least 16. The style and content losses do not normalize by
                ImageNet's mean and deviation, so neither does this network.

        Returns:
            The maps after each ReLU by name, "relu1_1" to `last`, [B, H / 2^(block - 1), ..., C].
        """
        return _maps(x, _BLOCKS_19, self.dtype or x.dtype, self.last)


class VGG16(nn.Module):
    """The convolutional part of VGG16."""

    @nn.compact
    def __call__(self, x: jax.Array) -> dict[str, jax.Array]:
        """The maps after each ReLU of [B, H, W, 3], H and W at least 16, by name, "relu1_1" to "relu5_3"."""
        return _maps(x, _BLOCKS_16, x.dtype)


def trunk_of_vgg16(x: jax.Array, dtype: Any) -> dict[str, jax.Array]:
    """The maps of VGG16 as part of another network, which calls this in its own `__call__` and then has the layers.

    Args:
        x: [B, H, W, 3] of any size.
        dtype: arithmetic of the convolutions; the returned maps are float32 at least.

    Returns:
        As of `VGG16`, but odd sides are halved rounding up, so that no pixel is lost.
    """
    return _maps(x, _BLOCKS_16, dtype, halve=halve_all_by_maximum)
