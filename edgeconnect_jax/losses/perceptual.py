"""Content and style losses on a network's features (Johnson et al. 2016, arXiv 1603.08155; Gatys et al. 2016)."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp

Features = Mapping[str, jax.Array]


class Layers(NamedTuple):
    """The maps of a network that are compared, from the first to the last, and the weight of each.

    Attributes:
        content: of `content`.
        style: of `style`.
    """

    content: Mapping[str, float]
    style: Mapping[str, float]


VGG19 = Layers(
    dict.fromkeys(("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), 1.0),
    dict.fromkeys(("relu2_2", "relu3_4", "relu4_4", "relu5_2"), 1.0),
)
# Each map's share of a loss starts equal. With the usual weights of 0.1 for content and 250 for style, each loss starts
# as large as the mean absolute error divided by the share that is hole (0.2): measured on 48 photographs at 128 x 128,
# with blocks of a quarter filled with the mean of the known pixels. How large VGG19's start there was not measured,
# for its trained weights were not at hand.
EFFICIENTNET_LITE0 = Layers(
    {"block0": 0.29, "block2": 0.16, "block4": 0.14, "block10": 0.12, "block15": 0.19},
    {"block0": 1.1e-3, "block2": 7.0e-4, "block4": 9.6e-4, "block10": 2.7e-3},
)
LAYERS = {"vgg19": VGG19, "efficientnet_lite0": EFFICIENTNET_LITE0}


def content(output: Features, target: Features, weights: Mapping[str, float] = VGG19.content) -> jax.Array:
    """Weighted sum of the mean absolute differences of two pictures' features, [B, h, w, C] each.

    Args:
        output: features of the one by layer.
        target: features of the other.
        weights: layer -> its weight.
    """
    return jnp.stack([weight * jnp.abs(output[k] - target[k]).mean() for k, weight in weights.items()]).sum()


def gram(features: jax.Array) -> jax.Array:
    """Inner products of the channels of [B, H, W, C], divided by C H W: [B, C, C]."""
    _, height, width, channels = features.shape
    products = jnp.einsum("bhwi,bhwj->bij", features, features, precision=jax.lax.Precision.HIGHEST)
    return products / (channels * height * width)


def style(output: Features, target: Features, weights: Mapping[str, float] = VGG19.style) -> jax.Array:
    """Weighted sum of the mean absolute differences of the Gram matrices; arguments as for `content`."""
    differences = {k: jnp.abs(gram(output[k]) - gram(target[k])).mean() for k in weights}
    return jnp.stack([weight * differences[k] for k, weight in weights.items()]).sum()
