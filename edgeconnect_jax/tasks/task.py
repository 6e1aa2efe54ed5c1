"""What a stage of training is: data and pure functions that one step (training/step.py) can run.

Names of networks are keys of `Variables.params`. A *player* is a network with an optimiser of its own; the other
networks of a task are carried along frozen, though their collections may still change.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import optax

Batch = Mapping[str, jax.Array]
Pictures = dict[str, jax.Array]
Sums = dict[str, tuple[jax.Array, jax.Array]]


class Variables(NamedTuple):
    """What the networks of a task know.

    Attributes:
        params: network -> parameters.
        collections: network -> {collection: mutable variables}, such as spectral-norm vectors.
        frozen: name -> variables that never change and are not saved with a checkpoint.
        carry: what lives on one device alone and differs between devices, such as an image pool.
    """

    params: dict[str, Any]
    collections: dict[str, Any]
    frozen: dict[str, Any]
    carry: dict[str, Any]

    def of(self, network: str) -> dict[str, Any]:
        """The variables of one network, as its `apply` takes them."""
        return {"params": self.params[network], **self.collections.get(network, {})}


class Context(NamedTuple):
    """What a loss may know besides its batch.

    Attributes:
        step: steps taken before this one, int32 [].
        example_keys: one random key an example, [B, 2] uint32, from the seed, the step and the example's index in
            the global batch: the same on any number of devices.
        global_mean: mean of an array over the examples of all devices, given the local mean.
    """

    step: jax.Array
    example_keys: jax.Array
    global_mean: Callable[[jax.Array], jax.Array]


class Aux(NamedTuple):
    """What a loss returns beside its value.

    Attributes:
        collections: as `Variables.collections`, after the passes.
        carry: as `Variables.carry`, after the passes.
        sums: metric -> (sum, count); over steps and devices both are added up and then divided. Training ends where a
            sum is not finite.
    """

    collections: dict[str, Any]
    carry: dict[str, Any]
    sums: Sums


Loss = Callable[[Variables, Batch, Context], tuple[jax.Array, Aux]]


class Update(NamedTuple):
    """One gradient step of some players on one loss.

    Attributes:
        players: whose parameters are differentiated and stepped. The loss stops the gradients that a player must not
            get (the fakes of a discriminator's loss, the discriminator in a generator's), so that one forward and one
            backward pass serve all of them.
        loss: (variables, batch, context) -> (scalar, Aux).
        repeats: how often in one training step.
        fresh_batch: whether each repeat takes a batch of its own; else it sees the batch that was taken last, or the
            step's first.
    """

    players: tuple[str, ...]
    loss: Loss
    repeats: int = 1
    fresh_batch: bool = False


class Phase(NamedTuple):
    """A stretch of training with the same updates; each is compiled once.

    Attributes:
        updates: made one after the other in every step.
        until: the step at which the next phase begins; None for the last phase.
        trainable: (player, path of the parameter) -> whether it is trained; None trains everything. Parameters
            that are not trained get no gradient and no optimiser state.
        reset_optimizers: start the phase with new optimiser states. Needed where `trainable` changes.
    """

    updates: tuple[Update, ...]
    until: int | None = None
    trainable: Callable[[str, tuple[str, ...]], bool] | None = None
    reset_optimizers: bool = False


class Player(NamedTuple):
    """How a network is trained.

    Attributes:
        optimizer: gradients -> directions of descent, the learning rate left out.
        learning_rate: step -> learning rate.
        averaged: whether the moving average of the parameters is kept, when the run keeps one.
    """

    optimizer: optax.GradientTransformation
    learning_rate: optax.Schedule
    averaged: bool = False


class Watch(NamedTuple):
    """The validation metric that tells whether training gets anywhere, and whether more of it is better."""

    metric: str
    higher_is_better: bool


class Task(NamedTuple):
    """What a stage trains.

    Attributes:
        init: (key, (height, width)) -> Variables, `frozen` empty.
        players: network -> Player.
        phases: in order; all but the last have `until`.
        predict: (variables, batch) -> labelled pictures [B, H, W, 1 or 3] in [0, 1], in evaluation mode.
        metrics: (pictures, batch, weight of each example [B]) -> sums, for validation.
        watch: the metric of `metrics` to steer by.
        frozen: what `Variables.frozen` must hold: name -> where its weights come from.
        pretrained: networks that must come from a checkpoint, for they are not trained.
        architecture: what must be known to build the networks again, saved with every checkpoint.
    """

    init: Callable[[jax.Array, tuple[int, int]], Variables]
    players: Mapping[str, Player]
    phases: tuple[Phase, ...]
    predict: Callable[[Variables, Batch], Pictures]
    metrics: Callable[[Pictures, Batch, jax.Array], Sums]
    watch: Watch
    frozen: Mapping[str, str] = {}
    pretrained: tuple[str, ...] = ()
    architecture: Mapping[str, Mapping[str, Any]] = {}


def batches_per_step(phase: Phase) -> int:
    """How many batches one training step of `phase` consumes."""
    first, *_ = phase.updates
    return sum(update.repeats for update in phase.updates if update.fresh_batch) + (not first.fresh_batch)


def check(task: Task) -> None:
    """Holds a task against the contract above.

    Raises:
        ValueError: phases out of order, an update of a network that is no player, or a change of what is trainable
            without new optimiser states.
    """
    ends = [math.inf if phase.until is None else phase.until for phase in task.phases]
    if ends != sorted(set(ends)) or ends[-1] != math.inf:
        raise ValueError(f"phases must end at increasing steps and the last one never: {ends}")
    for before, phase in zip(task.phases, task.phases[1:], strict=False):
        if phase.trainable is not before.trainable and not phase.reset_optimizers:
            raise ValueError("a phase that trains other parameters needs reset_optimizers=True")
    for phase in task.phases:
        unknown = {name for update in phase.updates for name in update.players} - set(task.players)
        if unknown:
            raise ValueError(f"updates of networks that are no players: {sorted(unknown)}")
