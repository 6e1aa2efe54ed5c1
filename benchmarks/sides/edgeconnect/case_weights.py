"""The weights of a case's networks: reference weights at any width, in the original's layout, for both sides.

They are drawn with NumPy before either side starts, which only reads them, as a program reads a checkpoint.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.parity.edgeconnect.reference_weights import draw, entries_of
from benchmarks.sides.edgeconnect.cases import FILL, Case, config_of
from edgeconnect_jax.importers.layouts import to_state_dict, to_variables
from edgeconnect_jax.models.discriminators import PatchDiscriminator
from edgeconnect_jax.models.vgg import VGG19
from edgeconnect_jax.systems.edgeconnect.networks import CHANNELS, EdgeGenerator, InpaintGenerator
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.tasks.task import create

_GENERATORS = {"edge_generator": EdgeGenerator, "inpaint_generator": InpaintGenerator}
_SIDE = 64  # of the pictures with which shapes are found; any that all networks take

Arrays = Mapping[str, np.ndarray]


def generators(case: Case) -> dict[str, Any]:
    """The modules of both generators."""
    sizes = {"features": case.features, "residual_blocks": case.residual_blocks}
    return {name: kind(**sizes, dtype=jnp.dtype(case.dtype)) for name, kind in _GENERATORS.items()}


def drawn(case: Case) -> dict[str, np.ndarray]:
    """The state dicts of all networks of a case, as NETWORK/KEY; no device is touched."""
    arrays = {}
    for name, module in _modules(case).items():
        state = draw(name, {key: x.shape for key, x in _state_dict(name, module, case).items()})
        arrays |= {f"{name}/{key}": x for key, x in state.items()}
    return arrays


def variables_of(name: str, arrays: Arrays, case: Case) -> Any:
    """A network's variables from what `drawn` returned, on the host."""
    entries = _entries(name, case)
    return to_variables({key: arrays[f"{name}/{key}"] for key in entries}, entries)


def _modules(case: Case) -> dict[str, Any]:
    if case.task == FILL:
        return generators(case)
    task, known = create(TASKS, config_of(case)), {**generators(case), "vgg19": VGG19()}
    return {n: known.get(n) or PatchDiscriminator(case.features) for n in (*task.architecture, *task.frozen)}


def _state_dict(name: str, module: Any, case: Case) -> dict[str, np.ndarray]:
    """A state dict of the right shapes, filled with zeros."""
    picture = jax.ShapeDtypeStruct((1, _SIDE, _SIDE, CHANNELS.get(name, 3)), jnp.float32)
    shapes = jax.eval_shape(module.init, jax.ShapeDtypeStruct((2,), jnp.uint32), picture)
    state = to_state_dict(jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes), _entries(name, case))
    return state


def _entries(name: str, case: Case) -> dict:
    return entries_of(name, {"residual_blocks": case.residual_blocks})
