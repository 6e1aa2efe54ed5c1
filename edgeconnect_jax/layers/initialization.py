"""Fresh weights, drawn by NumPy.

Flax's `init` draws every array with JAX's own generators, which the CPU backend compiles layer by layer: tens of
seconds even for narrow networks. What is drawn here has the same distributions, comes at once and is the same on all
platforms.
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
    """A kernel from N(0, KERNEL_DEVIATION), as the original draws them."""
    return KERNEL_DEVIATION * rng.standard_normal(shape)


def _zeros(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return np.zeros(shape)


def _unit(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    x = rng.standard_normal(shape)
    return x / np.linalg.norm(x)


# By the last name of the path, those of layers/convolution.py and layers/spectral_norm.py.
_RULES = {"kernel": normal, "bias": _zeros, "u": _unit, "v": _unit}


def he_normal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """A kernel that keeps the variance through a ReLU (He et al. 2015, arXiv 1502.01852); [kh, kw, I, O]."""
    return np.sqrt(2 / np.prod(shape[:-1])) * rng.standard_normal(shape)


def initialize(
    module: nn.Module, rng: np.random.Generator, *inputs: jax.Array | jax.ShapeDtypeStruct, kernel: Callable = normal
) -> dict[str, Any]:
    """What `module.init` returns, with arrays drawn from `rng`, as NumPy arrays.

    Args:
        module: whose layers are those of this package.
        rng: source of the weights; arrays are drawn in the order of their paths.
        inputs: of the module, only their shapes and dtypes matter.
        kernel: draws the kernels; by default N(0, 0.02), as the original does.
    """
    shapes = traverse_util.flatten_dict(jax.eval_shape(module.init, jax.random.PRNGKey(0), *inputs))
    rules = _RULES | {"kernel": kernel}
    drawn = {path: rules[path[-1]](rng, leaf.shape).astype(leaf.dtype) for path, leaf in sorted(shapes.items())}
    return traverse_util.unflatten_dict(drawn)
