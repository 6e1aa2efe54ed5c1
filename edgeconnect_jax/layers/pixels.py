"""Conventions for arrays of pixels, and how generated pixels are merged with known ones.

On the device everything is float32 in [0, 1], batch first, channels last: image [B, H, W, 3] RGB; gray, edge and mask
[B, H, W, 1]; edge 1 = edge; mask 1 = hole. On the way to the device they are uint8 with 255 for 1; only `to_float`
converts. Ids and labels stay int32.
"""

import jax
import jax.numpy as jnp

# ITU-R BT.709, as in scikit-image's rgb2gray.
_LUMA = (0.2125, 0.7154, 0.0721)


def to_float(x: jax.Array) -> jax.Array:
    """Converts uint8 in 0..255 to float32 in [0, 1]; returns any other array unchanged."""
    return x.astype(jnp.float32) / 255 if x.dtype == jnp.uint8 else x


def gray_of(image: jax.Array) -> jax.Array:
    """The luminance [B, H, W, 1] of an RGB picture [B, H, W, 3], in the picture's range."""
    red, green, blue = (image[..., i : i + 1] * weight for i, weight in enumerate(_LUMA))
    return red + green + blue


def composite(generated: jax.Array, known: jax.Array, mask: jax.Array) -> jax.Array:
    """`generated` inside the hole, `known` outside; both [B, H, W, C], `mask` [B, H, W, 1]."""
    return generated * mask + known * (1 - mask)


def masked_picture(image: jax.Array, mask: jax.Array) -> jax.Array:
    """`image` [B, H, W, C] with the hole of `mask` [B, H, W, 1] painted white."""
    return image * (1 - mask) + mask


def concatenate(*parts: jax.Array) -> jax.Array:
    """Concatenates pictures [B, H, W, C_i] along the channels, as input of a discriminator."""
    return jnp.concatenate(parts, axis=-1)
