"""Painting one label map in memory."""

from typing import Any

import jax
import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.images import arrays
from edgeconnect_jax.inference import compiled

from .networks import NETWORKS, one_hot


class Mosaicist:
    """Paints label maps of any size in the colours of an exemplar of that size."""

    def __init__(self, weights: checkpoints.Weights, dtype: str = "float32"):
        self._modules, variables = compiled.build(weights, NETWORKS, dtype=dtype)
        self.classes = weights.meta["painter"]["classes"]
        self._run = compiled.Compiled(self._forward, variables, multiple=4, smallest=8)

    def __call__(self, labels: np.ndarray, exemplar: np.ndarray) -> np.ndarray:
        """int32 [H, W, 1], uint8 [H, W, 3] -> uint8 [H, W, 3]."""
        return arrays.quantize(self._run(labels, arrays.to_unit(exemplar)), np.dtype(np.uint8), truncate=False)

    def warm_up(self, height: int, width: int) -> None:
        shapes = ((1, height, width, 1), np.int32), ((1, height, width, 3), np.float32)
        self._run.warm_up(*(jax.ShapeDtypeStruct(*shape) for shape in shapes))

    def _forward(self, variables: dict[str, Any], labels: jax.Array, exemplar: jax.Array) -> jax.Array:
        style = self._modules["palette"].apply(variables["palette"], exemplar)
        return self._modules["painter"].apply(variables["painter"], one_hot(labels, self.classes), style)
