"""A session: everything that a run of one stage needs, created from its configuration or resumed from its workdir."""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from edgeconnect_jax.checkpoints.store import CheckpointStore
from edgeconnect_jax.checkpoints.weights import fingerprint, load_weights
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.data.reader import Reader
from edgeconnect_jax.models.network import random_variables
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.tasks.task import Batch, Frozen, Phase, Spec, Task, Tasks, batches_per_step, create
from edgeconnect_jax.training import resume
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.plateau import Plateau
from edgeconnect_jax.training.state import TrainState
from edgeconnect_jax.training.summaries import say

if TYPE_CHECKING:
    import grain

# Steps whose batches wait on the devices; those of one more step are being transferred.
_WAITING = 1


class StepInput(NamedTuple):
    """The input of one step.

    Attributes:
        batches: field -> [K, B, ...], on the devices.
        pictures: indices of their pictures [K * B], on the host.
    """

    batches: Batch
    pictures: np.ndarray


class Session(NamedTuple):
    """The parts of a run.

    Attributes:
        config: configuration of one stage.
        workdir: folder of the stage.
        task: the task to train.
        devices: devices of all processes.
        state: the state that `open_session` created or restored.
        store: the store of checkpoints.
        dataset: this process's share of the training batches.
        batches: iterator over `StepInput`, for the phase of `state`; see `iterate`.
        name_of: index of a picture -> its name.
        plateau: the schedule that depends on validation.
        meta: metadata saved with every checkpoint.
        saved: `meta` of the checkpoint from which the run resumes; empty if there is none.
    """

    config: Config
    workdir: pathlib.Path
    task: Task
    devices: list[parallel.Device]
    state: TrainState
    store: CheckpointStore
    dataset: "grain.IterDataset"
    batches: "grain.DatasetIterator[StepInput]"
    name_of: Callable[[int], str]
    plateau: Plateau
    meta: dict[str, Any]
    saved: dict[str, Any]

    def close(self) -> None:
        """Waits for pending writes, then stops loading and its worker processes."""
        try:
            self.store.close()
        finally:
            self.batches.close()

    def save(
        self, step: int, state: TrainState, position: Mapping[str, Any], sums: Mapping[str, Any], *, unmeasured: bool
    ) -> None:
        """Writes a checkpoint.

        Args:
            step: steps taken.
            state: state after these steps.
            position: position of the data.
            sums: sums of the steps since the last line of the log.
            unmeasured: whether the evaluation and the samples due after this step are still pending.
        """
        meta = {**self.meta, "plateau": self.plateau.state(), "sums": sums, "unmeasured": unmeasured}
        self.store.save(step, resume.items_of(state), position, meta)


def open_session(
    config: Config,
    workdir: pathlib.Path,
    tasks: Tasks,
    reader: Reader,
    fixed: Sequence[str] = (),
    *,
    say: Callable[[str], None] = say,
) -> Session:
    """Prepares a run: from the workdir's newest checkpoint, else from `checkpoint.init_from`, else from scratch.

    Args:
        config: configuration of one stage.
        workdir: created if it does not exist.
        tasks: stage -> builds its task.
        reader: reader of the data.
        fixed: options that a resumed run must keep, in addition to those of every system.
        say: prints progress messages.

    Raises:
        ValueError: the configuration is invalid.
    """
    devices = parallel.devices(config.train.devices)
    _check_batches(config, reader, devices)
    task = create(tasks, config)
    frozen = load_frozen(task.frozen)
    # Everything that fails on a wrong path comes before networks are built.
    opened = pipeline.open_train(config, reader)
    dataset = pipeline.train_dataset(
        config, reader, opened, process_index=parallel.process_index(), process_count=parallel.process_count()
    )
    state = states.create(
        task,
        config.train.seed,
        spec_of(opened),
        devices=len(devices),
        frozen=frozen,
        average=bool(config.train.ema_decay),
    )
    meta = _meta_of(config, task, frozen, len(devices), pipeline.describe_train(config, reader, opened))
    plateau = Plateau(config.optimizer, higher_is_better=task.watch.higher_is_better)
    parallel.check_same("the configuration", meta["config"])
    parallel.check_same("the set of pictures (data.train, and what data.skip_bad leaves out of it)", meta["pictures"])
    parallel.make_shared_folder(workdir)
    store = CheckpointStore(workdir, config.checkpoint.keep, say)
    step, saved = parallel.of_first(store.latest_step()), {}
    batches = iterate(dataset, states.phase_at(task, step or 0), devices)
    if step is None:
        state = resume.start_from(state, task, config.checkpoint.init_from, say, system=config.system)
        state = parallel.place(state, states.SHARDED_FIELDS, devices)
    else:
        saved = store.meta(step)
        resume.check_same_run(saved, meta, task, fixed, carries=bool(state.carry))
        state = resume.restore(state, task, store, step, batches, devices)
        plateau.restore(saved["plateau"])
        say(f"resuming from step {step} in {workdir}")
    name_of = opened.records.name
    return Session(config, workdir, task, devices, state, store, dataset, batches, name_of, plateau, meta, saved)


def _meta_of(config: Config, task: Task, frozen: Mapping[str, Any], devices: int, pictures: str) -> dict[str, Any]:
    meta = {
        "stage": config.task.name,
        "networks": {name: dict(sizes) for name, sizes in task.architecture.items()},
        "frozen": {name: fingerprint(tree) for name, tree in frozen.items()},
        "devices": devices,
        "pictures": pictures,
        "config": configuration.to_dict(config),
    }
    return meta | {"system": config.system}


def spec_of(opened: pipeline.Opened) -> Spec:
    """The shapes and dtypes of an example of a set."""
    return {name: jax.ShapeDtypeStruct(*spec) for name, spec in pipeline.element_spec(opened).items()}


def _check_batches(config: Config, reader: Reader, devices: list[parallel.Device]) -> None:
    check_sizes(config, reader)
    parallel.check_batch_size(config.train.batch_size, devices, "train.batch_size")
    if config.eval.interval or config.eval.report:
        parallel.check_batch_size(config.eval.batch_size, devices, "eval.batch_size")


def check_sizes(config: Config, reader: Reader) -> None:
    """Raises ValueError if several processes could have pictures of different sizes."""
    if parallel.process_count() > 1 and not reader.one_size(reader.options(config)):
        raise ValueError(
            f"data.image_size={config.data.image_size}: several processes need pictures of one size, because all run "
            "the same program; choose a size, or start one process"
        )


def load_frozen(frozen: Mapping[str, Frozen]) -> dict[str, Any]:
    """The variables of `Task.frozen`.

    Raises:
        ValueError: a path is not a checkpoint, or the checkpoint does not contain the network.
    """

    def load(name: str, network: Frozen) -> Any:
        if network.weights == "random":
            return random_variables(network.network)
        return load_weights(network.weights, (name,)).networks[name]

    return {name: load(name, network) for name, network in frozen.items()}


def iterate(
    dataset: "grain.IterDataset", phase: Phase, devices: Sequence[parallel.Device]
) -> "grain.DatasetIterator[StepInput]":
    """An iterator over the inputs of the steps of a phase. A thread loads and transfers the next one while a step runs.

    The state of the iterator is the position in `dataset`, in global batches, after the inputs taken so far; batches
    loaded ahead do not count. Errors of the loading thread are raised by `next`. Close the iterator after use.
    """
    import grain  # here because importing the package must not import it

    def take(batches: Sequence[Mapping[str, np.ndarray]]) -> StepInput:
        pictures = [np.asarray(batch.get("id", np.zeros(0, np.int32))) for batch in batches]
        return StepInput(parallel.place_batch(_stacked(batches), devices, axis=1), np.concatenate(pictures))

    taken = dataset.batch(batches_per_step(phase), batch_fn=take)
    return iter(grain.experimental.ThreadPrefetchIterDataset(taken, prefetch_buffer_size=_WAITING))


def _stacked(batches: Sequence[Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
    """Stacks batches along a new leading axis, without copying a single one."""
    if len(batches) == 1:
        return jax.tree.map(lambda x: x[None], batches[0])
    return jax.tree.map(lambda *arrays: np.stack(arrays), *batches)
