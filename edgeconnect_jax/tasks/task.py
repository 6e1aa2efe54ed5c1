"""The contract of a training stage: data and pure functions that the shared step (training/step.py) runs.

Names of networks are keys of `Variables.params`. A *player* is a network with its own optimizer; the other networks of
a task are not trained, although their collections may change.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import optax

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.models.network import Network

Batch = Mapping[str, jax.Array]
Pictures = Mapping[str, jax.Array]
Sums = dict[str, tuple[jax.Array, jax.Array]]
# Field -> shape and dtype of one example as it is loaded, [H, W, C] uint8 or int32; "id" is [] int32.
Spec = Mapping[str, jax.ShapeDtypeStruct]


class Variables(NamedTuple):
    """The variables of the networks of a task.

    Attributes:
        params: network -> parameters.
        collections: network -> {collection: mutable variables}, such as spectral-norm vectors.
        frozen: name -> variables that never change and are not saved with a checkpoint.
        carry: state that lives on one device and differs between devices, such as an image pool.
    """

    params: dict[str, Any]
    collections: dict[str, Any]
    frozen: dict[str, Any]
    carry: dict[str, Any]

    def of(self, network: str) -> dict[str, Any]:
        """The variables of one network, as its `apply` takes them."""
        return {"params": self.params[network], **self.collections.get(network, {})}


class Context(NamedTuple):
    """What a loss may use in addition to its batch.

    Attributes:
        step: steps taken before this one, int32 [].
        example_keys: one random key per example, [B, 2] uint32, derived from the seed, the step and the example's index
            in the global batch: the same on any number of devices.
        global_mean: mean of an array over the examples of all devices, given the local mean.
    """

    step: jax.Array
    example_keys: jax.Array
    global_mean: Callable[[jax.Array], jax.Array]


class Aux(NamedTuple):
    """What a loss returns in addition to its value.

    Attributes:
        collections: as `Variables.collections`, after the passes.
        carry: as `Variables.carry`, after the passes.
        sums: metric -> (sum, count), both added over steps and devices before the division. Training stops if a sum is
            not finite.
    """

    collections: dict[str, Any]
    carry: dict[str, Any]
    sums: Sums


Loss = Callable[[Variables, Batch, Context], tuple[jax.Array, Aux]]


class Update(NamedTuple):
    """One gradient step of some players on one loss.

    Attributes:
        players: networks whose parameters are differentiated and updated. The loss stops the gradients that a player
            must not receive (the fakes in a discriminator's loss, the discriminator in a generator's), so that one
            forward and one backward pass serve all of them.
        loss: (variables, batch, context) -> (scalar, Aux).
        repeats: number of times the update runs in one training step.
        fresh_batch: whether each repeat takes a new batch; otherwise it uses the latest one, or the first of the step.
    """

    players: tuple[str, ...]
    loss: Loss
    repeats: int = 1
    fresh_batch: bool = False


class Phase(NamedTuple):
    """A period of training with the same updates; each phase is compiled once.

    Attributes:
        updates: applied in this order in every step.
        until: the step at which the next phase starts; None for the last phase.
        trainable: (player, path of the parameter) -> whether it is trained; None trains everything. Parameters
            that are not trained get no gradient and no optimizer state.
        reset_optimizers: the players that start the phase with new optimizer states; those for which `trainable`
            changes need them. All others keep their states.
    """

    updates: tuple[Update, ...]
    until: int | None = None
    trainable: Callable[[str, tuple[str, ...]], bool] | None = None
    reset_optimizers: tuple[str, ...] = ()


class Player(NamedTuple):
    """How a network is trained.

    Attributes:
        optimizer: gradients -> descent directions, without the learning rate.
        learning_rate: step -> learning rate.
        averaged: whether a run with moving averages averages this network.
    """

    optimizer: optax.GradientTransformation
    learning_rate: optax.Schedule
    averaged: bool = False


class Watch(NamedTuple):
    """The validation metric that measures progress, and whether higher values are better."""

    metric: str
    higher_is_better: bool


class Frozen(NamedTuple):
    """A network that a loss uses and no stage trains.

    Attributes:
        network: how it is built.
        weights: a checkpoint that holds it, or "random".
        option: the option that sets `weights`, for messages, such as "losses.vgg_weights".
    """

    network: Network
    weights: str
    option: str


Reference = Callable[[Batch], Pictures]


class OwnTable(NamedTuple):
    """A further table of the model alone.

    Attributes:
        head: titles of the columns.
        rows: of each its title, and a metric of `Task.metrics` for every other column.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Report(NamedTuple):
    """The table and the picture that `eval.report` writes at the end of a stage.

    Attributes:
        columns: pairs of a metric of `Task.metrics` and its title in the table.
        labels: pictures of `Task.predict` to show, in order. The references' pictures are placed before the last one,
            the truth.
        references: title -> an alternative to the model: a function from a batch as loaded (uint8) to the pictures of
            `Task.predict` that `Task.metrics` measures, in [0, 1].
        own: a table below, of metrics that the references need not have; None = no such table.
    """

    columns: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]
    references: Mapping[str, Reference] = {}
    own: OwnTable | None = None


class Task(NamedTuple):
    """What a stage trains.

    Attributes:
        init: (key, spec of an example) -> Variables, `frozen` empty.
        players: network -> Player.
        phases: in order; all except the last have `until`.
        predict: (variables, batch) -> labelled pictures [B, H, W, 1 or 3] in [0, 1], in evaluation mode.
        metrics: (pictures, batch, weight of each example [B]) -> sums, for validation.
        watch: the metric of `metrics` that a plateau of the learning rate watches.
        frozen: name in `Variables.frozen` -> the network and the source of its weights.
        pretrained: networks that must come from a checkpoint because this stage does not train them.
        architecture: network -> the sizes needed to rebuild it; saved with every checkpoint.
        report: what `eval.report` writes; None if there is nothing to compare.
    """

    init: Callable[[jax.Array, Spec], Variables]
    players: Mapping[str, Player]
    phases: tuple[Phase, ...]
    predict: Callable[[Variables, Batch], Pictures]
    metrics: Callable[[Pictures, Batch, jax.Array], Sums]
    watch: Watch
    frozen: Mapping[str, Frozen] = {}
    pretrained: tuple[str, ...] = ()
    architecture: Mapping[str, Mapping[str, Any]] = {}
    report: Report | None = None


Tasks = Mapping[str, Callable[[Config], Task]]  # stage -> builds its task


def create(tasks: Tasks, config: Config) -> Task:
    """The task of the stage `config.task.name`, checked.

    Raises:
        ValueError: there is no such stage, or it does not support the configuration.
    """
    name = config.task.name
    if name not in tasks:
        raise ValueError(f"unknown task.name {name!r}: choose one of {', '.join(tasks)}")
    task = tasks[name](config)
    check(task)
    if config.eval.report and task.report is None:
        raise ValueError(f"eval.report=True: stage {name!r} has nothing to report; set it to False")
    return task


def batches_per_step(phase: Phase) -> int:
    """The number of batches that one training step of `phase` consumes."""
    first, *_ = phase.updates
    return sum(update.repeats for update in phase.updates if update.fresh_batch) + (not first.fresh_batch)


def check(task: Task) -> None:
    """Checks a task against the contract above.

    Raises:
        ValueError: phases are out of order, or a phase names a network that is not a player.
    """
    ends = [math.inf if phase.until is None else phase.until for phase in task.phases]
    if ends != sorted(set(ends)) or ends[-1] != math.inf:
        raise ValueError(f"phases must end at increasing steps, and the last one must not end: {ends}")
    for phase in task.phases:
        named = {name for update in phase.updates for name in update.players} | set(phase.reset_optimizers)
        if unknown := named - set(task.players):
            raise ValueError(f"updates of networks that are not players: {sorted(unknown)}")
