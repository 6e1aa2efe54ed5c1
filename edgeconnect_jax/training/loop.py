"""The training loop."""

import contextlib
import functools
import pathlib
from collections.abc import Callable

import jax
import numpy as np
from clu import parameter_overview

from edgeconnect_jax.checkpoints.folders import FOLDER, find, set_aside_damaged, step_of
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.images.files import write_png
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.systems.edgeconnect import tasks
from edgeconnect_jax.systems.edgeconnect.data import READER
from edgeconnect_jax.tasks.task import Batch, Phase, Sums, batches_per_step
from edgeconnect_jax.training import report
from edgeconnect_jax.training.feed import Feed, Position
from edgeconnect_jax.training.interruption import Interruption
from edgeconnect_jax.training.session import Session, check_sizes, load_for_evaluation, open_session, state_items
from edgeconnect_jax.training.state import SHARDED_FIELDS, TrainState, new_optimizers, phase_at
from edgeconnect_jax.training.step import train_step
from edgeconnect_jax.training.step_log import StepLog
from edgeconnect_jax.training.summaries import NoSummaries, Summaries, Values, format_values, say, writing
from edgeconnect_jax.training.validation import Validation

SAMPLES = "samples"  # folder of the grids, in the workdir
_ASKED_EVERY = 10  # steps after which several processes tell one another of signals, for which they wait for the device


def train(config: Config, workdir: pathlib.Path) -> None:
    """Trains all stages of `config`, one after the other.

    Args:
        config: several stages train in sub-folders of `workdir`, each started from those before.
        workdir: what was begun there goes on where it was.

    Raises:
        ValueError: the configuration cannot be run; what can be known before any work is said before it.
    """
    done: tuple[str, ...] = ()
    with Interruption() as interruption:
        for name, stage in configuration.stage_configs(config):
            stage.checkpoint.init_from = (*stage.checkpoint.init_from, *done)
            with jax.debug_nans(stage.train.debug):
                train_stage(stage, workdir / name, interruption)
            done = (*done, str(workdir / name))


def train_stage(config: Config, workdir: pathlib.Path, interruption: Interruption) -> None:
    """Trains one stage to its last step, and measures it against the baselines when `eval.report` is set.

    Raises:
        Ended: an interruption was asked for, something could not be written, or a loss is not finite.
        ValueError: the configuration cannot be run.
    """
    if parallel.is_first():
        set_aside_damaged(workdir, say)
    if parallel.of_first(int(_is_done(config, workdir))):
        print(f"{workdir}: done already")
        return
    _end_if_asked(interruption)
    session = open_session(config, workdir)
    validation = Validation(config, session.task, session.devices)
    if config.eval.interval or config.sample.interval or config.eval.report:
        _ = validation.batches  # opened now, so that what is missing is told before any work
    with contextlib.closing(session):
        state = _run(session, validation, interruption)
        session.store.wait()
        if config.eval.report and parallel.is_first():
            report.write(validation, state, workdir)
        _end_if_asked(interruption)


def _is_done(config: Config, workdir: pathlib.Path) -> bool:
    """Whether the last checkpoint, and the report if there is to be one, are there."""
    try:
        step = step_of(find(workdir / FOLDER))
    except ValueError:
        return False
    return step >= config.train.steps and (not config.eval.report or (workdir / report.TABLE).exists())


def _run(session: Session, validation: Validation, interruption: Interruption) -> TrainState:
    """All steps that are left; returns the last state."""
    config, state = session.config, session.state
    first, last = int(state.step), config.train.steps
    _introduce(session)
    with (
        contextlib.closing(_summaries(session, first, last)) as summaries,
        contextlib.closing(Stepper(session)) as stepper,
    ):
        log = StepLog(functools.partial(pipeline.train_names, config, READER), session.saved.get("sums", {}))
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
            put_off = stop and number < last  # an evaluation can take long
            if not put_off:
                state = measure(state, number)
            if stop or _due(config, config.checkpoint.interval, number) or number == last:
                sums = log.state()
                log.check(number, state_items(state))
                session.save(number, state, stepper.position, sums, unmeasured=put_off)
            session.store.poll()
            if stop:
                session.store.wait()
                raise interruption.ended()
    return state


def _due(config: Config, interval: int, number: int) -> bool:
    """Whether what is done every `interval` steps, and after the last one, is to be done after step `number`."""
    return interval > 0 and (number % interval == 0 or number == config.train.steps)


def _stands(session: Session, first: int) -> Callable[[int, str], bool]:
    """Whether a line of metrics.jsonl, (step, kind), is one that a run up to step `first` would have without a stop.

    Those of later steps come again, and so do those of step `first` that are there only because a run ended with it.
    """
    config = session.config
    intervals = {"train": config.train.log_interval, "validation": config.eval.interval}

    def stands(step: int, kind: str) -> bool:
        if step != first or first >= config.train.steps:
            return step <= first
        comes_again = kind == "validation" and session.saved.get("unmeasured")
        return bool(intervals[kind]) and step % intervals[kind] == 0 and not comes_again

    return stands


def _is_asked_to_stop(interruption: Interruption, number: int) -> bool:
    """Whether a signal came, to any process; all of them stop after the same step, in which each of them asks."""
    in_turn = parallel.process_count() == 1 or number % _ASKED_EVERY == 0
    return in_turn and parallel.any_process(interruption.signal is not None)


def _end_if_asked(interruption: Interruption) -> None:
    """Between stages: raises `Interruption.ended` in all processes when a signal came to any."""
    if parallel.any_process(interruption.signal is not None):
        raise interruption.ended()


def _summaries(session: Session, first: int, last: int) -> Summaries:
    """Those of the first process; the others have the same numbers and keep silent."""
    if not parallel.is_first():
        return NoSummaries()
    train, stands = session.config.train, _stands(session, first)
    title = session.config.task.name
    return Summaries(session.workdir, first, last, stands=stands, verbose=train.verbose, title=title)


class Stepper:
    """Runs training steps, compiled once a phase, on the batches of the session's iterator."""

    def __init__(self, session: Session):
        self._session = session
        self._feed: Feed | None = None
        self._begin(phase_at(session.task, int(session.state.step)))

    def _begin(self, phase: Phase) -> None:
        session = self._session
        step = train_step(session.task, phase, ema_decay=session.config.train.ema_decay, axis=parallel.AXIS)
        self._phase = phase
        self._step = parallel.mapped_step(step, TrainState, SHARDED_FIELDS, session.devices)
        if self._feed is not None:  # this phase may take another number of batches
            self._feed.rewind()
        self._feed = Feed(session.data, batches_per_step(phase), self._place)

    def _place(self, batches: Batch) -> Batch:
        return parallel.place_batch(batches, self._session.devices, axis=1)

    @property
    def pictures(self) -> np.ndarray:
        """The indices of those that the last step saw."""
        assert self._feed is not None
        return self._feed.pictures

    @property
    def position(self) -> Position:
        """That of the data after the steps so far."""
        assert self._feed is not None
        return self._feed.position

    def close(self) -> None:
        """Ends loading."""
        if self._feed is not None:
            self._feed.close()

    def __call__(self, state: TrainState, number: int) -> tuple[TrainState, Sums]:
        """Makes step `number`; the state that comes back is ready for the phase of the next step."""
        assert self._feed is not None
        state, sums = self._step(state, next(self._feed))
        phase = phase_at(self._session.task, number)
        if phase is not self._phase:
            if phase.reset_optimizers:
                fresh = new_optimizers(self._session.task, phase, parallel.first_copy(state.params))
                state = state.replace(optimizers=parallel.replicate(fresh, self._session.devices))
            self._begin(phase)
        return state, sums


def _introduce(session: Session) -> None:
    """Says what is trained, on what."""
    devices = session.devices
    print(
        f"stage {session.config.task.name} on {len(devices)} {devices[0].device_kind} device(s), in {session.workdir}"
    )
    for name, params in session.state.params.items():
        role = "" if name in session.task.players else " (frozen)"
        print(f"{name}{role}:")
        print(parameter_overview.get_parameter_overview(params, include_stats=False))


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
    """Evaluates and draws samples where that is due after step `number`."""
    config = session.config
    if _due(config, config.eval.interval, number):
        state = _evaluate(session, state, validation, summaries, number)
    if _due(config, config.sample.interval, number) and parallel.is_first():
        _sample(session, state, validation, summaries, number)
    return state


def _evaluate(
    session: Session, state: TrainState, validation: Validation, summaries: Summaries, number: int
) -> TrainState:
    """Measures the validation set, and lowers the learning rates when a plateau is reached."""
    values = validation.measure(state)
    summaries.write(number, "validation", values)
    watched = values[session.task.watch.metric]
    # An evaluation that only ends this run would not be there in a longer one.
    in_turn = number % session.config.eval.interval == 0
    if session.config.optimizer.schedule != "plateau" or watched is None or not in_turn:
        return state
    scale = session.plateau.update(watched)
    if scale != float(state.rate_scale):
        say(f"step {number}: no progress, learning rates are now {scale:g} times those of the start")
    return state.replace(rate_scale=parallel.replicate(np.float32(scale), session.devices))


def _sample(session: Session, state: TrainState, validation: Validation, summaries: Summaries, number: int) -> None:
    """Writes a labelled grid of what the task predicts now."""
    grid = validation.grid(state, session.config.sample.size)
    path = session.workdir / SAMPLES / f"{number:08d}.png"
    with writing(path):
        path.parent.mkdir(exist_ok=True)
        write_png(path, grid)
    summaries.add_image(number, grid)


def measure(config: Config, workdir: pathlib.Path) -> dict[str, Values]:
    """Measures the newest checkpoint of each stage on the validation set, without training; prints what it finds.

    Returns:
        Stage -> metrics.

    Raises:
        ValueError: a stage has no checkpoint, or it does not fit the configuration.
    """
    results = {}
    for name, stage in configuration.stage_configs(config):
        check_sizes(stage)
        parallel.check_same("the configuration", configuration.to_dict(stage))
        task, devices = tasks.create(stage), parallel.devices(stage.train.devices)
        parallel.check_batch_size(stage.eval.batch_size, devices, "eval.batch_size")
        state = parallel.place(load_for_evaluation(task, stage, workdir / name), SHARDED_FIELDS, devices)
        values = Validation(stage, task, devices).measure(state)
        results[name] = values
        print(f"{workdir / name}: {format_values(values)}")
    return results
