"""InceptionV3 up to its pooled features (Szegedy et al. 2016, arXiv 1512.00567), for metrics.

Two variants exist: the network of 2015-12-05 that defines the Frechet inception distance, ported from TensorFlow, and
torchvision's. They differ in their weights, in the divisor of average pooling at the border, and in one pooling of the
last block. Layers have torchvision's names.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from edgeconnect_jax.layers.algorithms import convolve
from edgeconnect_jax.layers.normalization import stored_norm

SIDE = 299  # of the pictures in training
SMALLEST_SIDE = 75  # smaller pictures leave no pixel in the last map
FEATURES = 2048


class Unit(NamedTuple):
    """A convolution with its norm: name, channels, kernel's height and width, stride, whether the border is padded."""

    name: str
    width: int
    size: tuple[int, int] = (1, 1)
    stride: int = 1
    padded: bool = True


class Fork(NamedTuple):
    """Two units with the same input; their outputs are concatenated."""

    one: Unit
    other: Unit


_SUBSAMPLE, _AVERAGE, _LAST = "subsample", "average", "last"  # poolings
Step = Unit | Fork | str
Branches = tuple[tuple[Step, ...], ...]

_THREE, _FIVE, _ACROSS, _DOWN = (3, 3), (5, 5), (1, 7), (7, 1)


def _halving(name: str, width: int) -> Unit:
    return Unit(name, width, _THREE, stride=2, padded=False)


def _a(pooled: int) -> Branches:
    return (
        (Unit("branch1x1", 64),),
        (Unit("branch5x5_1", 48), Unit("branch5x5_2", 64, _FIVE)),
        (Unit("branch3x3dbl_1", 64), Unit("branch3x3dbl_2", 96, _THREE), Unit("branch3x3dbl_3", 96, _THREE)),
        (_AVERAGE, Unit("branch_pool", pooled)),
    )


def _b() -> Branches:
    return (
        (_halving("branch3x3", 384),),
        (Unit("branch3x3dbl_1", 64), Unit("branch3x3dbl_2", 96, _THREE), _halving("branch3x3dbl_3", 96)),
        (_SUBSAMPLE,),
    )


def _c(width: int) -> Branches:
    return (
        (Unit("branch1x1", 192),),
        (Unit("branch7x7_1", width), Unit("branch7x7_2", width, _ACROSS), Unit("branch7x7_3", 192, _DOWN)),
        (
            Unit("branch7x7dbl_1", width),
            *(Unit("branch7x7dbl_2", width, _DOWN), Unit("branch7x7dbl_3", width, _ACROSS)),
            *(Unit("branch7x7dbl_4", width, _DOWN), Unit("branch7x7dbl_5", 192, _ACROSS)),
        ),
        (_AVERAGE, Unit("branch_pool", 192)),
    )


def _d() -> Branches:
    return (
        (Unit("branch3x3_1", 192), _halving("branch3x3_2", 320)),
        (
            *(Unit("branch7x7x3_1", 192), Unit("branch7x7x3_2", 192, _ACROSS)),
            *(Unit("branch7x7x3_3", 192, _DOWN), _halving("branch7x7x3_4", 192)),
        ),
        (_SUBSAMPLE,),
    )


def _e(pooling: str) -> Branches:
    def fork(name: str) -> Fork:
        return Fork(Unit(f"{name}a", 384, (1, 3)), Unit(f"{name}b", 384, (3, 1)))

    return (
        (Unit("branch1x1", 320),),
        (Unit("branch3x3_1", 384), fork("branch3x3_2")),
        (Unit("branch3x3dbl_1", 448), Unit("branch3x3dbl_2", 384, _THREE), fork("branch3x3dbl_3")),
        (pooling, Unit("branch_pool", 192)),
    )


_STEM: tuple[Step, ...] = (
    _halving("Conv2d_1a_3x3", 32),
    Unit("Conv2d_2a_3x3", 32, _THREE, padded=False),
    Unit("Conv2d_2b_3x3", 64, _THREE),
    _SUBSAMPLE,
    Unit("Conv2d_3b_1x1", 80),
    Unit("Conv2d_4a_3x3", 192, _THREE, padded=False),
    _SUBSAMPLE,
)
_BLOCKS: dict[str, Branches] = {
    **{"Mixed_5b": _a(32), "Mixed_5c": _a(64), "Mixed_5d": _a(64)},
    "Mixed_6a": _b(),
    **{"Mixed_6b": _c(128), "Mixed_6c": _c(160), "Mixed_6d": _c(160), "Mixed_6e": _c(192)},
    "Mixed_7a": _d(),
    **{"Mixed_7b": _e(_AVERAGE), "Mixed_7c": _e(_LAST)},
}


def unit_paths() -> list[tuple[str, ...]]:
    """The path of every unit, with the name of its block if it has one, in torchvision's order."""

    def names(steps: tuple[Step, ...]) -> list[str]:
        units = [(step,) if isinstance(step, Unit) else step for step in steps if not isinstance(step, str)]
        return [unit.name for group in units for unit in group]

    blocks = [(block, name) for block, branches in _BLOCKS.items() for branch in branches for name in names(branch)]
    return [(name,) for name in names(_STEM)] + blocks


class NormalizedConvolution(nn.Module):
    """Convolution without bias, batch normalisation by stored statistics, ReLU."""

    unit: Unit

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """[B, H, W, I] -> [B, H', W', unit.width]."""
        (height, width), channels = self.unit.size, self.unit.width
        kernel = self.param("kernel", nn.initializers.he_normal(), (height, width, x.shape[-1], channels))
        gain, shift = stored_norm(self, channels)
        padding = (height // 2, width // 2) if self.unit.padded else (0, 0)
        x = convolve(x, kernel * gain[None, None, None, :], stride=self.unit.stride, padding=padding)
        return nn.relu(x + shift[None, None, None, :])


class _Steps(nn.Module):
    """Base of the network and its blocks."""

    def _run(self, x: jax.Array, steps: tuple[Step, ...], tensorflow: bool) -> jax.Array:
        for step in steps:
            if isinstance(step, Unit):
                x = NormalizedConvolution(step, name=step.name)(x)
            elif isinstance(step, Fork):
                x = jnp.concatenate([NormalizedConvolution(unit, name=unit.name)(x) for unit in step], axis=-1)
            else:
                x = _pool(x, step, tensorflow)
        return x


def _pool(x: jax.Array, kind: str, tensorflow: bool) -> jax.Array:
    if kind == _SUBSAMPLE:
        return nn.max_pool(x, (3, 3), strides=(2, 2))
    if kind == _LAST and tensorflow:
        return nn.max_pool(x, (3, 3), padding="SAME")
    return nn.avg_pool(x, (3, 3), padding="SAME", count_include_pad=not tensorflow)


class _Block(_Steps):
    """Branches with the same input; their outputs are concatenated."""

    branches: Branches
    tensorflow: bool

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return jnp.concatenate([self._run(x, branch, self.tensorflow) for branch in self.branches], axis=-1)


class Inception(_Steps):
    """InceptionV3 up to the mean over all positions.

    Attributes:
        tensorflow: True = the network of 2015-12-05, whose average pooling divides by the number of pixels inside the
            picture and whose last block uses max pooling. False = torchvision's.
    """

    tensorflow: bool = True

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Features of pictures.

        Args:
            x: [B, H, W, 3] float32 RGB, H and W at least 75 (metrics give 299), scaled to about [-1, 1]. The exact
                scaling is part of a metric's definition (metrics/networks.py), so none is applied here.

        Returns:
            [B, 2048].
        """
        x = self._run(x, _STEM, self.tensorflow)
        for name, branches in _BLOCKS.items():
            x = _Block(branches, self.tensorflow, name=name)(x)
        return x.mean(axis=(1, 2))
