"""Learned perceptual image patch similarity, version 0.1 (Zhang et al. 2018, arXiv 1801.03924)."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from edgeconnect_jax.layers.convolution import Convolution
from edgeconnect_jax.models.vgg import VGG16

# ImageNet's mean and standard deviation as rounded by LPIPS, for pictures in [-1, 1].
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
_EPSILON = 1e-10

# Height and width below which a backbone's last map has no pixel left.
SMALLEST_SIDES = {"alex": 31, "vgg": 16}

# AlexNet's convolutions: channels, kernel, stride, padding; and the indices of those preceded by max pooling.
_ALEXNET = ((64, 11, 4, 2), (192, 5, 1, 2), (384, 3, 1, 1), (256, 3, 1, 1), (256, 3, 1, 1))
_POOLED = (1, 2)


class AlexNet(nn.Module):
    """The convolutional part of AlexNet (Krizhevsky 2014, arXiv 1404.5997)."""

    @nn.compact
    def __call__(self, x: jax.Array) -> list[jax.Array]:
        """The five maps after each ReLU of [B, H, W, 3], H and W at least 31."""
        maps = []
        for i, (width, size, stride, padding) in enumerate(_ALEXNET):
            if i in _POOLED:
                x = nn.max_pool(x, (3, 3), strides=(2, 2))
            x = nn.relu(Convolution(width, size=size, stride=stride, padding=padding, name=f"conv{i + 1}")(x))
            maps.append(x)
        return maps


def _features(backbone: str, x: jax.Array) -> list[jax.Array]:
    if backbone == "alex":
        return AlexNet(name="backbone")(x)
    maps = VGG16(name="backbone")(x)
    return [maps[name] for name in ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")]


class LPIPS(nn.Module):
    """Distance between two pictures in the feature space of a classification network.

    Attributes:
        backbone: "alex" or "vgg".
    """

    backbone: str

    @nn.compact
    def __call__(self, truth: jax.Array, output: jax.Array) -> jax.Array:
        """Distances of pairs.

        Args:
            truth: [B, H, W, 3] float32 RGB in [0, 1], sides at least `SMALLEST_SIDES`.
            output: the same shape.

        Returns:
            [B]: weighted squared differences of the features, each position's features scaled to length 1, averaged
            over positions and summed over the five maps.
        """
        x = 2 * jnp.concatenate([truth, output]) - 1
        x = (x - jnp.array(SHIFT)[None, None, None, :]) / jnp.array(SCALE)[None, None, None, :]
        distances = []
        for i, features in enumerate(_features(self.backbone, x)):
            length = jnp.sqrt(jnp.square(features).sum(axis=-1, keepdims=True))
            one, other = jnp.split(features / (length + _EPSILON), 2)
            weighted = Convolution(1, size=1, use_bias=False, name=f"linear_{i}")(jnp.square(one - other))
            distances.append(weighted.mean(axis=(1, 2, 3)))
        return jnp.stack(distances).sum(axis=0)
