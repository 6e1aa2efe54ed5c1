"""Two networks: one reads the colours of an exemplar, the other paints a label map with them."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from edgeconnect_jax.layers.convolution import Convolution, reflect_pad
from edgeconnect_jax.models.network import Network, takes


class Palette(nn.Module):
    """What an exemplar [B, H, W, 3] is like, the same at every place: [B, H, W, features]."""

    features: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, exemplar: jax.Array, *, train: bool = False) -> jax.Array:
        y = Convolution(self.features, size=3, dtype=self.dtype, name="conv")(reflect_pad(exemplar, 1), train=train)
        y = nn.relu(y).mean(axis=(1, 2), keepdims=True)
        return jnp.broadcast_to(y, (*exemplar.shape[:3], self.features))


class Painter(nn.Module):
    """Paints one-hot labels [B, H, W, classes] in a style [B, H, W, features]: [B, H, W, 3] in [0, 1]."""

    features: int
    classes: int
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, labels: jax.Array, style: jax.Array, *, train: bool = False) -> jax.Array:
        assert labels.shape[-1] == self.classes
        x = jnp.concatenate([labels, style], axis=-1)
        y = Convolution(self.features, size=3, dtype=self.dtype, name="conv_0")(reflect_pad(x, 1), train=train)
        y = Convolution(3, size=1, dtype=self.dtype, name="conv_1")(nn.relu(y), train=train)
        return nn.sigmoid(y.astype(jnp.float32))


def one_hot(label: jax.Array, classes: int) -> jax.Array:
    """int32 [B, H, W, 1] -> float32 [B, H, W, classes]."""
    return jax.nn.one_hot(label[..., 0], classes)


NETWORKS = {
    "palette": Network(Palette, takes(3), sizes=("features",), options=("dtype",)),
    "painter": Network(
        Painter,
        lambda sizes: (sizes["classes"], sizes["features"]),
        sizes=("features", "classes"),
        options=("dtype",),
    ),
}
