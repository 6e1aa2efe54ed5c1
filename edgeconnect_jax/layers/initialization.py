"""Initial weights, drawn with NumPy.

Flax's `init` draws every array with JAX's generators, which the CPU backend compiles layer by layer: tens of seconds
even for narrow networks. The weights drawn here have the same distributions, take no compilation and are identical on
all platforms.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from flax import linen as nn
from flax import traverse_util

KERNEL_DEVIATION = 0.02

Shape = tuple[int, ...]


def normal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """A kernel from N(0, KERNEL_DEVIATION^2), like the original's."""
    return KERNEL_DEVIATION * rng.standard_normal(shape)


def _zeros(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return np.zeros(shape)


def _ones(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return np.ones(shape)


def _unit(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    x = rng.standard_normal(shape)
    return x / np.linalg.norm(x)


# Keyed by the last name in a variable's path, as used in layers/convolution.py, spectral_norm.py and normalization.py.
_RULES = {"kernel": normal, "bias": _zeros, "u": _unit, "v": _unit, "scale": _ones, "mean": _zeros, "var": _ones}


def he_normal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """A kernel that preserves the variance through a ReLU (He et al. 2015, arXiv 1502.01852); [kh, kw, I, O]."""
    return np.sqrt(2 / np.prod(shape[:-1])) * rng.standard_normal(shape)


def initialize(
    module: nn.Module, rng: np.random.Generator, *inputs: jax.Array | jax.ShapeDtypeStruct, kernel: Callable = normal
) -> dict[str, Any]:
    """Returns the same structure as `module.init`, as NumPy arrays drawn from `rng`.

    Args:
        module: a module built from this package's layers.
        rng: source of the weights; arrays are drawn in the order of their paths.
        inputs: inputs of the module; only their shapes and dtypes matter.
        kernel: draws the kernels; by default from N(0, 0.02^2), like the original.
    """
    shapes = traverse_util.flatten_dict(jax.eval_shape(module.init, jax.random.PRNGKey(0), *inputs))
    rules = _RULES | {"kernel": kernel}
    drawn = {path: rules[path[-1]](rng, leaf.shape).astype(leaf.dtype) for path, leaf in sorted(shapes.items())}
    return traverse_util.unflatten_dict(drawn)
