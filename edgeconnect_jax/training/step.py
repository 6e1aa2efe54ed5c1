"""The training step and the validation step of every task."""

import functools
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from edgeconnect_jax.layers.pixels import to_float
from edgeconnect_jax.tasks.task import Aux, Batch, Context, Phase, Sums, Task, Update, Variables
from edgeconnect_jax.training.state import TrainState, evaluation_variables, merge, partition, update_average

# The field of a validation batch that marks examples that count.
VALID = "valid"

Step = Callable[[TrainState, Any], tuple[TrainState, Sums]]


def train_step(task: Task, phase: Phase, *, ema_decay: float = 0.0, axis: str | None = None) -> Step:
    """The step of one phase: (state, batches) -> (state, sums), pure, ready for jit or pmap.

    `batches` has a leading axis over the batches that one step consumes (`batches_per_step`); uint8 arrays are
    converted to float32 in [0, 1], int32 arrays are unchanged. All gradients of an update are taken at the parameters
    of its forward passes. The state's `carry` is that of one device: the mapping removes the axis over devices.

    Args:
        task: the task to train.
        phase: one of its phases.
        ema_decay: decay of the moving average in `state.average`; 0 when there is none.
        axis: name of the mapped axis over devices; None on one device.
    """
    mean = (lambda tree: jax.lax.pmean(tree, axis)) if axis else (lambda tree: tree)
    total = (lambda tree: jax.lax.psum(tree, axis)) if axis else (lambda tree: tree)
    device = (lambda: jax.lax.axis_index(axis)) if axis else (lambda: 0)

    def step(state: TrainState, batches: Any) -> tuple[TrainState, Sums]:
        batches = jax.tree.map(to_float, batches)
        sums, taken = {}, 0  # batches taken so far
        for number, update in enumerate(phase.updates):
            for repeat in range(update.repeats):
                taken += update.fresh_batch or taken == 0
                batch = jax.tree.map(operator.itemgetter(taken - 1), batches)
                key = functools.reduce(jax.random.fold_in, (state.step, number, repeat), state.key)
                context = Context(state.step, _example_keys(key, batch, device()), mean)
                state, more = _apply(task, phase, update, state, batch, context, mean)
                sums = _add(sums, more)
        if ema_decay:
            state = state.replace(average=update_average(state.average, state.params, state.collections, ema_decay))
        return state.replace(step=state.step + 1), total(sums)

    return step


def _example_keys(key: jax.Array, batch: Batch, device: jax.Array | int) -> jax.Array:
    """A key for each example [B, 2], from its index in the global batch."""
    size = len(jax.tree.leaves(batch)[0])
    return jax.vmap(lambda i: jax.random.fold_in(key, i))(device * size + jnp.arange(size))


def _add(sums: Sums, more: Sums) -> Sums:
    """Merges two sets of sums, adding those that occur in both."""
    both = {name: jax.tree.map(jnp.add, sums[name], more[name]) for name in sums.keys() & more.keys()}
    return sums | more | both


def _apply(
    task: Task,
    phase: Phase,
    update: Update,
    state: TrainState,
    batch: Batch,
    context: Context,
    mean: Callable,
) -> tuple[TrainState, Sums]:
    """Applies one update: averages the gradient of its loss over devices and runs each player's optimizer."""
    parts = {name: partition(state.params[name], name, phase) for name in update.players}
    trained = {name: part[0] for name, part in parts.items()}

    def objective(trained: Any) -> tuple[jax.Array, Aux]:
        merged = {name: merge(trained[name], parts[name][1]) for name in trained}
        variables = Variables(state.params | merged, state.collections, state.frozen, state.carry)
        return update.loss(variables, batch, context)

    gradients, aux = jax.grad(objective, has_aux=True)(trained)
    gradients, collections = mean(gradients), mean(aux.collections)
    params, optimizers = dict(state.params), dict(state.optimizers)
    for name in update.players:
        stepped, optimizers[name] = _descend(task, name, state, gradients[name], trained[name])
        params[name] = merge(stepped, parts[name][1])
    new = state.replace(params=params, optimizers=optimizers, collections=collections, carry=aux.carry)
    return new, aux.sums


def _descend(task: Task, name: str, state: TrainState, gradients: Any, params: Any) -> tuple[Any, Any]:
    """The parameters and optimizer state of a player after one optimizer step."""
    player = task.players[name]
    directions, optimizer = player.optimizer.update(gradients, state.optimizers[name], params)
    rate = player.learning_rate(state.step) * state.rate_scale
    return jax.tree.map(lambda p, d: p - rate * d, params, directions), optimizer


def evaluation_step(task: Task, *, axis: str | None = None) -> Callable[[TrainState, Batch], Sums]:
    """The validation step: (state, batch) -> sums over all devices. The batch may hold `valid` [B], 0 = padding."""

    def step(state: TrainState, batch: Batch) -> Sums:
        batch = dict(batch)
        size = len(jax.tree.leaves(batch)[0])
        weight = batch.pop(VALID, jnp.ones(size)).astype(jnp.float32)
        batch = jax.tree.map(to_float, batch)
        pictures = task.predict(evaluation_variables(state), batch)
        sums = task.metrics(pictures, batch, weight)
        return jax.lax.psum(sums, axis) if axis else sums

    return step
