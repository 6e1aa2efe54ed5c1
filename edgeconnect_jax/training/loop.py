"""The training loop: runs the stages in order, each with its steps, evaluations, samples and checkpoints."""

import contextlib
import functools
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from clu import parameter_overview

from edgeconnect_jax.checkpoints.folders import FOLDER, find, set_aside_corrupted, step_of
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data.reader import Reader
from edgeconnect_jax.images.files import write_png
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.tasks.task import Phase, Sums, Tasks, batches_per_step, create
from edgeconnect_jax.training import final_report
from edgeconnect_jax.training.interruption import Interruption
from edgeconnect_jax.training.resume import items_of, load_for_evaluation
from edgeconnect_jax.training.session import Session, check_sizes, iterate, open_session, spec_of
from edgeconnect_jax.training.state import SHARDED_FIELDS, TrainState, new_optimizers, phase_at
from edgeconnect_jax.training.step import train_step
from edgeconnect_jax.training.step_log import StepLog
from edgeconnect_jax.training.summaries import NoSummaries, Summaries, format_values, say, writing
from edgeconnect_jax.training.totals import Values
from edgeconnect_jax.training.validation import Validation

SAMPLES = "samples"  # folder of the grids, in the workdir
_CHECK_INTERVAL = 10  # steps between checks for signals in other processes, because a check waits for the devices


def train(config: Config, workdir: pathlib.Path, tasks: Tasks, reader: Reader, fixed: Sequence[str] = ()) -> None:
    """Trains all stages of `config` in order.

    Args:
        config: the configuration. Several stages train in subfolders of `workdir`, each starting from the previous
            ones.
        workdir: folder of the run; an existing run there is resumed.
        tasks: stage -> builds its task.
        reader: reader of the data.
        fixed: options that a resumed run must keep, in addition to those of every system.

    Raises:
        Ended: a signal stopped the run, a file could not be written, or a loss is not finite.
        ValueError: the configuration is invalid; everything that can be checked before any work is reported first.
    """
    done: tuple[str, ...] = ()
    with Interruption() as interruption:
        for name, stage in configuration.stage_configs(config):
            stage.checkpoint.init_from = (*stage.checkpoint.init_from, *done)
            opening = functools.partial(open_session, stage, workdir / name, tasks, reader, fixed)
            with jax.debug_nans(stage.train.debug):
                _train_stage(stage, workdir / name, opening, reader, interruption)
            done = (*done, str(workdir / name))


def _train_stage(
    config: Config,
    workdir: pathlib.Path,
    opening: Callable[[], Session],
    reader: Reader,
    interruption: Interruption,
) -> None:
    """Trains one stage to its last step, and writes its report if `eval.report` is set."""
    if parallel.is_first():
        set_aside_corrupted(workdir, say)
    if parallel.of_first(int(_is_done(config, workdir))):
        print(f"{workdir}: already complete")
        return
    _end_if_asked(interruption)
    session = opening()
    validation = Validation(config, session.task, reader, session.devices)
    if config.eval.interval or config.sample.interval or config.eval.report:
        _ = validation.batches  # open it now so that missing files are reported before any work
    with contextlib.closing(session):
        state = _run(session, validation, interruption)
        session.store.wait()
        if config.eval.report and session.task.report and parallel.is_first():
            final_report.write(validation, session.task.report, state, workdir)
        _end_if_asked(interruption)


def _is_done(config: Config, workdir: pathlib.Path) -> bool:
    """Whether the last checkpoint and, if requested, the report exist."""
    try:
        step = step_of(find(workdir / FOLDER))
    except ValueError:
        return False
    return step >= config.train.steps and (not config.eval.report or (workdir / final_report.TABLE).exists())


def _run(session: Session, validation: Validation, interruption: Interruption) -> TrainState:
    """Runs the remaining steps and returns the last state."""
    config, state = session.config, session.state
    first, last = int(state.step), config.train.steps
    _announce(session)
    with (
        contextlib.closing(_summaries(session, first, last)) as summaries,
        contextlib.closing(Stepper(session)) as stepper,
    ):
        log = StepLog(session.name_of, session.saved.get("sums", {}))
        measure = functools.partial(_measure, session, validation, summaries)
        if session.saved.get("unmeasured") and first < last:
            state = measure(state, first)
        for number in range(first + 1, last + 1):
            state, sums = stepper(state, number)
            log.add(number, stepper.pictures, sums)
            summaries.advance()
            if _due(config, config.train.log_interval, number):
                values = log.values(restart=number % config.train.log_interval == 0)
                summaries.write(number, "train", values | _learning_rates(session, state, number))
            stop = _is_asked_to_stop(interruption, number)
            unmeasured = stop and number < last  # an evaluation can take long
            if not unmeasured:
                state = measure(state, number)
            if stop or _due(config, config.checkpoint.interval, number) or number == last:
                sums = log.state()
                log.check(number, items_of(state))
                session.save(number, state, stepper.position, sums, unmeasured=unmeasured)
            session.store.poll()
            if stop:
                session.store.wait()
                raise interruption.ended()
    return state


def _due(config: Config, interval: int, number: int) -> bool:
    """Whether an action that runs every `interval` steps and after the last one is due after step `number`."""
    return interval > 0 and (number % interval == 0 or number == config.train.steps)


def _is_asked_to_stop(interruption: Interruption, number: int) -> bool:
    """Whether any process received a signal; all processes check after the same steps and so stop together."""
    check_now = parallel.process_count() == 1 or number % _CHECK_INTERVAL == 0
    return check_now and parallel.any_process(interruption.signal is not None)


def _end_if_asked(interruption: Interruption) -> None:
    """Between stages: raises `Interruption.ended` in all processes if any received a signal."""
    if parallel.any_process(interruption.signal is not None):
        raise interruption.ended()


class Stepper:
    """Takes training steps on the batches of a session; the step of each phase is compiled once.

    Attributes:
        pictures: indices of the pictures in the last step.
    """

    def __init__(self, session: Session):
        """Starts from the state of the session."""
        self.pictures = np.zeros(0, np.int32)
        self._session = session
        self._batches = session.batches
        self._begin(phase_at(session.task, int(session.state.step)))

    def __call__(self, state: TrainState, number: int) -> tuple[TrainState, Sums]:
        """Takes step `number`; the returned state is ready for the phase of the next step."""
        taken = next(self._batches)
        self.pictures = taken.pictures
        state, sums = self._step(state, taken.batches)
        phase = phase_at(self._session.task, number)
        return (state if phase is self._phase else self._change(state, phase)), sums

    @property
    def position(self) -> Mapping[str, Any]:
        """The JSON-serializable position of the data after the steps so far."""
        return self._batches.get_state()

    def close(self) -> None:
        """Stops loading data."""
        self._batches.close()

    def _begin(self, phase: Phase) -> None:
        session = self._session
        step = train_step(session.task, phase, ema_decay=session.config.train.ema_decay, axis=parallel.AXIS)
        self._phase = phase
        self._step = parallel.mapped_step(step, TrainState, SHARDED_FIELDS, session.devices)

    def _change(self, state: TrainState, phase: Phase) -> TrainState:
        """Switches to `phase` and returns its initial state."""
        session = self._session
        if batches_per_step(phase) != batches_per_step(self._phase):
            position = self.position
            self._batches.close()
            self._batches = iterate(session.dataset, phase, session.devices)
            self._batches.set_state(dict(position))
        self._begin(phase)
        if not phase.reset_optimizers:
            return state
        fresh = new_optimizers(session.task, phase, parallel.first_copy(state.params))
        replaced = {name: fresh[name] for name in phase.reset_optimizers}
        return state.replace(optimizers={**state.optimizers, **parallel.replicate(replaced, session.devices)})


def _announce(session: Session) -> None:
    """Prints which networks are trained on which devices."""
    devices = session.devices
    print(
        f"stage {session.config.task.name} on {len(devices)} {devices[0].device_kind} device(s), in {session.workdir}"
    )
    for name, params in session.state.params.items():
        role = "" if name in session.task.players else " (frozen)"
        print(f"{name}{role}:")
        print(parameter_overview.get_parameter_overview(params, include_stats=False))


def _summaries(session: Session, first: int, last: int) -> Summaries:
    """The summaries of the first process; the others have the same numbers and write nothing."""
    if not parallel.is_first():
        return NoSummaries()
    verbose, keeps = session.config.train.verbose, _line_filter(session, first)
    return Summaries(session.workdir, first, last, keeps=keeps, verbose=verbose, title=session.config.task.name)


def _line_filter(session: Session, first: int) -> Callable[[int, str], bool]:
    """(step, kind) -> whether an uninterrupted run would have this line of metrics.jsonl up to step `first`.

    Lines of later steps will be written again, as will lines of step `first` that exist only because the run ended
    there.
    """
    config = session.config
    intervals = {"train": config.train.log_interval, "validation": config.eval.interval}

    def keeps(step: int, kind: str) -> bool:
        if step != first or first >= config.train.steps:
            return step <= first
        written_again = kind == "validation" and session.saved.get("unmeasured")
        return bool(intervals[kind]) and step % intervals[kind] == 0 and not written_again

    return keeps


def _learning_rates(session: Session, state: TrainState, number: int) -> dict[str, float]:
    """The learning rate of each player in step `number`."""
    scale = float(state.rate_scale)
    players = session.task.players.items()
    return {
        f"learning_rate/{name}": scale * float(np.asarray(player.learning_rate(number - 1))) for name, player in players
    }


def _measure(
    session: Session, validation: Validation, summaries: Summaries, state: TrainState, number: int
) -> TrainState:
    """Runs the evaluation and draws the samples that are due after step `number`."""
    config = session.config
    if _due(config, config.eval.interval, number):
        state = _evaluate(session, validation, summaries, state, number)
    if _due(config, config.sample.interval, number) and parallel.is_first():
        _sample(session, validation, summaries, state, number)
    return state


def _evaluate(
    session: Session, validation: Validation, summaries: Summaries, state: TrainState, number: int
) -> TrainState:
    """Evaluates on the validation set and lowers the learning rates at a plateau."""
    values = validation.measure(state)
    summaries.write(number, "validation", values)
    watched = values[session.task.watch.metric]
    # A longer run would not have an evaluation that takes place only because this run ends.
    scheduled = number % session.config.eval.interval == 0
    if session.config.optimizer.schedule != "plateau" or watched is None or not scheduled:
        return state
    scale = session.plateau.update(watched)
    if scale != float(state.rate_scale):
        say(f"step {number}: no progress, learning rates are now {scale:g} times the initial ones")
    return state.replace(rate_scale=parallel.replicate(np.float32(scale), session.devices))


def _sample(session: Session, validation: Validation, summaries: Summaries, state: TrainState, number: int) -> None:
    """Writes a labelled grid of the task's current predictions."""
    grid = validation.grid(state, session.config.sample.size)
    path = session.workdir / SAMPLES / f"{number:08d}.png"
    with writing(path):
        path.parent.mkdir(exist_ok=True)
        write_png(path, grid)
    summaries.add_image(number, grid)


def measure(config: Config, workdir: pathlib.Path, tasks: Tasks, reader: Reader) -> dict[str, Values]:
    """Evaluates the newest checkpoint of each stage on the validation set without training, and prints the metrics.

    Args:
        config: configuration of one or several stages.
        workdir: folder in which they were trained.
        tasks: stage -> builds its task.
        reader: reader of the data.

    Returns:
        Stage -> metrics.

    Raises:
        ValueError: the checkpoint of a stage is missing or conflicts with the configuration.
    """
    results = {}
    for name, stage in configuration.stage_configs(config):
        check_sizes(stage, reader)
        parallel.check_same("the configuration", configuration.to_dict(stage))
        task, devices = create(tasks, stage), parallel.devices(stage.train.devices)
        parallel.check_batch_size(stage.eval.batch_size, devices, "eval.batch_size")
        validation = Validation(stage, task, reader, devices)
        state = load_for_evaluation(task, stage, spec_of(validation.batches.data), workdir / name)
        results[name] = validation.measure(parallel.place(state, SHARDED_FIELDS, devices))
        print(f"{workdir / name}: {format_values(results[name])}")
    return results
