"""What loading costs a training loop: steps on a prepared set beside steps on one batch in memory.

Batches are read ahead, also while the other side has its turn. So every turn begins with as many steps as that may be,
which are not timed: ours then reads as fast as it takes, and theirs finds nothing reading beside it any more.
"""

import argparse
import contextlib
import pathlib
import time
from collections.abc import Callable
from typing import Any

import grain
import jax
import numpy as np

from benchmarks.measuring import timing
from benchmarks.sides.data_sides import config_of
from edgeconnect_jax.systems.edgeconnect.data import READER
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.training.loop import Stepper
from edgeconnect_jax.training.session import Session, iterate, open_session
from edgeconnect_jax.training.state import phase_at

_PLACED = 2  # batches beyond the prefetching of data: one waits on the device, one is on its way there


def measure(prepared_set: pathlib.Path, workdir: pathlib.Path, options: argparse.Namespace) -> dict[str, Any]:
    """Times steps of the edge stage on both."""
    config = config_of(prepared_set, options.image_size, options.batch)
    config.data.threads = 2
    config.task.update(features=options.features, residual_blocks=options.residual_blocks, dtype=options.dtype)
    config.train.steps = 10**9
    with contextlib.ExitStack() as stack:
        real = open_session(config, workdir, TASKS, READER, say=lambda text: None)
        stack.callback(real.close)
        cached = _on_one_batch(real)
        ahead = config.data.prefetch + _PLACED
        sides = {
            name: _steps(stack, session, ahead, options.steps) for name, session in (("ours", real), ("theirs", cached))
        }
        timing.in_turn(sides, 1)  # compiles
        seconds = timing.in_turn(sides, options.rounds)
    case = (
        f"a step of the edge stage, batch {options.batch} of {options.image_size} x {options.image_size}, "
        "on a prepared set (theirs: on one batch in memory)"
    )
    per_step = {name: [taken / options.steps for taken in found] for name, found in seconds.items()}
    row = timing.row(case, per_step["ours"], per_step["theirs"], features=options.features, dtype=options.dtype)
    print(f"loading costs {100 * (1 / row['ratio'] - 1):.1f}% of a step")
    return row


def _on_one_batch(session: Session) -> Session:
    """The same with a copy of the state, on the first batch again and again."""
    with contextlib.closing(iter(session.dataset)) as batches:
        first = next(batches)
    options = grain.ReadOptions(num_threads=1, prefetch_buffer_size=1)
    dataset = grain.MapDataset.source([first]).repeat().to_iter_dataset(options)
    state = jax.tree.map(lambda x: jax.device_put(np.asarray(x), x.sharding), session.state)
    batches = iterate(dataset, phase_at(session.task, 0), session.devices)
    return session._replace(dataset=dataset, batches=batches, state=state)


def _steps(stack: contextlib.ExitStack, session: Session, ahead: int, count: int) -> Callable[[], float]:
    """Makes `ahead` steps, then `count` whose seconds it returns; the first call compiles."""
    stepper = stack.enter_context(contextlib.closing(Stepper(session)))
    state, number = session.state, 0

    def make(steps: int) -> None:
        nonlocal state, number
        for _ in range(steps):
            number += 1
            state, sums = stepper(state, number)
        jax.block_until_ready((state, sums))

    def run() -> float:
        make(ahead)
        begun = time.perf_counter()
        make(count)
        return time.perf_counter() - begun

    return run
