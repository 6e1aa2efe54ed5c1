"""The training state: everything needed to resume as if training had never stopped."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct, traverse_util

from edgeconnect_jax.layers import spectral_norm
from edgeconnect_jax.tasks.task import Phase, Spec, Task, Variables

Tree = Any


class TrainState(struct.PyTreeNode):
    """The state of one stage.

    Attributes:
        step: steps taken, int32 [].
        key: the random key for all draws inside steps, uint32 [2].
        params: network -> parameters.
        collections: network -> mutable collections.
        optimizers: player -> optimizer state.
        rate_scale: factor by which plateaus have lowered the learning rates so far, float32 [].
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


# The fields that are split over the devices; each device holds the others completely.
SHARDED_FIELDS = ("carry",)


def phase_at(task: Task, step: int) -> Phase:
    """The phase of the next step after `step` steps."""
    return next(phase for phase in task.phases if phase.until is None or step < phase.until)


def partition(params: Tree, player: str, phase: Phase) -> tuple[Tree, Tree]:
    """Splits a player's parameters into those that `phase` trains and the others."""
    if phase.trainable is None:
        return params, {}
    flat = traverse_util.flatten_dict(params)
    trained = {path: leaf for path, leaf in flat.items() if phase.trainable(player, path)}
    fixed = {path: leaf for path, leaf in flat.items() if path not in trained}
    return traverse_util.unflatten_dict(trained), traverse_util.unflatten_dict(fixed)


def merge(trained: Tree, fixed: Tree) -> Tree:
    """The inverse of `partition`."""
    if not fixed:
        return trained
    return traverse_util.unflatten_dict(traverse_util.flatten_dict(trained) | traverse_util.flatten_dict(fixed))


def new_optimizers(task: Task, phase: Phase, params: Tree) -> Tree:
    """Initial optimizer states of all players, for the parameters that `phase` trains."""
    return {
        name: player.optimizer.init(partition(params[name], name, phase)[0]) for name, player in task.players.items()
    }


def check_phases(task: Task, params: Tree) -> None:
    """Raises ValueError if a phase trains other parameters of a player and does not reset its optimizer."""
    for before, phase in zip(task.phases, task.phases[1:], strict=False):
        for name in set(task.players) - set(phase.reset_optimizers):
            earlier, later = (jax.tree.structure(partition(params[name], name, p)[0]) for p in (before, phase))
            if earlier != later:
                raise ValueError(f"a phase trains other parameters of {name}: name it in reset_optimizers")


def create(
    task: Task,
    seed: int,
    spec: Spec,
    *,
    devices: int = 1,
    frozen: Tree = None,
    average: bool = False,
) -> TrainState:
    """Creates an initial state.

    Args:
        task: the task to train.
        seed: seed of the weights and of all draws inside steps.
        spec: spec of an example.
        devices: the number of devices that share a step, in all processes together.
        frozen: `Variables.frozen`.
        average: whether to keep moving averages.

    Raises:
        ValueError: see `check_phases`.
    """
    init_key, step_key = jax.random.split(jax.random.PRNGKey(seed))
    variables = task.init(init_key, spec)
    check_phases(task, variables.params)
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
    """The initial moving averages of the averaged players: the players themselves."""
    names = [name for name, player in task.players.items() if player.averaged]
    parts = {"params": variables.params, "collections": variables.collections}
    return jax.tree.map(jnp.copy, {part: {name: trees[name] for name in names} for part, trees in parts.items()})


def update_average(average: Tree, params: Tree, collections: Tree, decay: float) -> Tree:
    """Moves the averages towards `params`.

    Their own spectral-norm vectors are updated by one power iteration; any other collection, such as the statistics of
    batch normalisation, is already an average over steps and is copied from the newest.
    """
    moved = {
        name: jax.tree.map(lambda a, p: a + (1 - decay) * (p - a), old, params[name])
        for name, old in average["params"].items()
    }
    followed = {name: dict(collections[name]) for name in moved}
    for name, kinds in average["collections"].items():
        if vectors := kinds.get(spectral_norm.COLLECTION):
            followed[name][spectral_norm.COLLECTION] = spectral_norm.iterate_tree(moved[name], vectors)
    return {"params": moved, "collections": followed}


def evaluation_variables(state: TrainState) -> Variables:
    """The variables to evaluate and show: the moving averages if there are any, otherwise the newest weights."""
    average = state.average or {"params": {}, "collections": {}}
    return Variables(
        state.params | average["params"], state.collections | average["collections"], state.frozen, carry={}
    )
