"""Everything that training needs to go on as if it had never stopped."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct, traverse_util

from edgeconnect_jax.layers.spectral_norm import iterate_tree
from edgeconnect_jax.tasks.task import Phase, Task, Variables

Tree = Any


class TrainState(struct.PyTreeNode):
    """The state of one stage.

    Attributes:
        step: steps taken, int32 [].
        key: the random key that every draw inside a step comes from, uint32 [2].
        params: network -> parameters.
        collections: network -> mutable collections.
        optimizers: player -> optimiser state.
        rate_scale: what a plateau has done to the learning rates so far, float32 [].
        average: {"params": ..., "collections": ...} of the averaged players, or empty.
        carry: as `Variables.carry`, with a leading axis over the devices.
        frozen: as `Variables.frozen`; not saved.
    """

    step: jax.Array
    key: jax.Array
    params: Tree
    collections: Tree
    optimizers: Tree
    rate_scale: jax.Array
    average: Tree
    carry: Tree
    frozen: Tree


# Which fields lie on every device as they are, and which are split over the devices.
SHARDED_FIELDS = ("carry",)


def phase_at(task: Task, step: int) -> Phase:
    """The phase that the step after `step` steps belongs to."""
    return next(phase for phase in task.phases if phase.until is None or step < phase.until)


def partition(params: Tree, player: str, phase: Phase) -> tuple[Tree, Tree]:
    """Splits a player's parameters into those that `phase` trains and those that it does not."""
    if phase.trainable is None:
        return params, {}
    flat = traverse_util.flatten_dict(params)
    trained = {path: leaf for path, leaf in flat.items() if phase.trainable(player, path)}
    fixed = {path: leaf for path, leaf in flat.items() if path not in trained}
    return traverse_util.unflatten_dict(trained), traverse_util.unflatten_dict(fixed)


def merge(trained: Tree, fixed: Tree) -> Tree:
    """Puts the two parts that `partition` made together again."""
    if not fixed:
        return trained
    return traverse_util.unflatten_dict(traverse_util.flatten_dict(trained) | traverse_util.flatten_dict(fixed))


def new_optimizers(task: Task, phase: Phase, params: Tree) -> Tree:
    """Fresh optimiser states of all players, for what `phase` trains."""
    return {
        name: player.optimizer.init(partition(params[name], name, phase)[0]) for name, player in task.players.items()
    }


def create(
    task: Task,
    seed: int,
    size: tuple[int, int],
    *,
    devices: int = 1,
    frozen: Tree = None,
    average: bool = False,
) -> TrainState:
    """A fresh state.

    Args:
        task: what to train.
        seed: of the weights and of every draw inside a step.
        size: (height, width) of the pictures.
        devices: how many devices share a step, all processes together.
        frozen: `Variables.frozen`.
        average: whether moving averages are kept.
    """
    init_key, step_key = jax.random.split(jax.random.PRNGKey(seed))
    variables = task.init(init_key, size)
    phase = phase_at(task, 0)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        key=step_key,
        params=variables.params,
        collections=variables.collections,
        optimizers=new_optimizers(task, phase, variables.params),
        rate_scale=jnp.ones(()),
        average=start_average(task, variables) if average else {},
        carry=jax.tree.map(lambda x: jnp.stack([x] * devices), variables.carry),
        frozen=frozen or {},
    )


def start_average(task: Task, variables: Variables) -> Tree:
    """The averages of the players that have one, equal to the players themselves."""
    names = [name for name, player in task.players.items() if player.averaged]
    copied = jax.tree.map(
        jnp.copy,
        {
            "params": {name: variables.params[name] for name in names},
            "collections": {name: variables.collections[name] for name in names},
        },
    )
    return copied


def update_average(average: Tree, params: Tree, decay: float) -> Tree:
    """Moves the averages towards `params`; their own spectral-norm vectors follow by one power iteration each."""
    moved = {
        name: jax.tree.map(lambda a, p: a + (1 - decay) * (p - a), old, params[name])
        for name, old in average["params"].items()
    }
    collections = {
        name: {kind: iterate_tree(moved[name], vectors) for kind, vectors in kinds.items()}
        for name, kinds in average["collections"].items()
    }
    return {"params": moved, "collections": collections}


def evaluation_variables(state: TrainState) -> Variables:
    """What is evaluated and shown: the averages where there are any, else the newest weights."""
    average = state.average or {"params": {}, "collections": {}}
    return Variables(
        state.params | average["params"], state.collections | average["collections"], state.frozen, carry={}
    )
