"""Narrow networks with random weights, and checkpoints of them, for the tests of inference."""

import pathlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.importers.layouts import to_variables
from edgeconnect_jax.systems.edgeconnect.networks import EdgeGenerator, InpaintGenerator
from tests.importers.keras import hed_state
from tests.importers.originals import entries_of

SIZES: dict[str, Any] = {"features": 4, "residual_blocks": 1}
_NETWORKS = {"edge_generator": (EdgeGenerator(**SIZES), 3), "inpaint_generator": (InpaintGenerator(**SIZES), 4)}


def weights() -> checkpoints.Weights:
    """Both generators, with weights so large that outputs differ visibly from pixel to pixel."""
    rng = np.random.default_rng(0)

    def draw(leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        fan_in = np.prod(leaf.shape[:-1]) if leaf.ndim > 1 else leaf.size
        return (rng.standard_normal(leaf.shape) / np.sqrt(fan_in)).astype(np.float32)

    networks = {}
    for name, (module, channels) in _NETWORKS.items():
        example = jnp.zeros((1, 16, 16, channels))
        networks[name] = jax.tree.map(draw, jax.eval_shape(module.init, jax.random.PRNGKey(0), example))
    return checkpoints.Weights(networks, dict.fromkeys(networks, SIZES))


def write_hed(folder: pathlib.Path, seed: int = 0) -> pathlib.Path:
    """Writes HED with random weights as conversion does, to a new checkpoint in `folder`, and returns the folder."""
    variables = to_variables(hed_state(seed), entries_of("hed", {}))
    about = {"hed": {"sha256": checkpoints.fingerprint(variables)}}
    checkpoints.save_weights(folder, {"hed": variables}, {"hed": {}}, published=about)
    return folder


def write_checkpoint(folder: pathlib.Path, names: tuple[str, ...] = tuple(_NETWORKS)) -> pathlib.Path:
    """Writes the networks called `names` to a new checkpoint in `folder`, and returns the folder."""
    chosen = weights()
    checkpoints.save_weights(folder, {n: chosen.networks[n] for n in names}, dict.fromkeys(names, SIZES))
    return folder
