"""The 70 x 70 PatchGAN discriminator (Isola et al. 2017, arXiv 1611.07004) with spectral normalisation."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from edgeconnect_jax.layers.convolution import Convolution
from edgeconnect_jax.layers.precision import at_least_float32

_SLOPE = 0.2


class Judgement(NamedTuple):
    """What a discriminator returns.

    Attributes:
        logits: [B, h, w, 1] float32, one per patch, before any sigmoid.
        features: feature maps of all layers, after LeakyReLU; the last one is `logits`.
    """

    logits: jax.Array
    features: tuple[jax.Array, ...]


class PatchDiscriminator(nn.Module):
    """Five 4x4 convolutions without bias, strides 2, 2, 2, 1, 1.

    Attributes:
        features: channels of the first layer; doubled by each of the next three.
        dtype: arithmetic of the convolutions; the returned arrays are float32 at least.
    """

    features: int = 64
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> Judgement:
        """Judges the patches of `x` [B, H, W, C], H and W at least 32; `train` advances the spectral-norm vectors."""
        widths = [self.features << i for i in range(4)] + [1]
        maps = []
        for i, (width, stride) in enumerate(zip(widths, (2, 2, 2, 1, 1), strict=True)):
            layer = Convolution(
                width,
                stride=stride,
                padding=1,
                use_bias=False,
                spectral=True,
                dtype=self.dtype,
                name=f"conv_{i}",
            )
            x = layer(x, train=train)
            if i < 4:
                x = nn.leaky_relu(x, _SLOPE)
            maps.append(at_least_float32(x))
        return Judgement(maps[-1], tuple(maps))
