"""The step with the stages of EdgeConnect: what it keeps, for other platforms, without waste."""

import re

import jax
import numpy as np
import pytest

from configs import tiny
from edgeconnect_jax.layers.algorithms import direct_only
from edgeconnect_jax.models.backbones import BACKBONES
from edgeconnect_jax.models.network import random_variables
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.tasks.task import create
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.step import VALID, evaluation_step, train_step
from tests.training.runs import spec

STAGES = tuple(TASKS)
SIDE = 32


def make(stage, **options):
    config = tiny.get_config()
    config.task.name = stage
    for option, value in options.items():
        group, name = option.split("__")
        config[group][name] = value
    return create(TASKS, config)


def run_on(count, task, batches, *, steps=1, ema_decay=0.0, average=False):
    """The state after `steps` steps on `count` devices, and the last sums."""
    used = parallel.devices(range(count))
    state = states.create(task, 0, spec(SIDE), devices=count, average=average)
    state = parallel.place(state, states.SHARDED_FIELDS, used)
    step = train_step(task, task.phases[0], ema_decay=ema_decay, axis=parallel.AXIS)
    mapped = parallel.mapped_step(step, states.TrainState, states.SHARDED_FIELDS, used)
    for _ in range(steps):
        state, sums = mapped(state, parallel.place_batch(batches, used, axis=1))
    return state, sums


def test_devices_have_pools_of_their_own(batches):
    state, _ = run_on(2, make("edge", losses__pool_size=2), batches)
    pictures = np.asarray(state.carry["edge_discriminator"].pictures)
    assert pictures.shape == (2, 2, SIDE, SIDE, 2)
    assert np.abs(pictures[0] - pictures[1]).max() > 0.01


def test_a_pool_changes_what_the_discriminator_learns(batches):
    """With a history, older fakes reach the discriminator, so that its parameters move elsewhere."""
    plain, _ = run_on(1, make("edge"), batches, steps=3)
    pooled, _ = run_on(1, make("edge", losses__pool_size=1), batches, steps=3)
    name = "edge_discriminator"
    differences = jax.tree.map(lambda a, b: np.abs(a - b).max(), plain.params[name], pooled.params[name])
    assert max(jax.tree.leaves(differences)) > 0


def test_the_state_is_donated(batches):
    task = make("edge")
    used = parallel.devices([0])
    state = parallel.place(states.create(task, 0, spec(SIDE)), states.SHARDED_FIELDS, used)
    step = train_step(task, task.phases[0], axis=parallel.AXIS)
    mapped = parallel.mapped_step(step, states.TrainState, states.SHARDED_FIELDS, used)
    kernel = state.params["edge_generator"]["body"]["encoder_0"]["kernel"]
    mapped(state, parallel.place_batch(batches, used, axis=1))
    assert kernel.is_deleted()


def test_averages_follow_with_singular_vectors_of_their_own(batches):
    task = make("edge")
    start = states.create(task, 0, spec(SIDE))
    state, _ = run_on(1, task, batches, ema_decay=0.9, average=True)
    assert set(state.average["params"]) == {"edge_generator"}
    new, old = state.params["edge_generator"], start.params["edge_generator"]
    for average, a, b in zip(*map(jax.tree.leaves, (state.average["params"]["edge_generator"], old, new)), strict=True):
        np.testing.assert_allclose(average, 0.9 * a + 0.1 * np.asarray(b), rtol=1e-4, atol=1e-8)
    shown = states.evaluation_variables(state)
    vectors = shown.collections["edge_generator"]["spectral"]["body"]["encoder_0"]["norm"]["u"]
    assert np.abs(vectors - state.collections["edge_generator"]["spectral"]["body"]["encoder_0"]["norm"]["u"]).max() > 0


@pytest.mark.parametrize("stage", STAGES)
def test_the_step_lowers_for_accelerators(stage, batches, monkeypatch):
    task = make(stage, losses__content=0.1, losses__style=250.0, losses__vgg_weights="random")
    frozen = {name: random_variables(BACKBONES[name]) for name in task.frozen}
    state = states.create(task, 0, spec(SIDE), frozen=frozen)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")  # else it would be the program for CPUs
    step = jax.jit(train_step(task, task.phases[0]))
    exported = jax.export.export(step, platforms=("tpu", "cuda"))(*jax.tree.map(_shape, (state, batches)))
    assert exported.platforms == ("tpu", "cuda")
    assert "stablehlo.while" not in exported.mlir_module()


def _shape(x):
    return jax.ShapeDtypeStruct(np.shape(x), np.asarray(x).dtype)


def test_no_convolution_is_computed_for_nothing(batches):
    """Counts the convolutions of stage 1: a gradient that no optimiser uses would be one more."""
    task = make("edge")
    with direct_only():
        lowered = jax.jit(train_step(task, task.phases[0])).lower(states.create(task, 0, spec(SIDE)), batches)
    count = len(re.findall(r"stablehlo\.convolution", lowered.as_text()))
    # 3 to go down, 2 in the residual block, 2 to go up, 1 at the end; the first needs no gradient of its input.
    layers = 3 + 2 + 2 + 1
    generator = layers + layers + (layers - 1)
    # Real and fake: gradients of the 5 kernels and of all inputs but the first. Fake again: of the inputs alone.
    discriminator = 2 * (5 + 5 + 4) + (5 + 5)
    assert count == generator + discriminator


def test_validation_leaves_padding_out(batch):
    task = make("edge_inpaint")
    state = states.create(task, 0, spec(SIDE))
    step = jax.jit(evaluation_step(task))
    whole = step(state, {**batch, VALID: np.array([1, 1, 1, 0], np.uint8)})
    alone = step(state, jax.tree.map(lambda x: x[:3], batch))
    assert whole["psnr_hole"][1] == 3
    for name, sums in alone.items():
        np.testing.assert_allclose(whole[name], sums, rtol=1e-4)
