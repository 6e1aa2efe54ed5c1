"""Runs functions on pictures of any size, with one compiled program per padded size."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.layers.algorithms import over_examples
from edgeconnect_jax.layers.prepared import prepare
from edgeconnect_jax.models import network
from edgeconnect_jax.models.network import Network

Tree: TypeAlias = Any

_SIZES_HINT = "the sizes stored in the checkpoint are wrong, so it is corrupted: use another one, or create it again"


class Compiled:
    """Pads pictures, runs a function on them and crops the results.

        double = Compiled(lambda scale, image: scale * image, 2.0, multiple=4, smallest=16)
        double(image)

    Pictures are padded on the right and at the bottom. Sides shorter than `smallest` are padded to it by repeating the
    last line; other sides are padded to the next multiple of `multiple` by reflection without the last line.
    """

    def __init__(
        self, function: Callable[..., Tree], variables: Tree, *, multiple: int, smallest: int, cache_size: int = 16
    ):
        """Stores the function; compilation happens on the first call.

        Args:
            function: (variables, *arrays [B, H, W, C_i]) -> any structure of arrays [B, H, W, C] and None. It must
                treat every example independently.
            variables: first argument of the function.
            multiple: H and W are padded to multiples of this.
            smallest: minimum of the padded H and W; at least `multiple`, so that there are enough lines to reflect.
            cache_size: number of most recently used programs to keep.

        Raises:
            ValueError: `smallest` is not a multiple of `multiple`, or `cache_size` is less than 1.
        """
        if smallest < multiple or smallest % multiple:
            raise ValueError(f"smallest={smallest} must be a multiple of {multiple}")
        if cache_size < 1:
            raise ValueError(f"cache_size must be at least 1, not {cache_size}")
        self._function = function
        self._variables = variables
        self._multiple = multiple
        self._smallest = smallest
        self._program = functools.lru_cache(maxsize=cache_size)(self._compile)

    def __call__(self, *arrays: np.ndarray) -> Tree:
        """Runs the function.

        Args:
            arrays: [B, H, W, C_i], or all of them [H, W, C_i]; every array has the same B, H and W.

        Returns:
            The function's results as NumPy arrays, [B, H, W, C] or [H, W, C].
        """
        if arrays[0].ndim == 3:
            return jax.tree.map(lambda y: y[0], self(*(x[None] for x in arrays)))
        height, width = arrays[0].shape[1:3]
        if any(x.ndim != 4 or x.shape[:3] != arrays[0].shape[:3] for x in arrays):
            raise ValueError(f"arrays must share B, H and W, not {[x.shape for x in arrays]}")
        padded = [self._pad(x) for x in arrays]
        outputs = self._program(*(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in padded))(self._variables, *padded)
        return jax.tree.map(lambda y: np.asarray(y)[:, :height, :width], outputs)

    def warm_up(self, *arrays: jax.ShapeDtypeStruct) -> None:
        """Compiles the program for arrays [B, H, W, C_i] of these shapes and dtypes in advance."""
        self._program(*(jax.ShapeDtypeStruct(self._padded_shape(x.shape), x.dtype) for x in arrays))

    def _padded_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        batch, *sides, channels = shape
        return batch, *(-(-max(side, self._smallest) // self._multiple) * self._multiple for side in sides), channels

    def _pad(self, array: np.ndarray) -> np.ndarray:
        shape = self._padded_shape(array.shape)
        for axis in (1, 2):
            side = array.shape[axis]
            widths = [(0, shape[i] - array.shape[i] if i == axis else 0) for i in range(array.ndim)]
            array = np.pad(array, widths, mode="edge" if side < self._smallest else "reflect")
        return array

    def _compile(self, *shapes: jax.ShapeDtypeStruct) -> Callable[..., Tree]:
        def forward(variables: Tree, *given: jax.Array) -> Tree:
            return over_examples(functools.partial(self._function, variables))(*given)

        # By default GPUs and TPUs multiply float32 at a lower precision, which does not reproduce published results.
        with jax.default_matmul_precision("highest"):
            return jax.jit(forward).lower(self._variables, *shapes).compile()


def build(
    weights: checkpoints.Weights, networks: Mapping[str, Network], *, dtype: str
) -> tuple[dict[str, Any], dict[str, Tree]]:
    """Builds networks from a checkpoint and prepares them for repeated inference.

    Args:
        weights: weights and sizes of all the networks.
        networks: name -> network, each with the option "dtype".
        dtype: dtype of the convolutions' arithmetic, "float32" or "bfloat16".

    Returns:
        name -> module; and name -> prepared variables on the device (see `layers.prepared`).

    Raises:
        ValueError: the arrays of a network do not match its sizes; lists all of them.
    """
    modules, variables = {}, {}
    for name, row in networks.items():
        sizes = weights.meta[name]
        called = f"{name} in {weights.origins.get(name, 'memory')}"
        expected = network.variable_shapes(row, sizes)
        checkpoints.check_shapes(called, weights.networks[name], expected, _SIZES_HINT)
        modules[name] = row.module(**sizes, dtype=jnp.dtype(dtype))
        variables[name] = _prepare(modules[name], weights.networks[name], network.example_inputs(row, sizes))
    return modules, variables


def _prepare(module: nn.Module, variables: Tree, inputs: list[jax.ShapeDtypeStruct]) -> Tree:
    zeros = [jnp.zeros(x.shape, x.dtype) for x in inputs]
    return jax.jit(lambda variables: prepare(module, variables, *zeros))(variables)
