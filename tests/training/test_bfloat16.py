"""task.dtype = "bfloat16" changes the networks' arithmetic, and nothing that is kept or reported."""

import re

import jax
import jax.numpy as jnp
import pytest

from configs import tiny
from edgeconnect_jax.layers.algorithms import direct_only
from edgeconnect_jax.models.backbones import BACKBONES
from edgeconnect_jax.models.network import variable_shapes
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.tasks.task import create
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.step import train_step
from tests.training.runs import spec

SIDE = 32
NAMES = {"float32": "f32", "bfloat16": "bf16"}  # as a lowered program spells them


@pytest.mark.parametrize("dtype", NAMES)
def test_convolutions_are_in_the_dtype_and_all_else_in_float32(dtype):
    config = tiny.get_config()
    config.task.update(name="joint", dtype=dtype)
    config.losses.update(content=0.1, style=250.0, vgg_weights="random")
    task = create(TASKS, config)
    channels = {"image": 3, "edge": 1, "mask": 1}
    batches = {name: jnp.zeros((1, 2, SIDE, SIDE, c), jnp.uint8) for name, c in channels.items()}
    with direct_only():
        state = states.create(task, 0, spec(SIDE), frozen={"vgg19": variable_shapes(BACKBONES["vgg19"], {})})
        step = jax.jit(train_step(task, task.phases[0])).lower(state, batches)
    operands = re.findall(r"stablehlo\.convolution.*: \(tensor<\w+x(\w+)>, tensor<\w+x(\w+)>\)", step.as_text())
    # Four networks, forward and backward, each discriminator three times, and VGG19 four times.
    assert len(operands) > 150
    assert set(operands) == {(NAMES[dtype], NAMES[dtype])}
    state, sums = step.out_info
    kept = {"params": state.params, "vectors": state.collections, "optimizers": state.optimizers, "losses": sums}
    for name, tree in kept.items():
        kinds = {x.dtype.name for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.floating)}
        assert kinds == {"float32"}, name
