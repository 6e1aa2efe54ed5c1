"""HED, holistically-nested edge detection (Xie & Tu 2015, arXiv 1504.06375): edge maps of pictures."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from edgeconnect_jax.layers.convolution import Convolution
from edgeconnect_jax.layers.precision import at_least_float32
from edgeconnect_jax.models.vgg import trunk_of_vgg16

# Subtracted from blue, green and red in 0..255, as for the VGG16 from which the trunk was trained.
MEANS = (103.939, 116.779, 123.68)
# The last map of each block of VGG16, from which a side output is computed.
SIDES = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")


class HED(nn.Module):
    """The trunk of VGG16, a side output of each of its five blocks, and their fusion.

    Attributes:
        dtype: arithmetic of the convolutions, None = that of the pictures; the result is float32 at least.
    """

    dtype: Any = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """The edges of pictures.

        Args:
            x: [B, H, W, 3] RGB in [0, 1], of any size.

        Returns:
            [B, H, W, 1] in [0, 1]: the probability of an edge at each pixel.
        """
        dtype = self.dtype or x.dtype
        maps = trunk_of_vgg16(255 * x[..., ::-1] - jnp.array(MEANS, x.dtype)[None, None, None, :], dtype)
        sides = [self._side(maps[name], number, x.shape[1:3]) for number, name in enumerate(SIDES, start=1)]
        fused = Convolution(1, size=1, dtype=jnp.float32, name="fuse")(jnp.concatenate(sides, axis=-1))
        return nn.sigmoid(at_least_float32(fused))

    def _side(self, features: jax.Array, number: int, size: tuple[int, ...]) -> jax.Array:
        """A side output, resized bilinearly to the pictures' (height, width): [B, H, W, 1]."""
        # Not in a narrower arithmetic: few channels, and its result is what the edges are made of.
        side = Convolution(1, size=1, dtype=features.dtype, name=f"side{number}")(features)
        return jax.image.resize(side, (len(side), *size, 1), "bilinear")
