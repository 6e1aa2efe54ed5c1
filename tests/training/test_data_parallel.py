"""The same global batch on one and on eight devices: the same gradients, the same parameters, the same replicas."""

import jax
import numpy as np
import pytest

from configs import tiny
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.tasks.task import create
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.step import train_step
from tests.synthetic import picture
from tests.training.runs import spec

SIDE, BATCH = 32, 8


@pytest.fixture(scope="module")
def batches():
    """Eight pictures, one for each of eight devices, floats in [0, 1]; holes of a tenth to nearly all of it."""
    images = np.stack([picture(seed, SIDE, SIDE)[0] for seed in range(BATCH)])
    masks = np.zeros((BATCH, SIDE, SIDE, 1))
    for number, mask in enumerate(masks):
        mask[: 4 * (number + 1), 3:] = 1
    edges = np.abs(np.diff(images.mean(axis=-1), axis=2, append=0)) > 10
    arrays = {"image": images / 255, "edge": edges[..., None], "mask": masks}
    return {name: array[None].astype(np.float64) for name, array in arrays.items()}


def run_on(count, stage, batches, dtype, steps):
    """The state after `steps` steps on `count` devices, in `dtype`, and the sums of the last."""
    config = tiny.get_config()
    config.task.update(name=stage, dtype=dtype)
    task, used = create(TASKS, config), parallel.devices(range(count))
    state = states.create(task, 0, spec(SIDE), devices=count)
    state = jax.tree.map(lambda x: np.asarray(x, dtype if np.issubdtype(x.dtype, np.floating) else None), state)
    state = parallel.place(state, states.SHARDED_FIELDS, used)
    step = train_step(task, task.phases[0], axis=parallel.AXIS)
    mapped = parallel.mapped_step(step, states.TrainState, states.SHARDED_FIELDS, used)
    placed = parallel.place_batch({name: x.astype(dtype) for name, x in batches.items()}, used, axis=1)
    for _ in range(steps):
        state, sums = mapped(state, placed)
    return state, sums


def flat(tree):
    return {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def assert_replicas_are_equal(state):
    for path, array in flat(state).items():
        first, *others = (np.asarray(shard.data) for shard in array.addressable_shards)
        assert len(others) == 7
        for other in others:
            np.testing.assert_array_equal(first, other, err_msg=path)


@pytest.mark.parametrize("stage", TASKS)
def test_gradients_and_losses_of_the_first_step(stage, batches):
    (alone, alone_sums), (shared, shared_sums) = (run_on(count, stage, batches, "float32", 1) for count in (1, 8))
    # With beta1 = 0 Adam's first moment is the gradient.
    a, b = (flat({name: player.mu for name, player in state.optimizers.items()}) for state in (alone, shared))
    kernels = [path for path, gradient in a.items() if gradient.ndim == 4]
    assert len(kernels) > 12
    for path in kernels:
        error = np.linalg.norm(np.subtract(a[path], b[path])) / np.linalg.norm(a[path])
        assert error < 1e-5, path
    for name, (total, count) in alone_sums.items():
        value = float(shared_sums[name][0] / shared_sums[name][1])
        assert value == pytest.approx(float(total / count), rel=1e-4), name
    assert_replicas_are_equal(shared)


@pytest.mark.parametrize("stage", TASKS)
def test_parameters_after_five_steps(stage, batches):
    with jax.enable_x64(True):
        (alone, _), (shared, _) = (run_on(count, stage, batches, "float64", 5) for count in (1, 8))
        a, b = flat((alone.params, alone.collections)), flat((shared.params, shared.collections))
        assert {array.dtype for array in a.values()} == {np.dtype("float64")}
        for path, array in a.items():
            np.testing.assert_allclose(b[path], array, rtol=0, atol=1e-8, err_msg=path)
        assert_replicas_are_equal(shared)
