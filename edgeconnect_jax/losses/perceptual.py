"""Content and style losses on VGG19 features (Johnson et al. 2016, arXiv 1603.08155; Gatys et al. 2016)."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

CONTENT_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STYLE_LAYERS = ("relu2_2", "relu3_4", "relu4_4", "relu5_2")

Features = Mapping[str, jax.Array]


def content(output: Features, target: Features) -> jax.Array:
    """Sum over `CONTENT_LAYERS` of the mean absolute difference of two pictures' features, [B, h, w, C] each."""
    return jnp.stack([jnp.abs(output[k] - target[k]).mean() for k in CONTENT_LAYERS]).sum()


def gram(features: jax.Array) -> jax.Array:
    """Inner products of the channels of [B, H, W, C], divided by C H W: [B, C, C]."""
    _, height, width, channels = features.shape
    products = jnp.einsum("bhwi,bhwj->bij", features, features, precision=jax.lax.Precision.HIGHEST)
    return products / (channels * height * width)


def style(output: Features, target: Features) -> jax.Array:
    """Sum over `STYLE_LAYERS` of the mean absolute difference of the Gram matrices."""
    return jnp.stack([jnp.abs(gram(output[k]) - gram(target[k])).mean() for k in STYLE_LAYERS]).sum()
