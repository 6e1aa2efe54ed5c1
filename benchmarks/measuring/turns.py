"""Measures cases: compares what both sides compute, then times them in turns, and keeps a row a case."""

import argparse
import importlib.util
import math
import os
import pathlib
import sys
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from benchmarks.measuring import rows, timing
from benchmarks.parity.comparison import largest_difference, read_arrays, relative_error
from benchmarks.sides.edgeconnect.cases import DTYPES, FILL, Case
from benchmarks.sides.processes import Worker, workers
from benchmarks.sides.worker import OURS
from edgeconnect_jax.host.threads import cores

MEMORY_FORMATS = ("contiguous", "channels_last")

# The largest difference at which both sides count as doing the same work; in bfloat16 it is only reported.
FILLING_BOUND = 5e-5  # of any value of the outputs
LOSS_BOUND = 1e-4  # relative, of any loss of the first step
ACCELERATORS_LOSS_BOUND = 5e-2  # where float32 is multiplied in fewer digits, by default on both sides

_BUSY = 0.5  # processes that wait or run, on average; from which on nothing that is timed can be trusted


def has_pytorch() -> bool:
    """Whether PyTorch is installed, the other side of every comparison."""
    return importlib.util.find_spec("torch") is not None


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """The options that all measurements have."""
    made = argparse.ArgumentParser(prog=f"python benchmarks/{name}", description=description)
    add = made.add_argument
    add("--dtype", choices=DTYPES, default="float32", help="arithmetic of the networks (default: float32)")
    add("--features", type=int, default=64, help="channels of the first layers (default: 64, as the original)")
    add("--residual_blocks", type=int, default=8, help="of each generator (default: 8, as the original)")
    add("--threads", type=int, default=cores(), help=f"of each side (default: all cores, here {cores()})")
    add("--rounds", type=int, default=7, help="how often each side is timed; medians count (default: 7)")
    add("--ours_only", action="store_true", help="leave PyTorch out, as where it is not installed")
    add("--json", type=pathlib.Path, metavar="FILE", help="write the rows there, again after each case")
    return made


def check(options: argparse.Namespace) -> None:
    """Raises ValueError when a number of the options cannot be."""
    if not 1 <= options.threads <= cores():
        raise ValueError(f"--threads must be 1 to {cores()}, the cores of this process")
    if options.rounds < 1:
        raise ValueError("--rounds must be at least 1")


def measure_all(cases: Iterable[Case], options: argparse.Namespace, command: str) -> list[rows.Row]:
    """Measures the cases one after the other, prints each and then the tables, and writes the JSON file.

    Raises:
        ValueError: both sides differ by more than the bound; nothing is timed then.
        RuntimeError: a process ended; it has printed why.
    """
    formats = () if options.ours_only else MEMORY_FORMATS
    if formats and not has_pytorch():
        print("PyTorch is not installed: ours only", file=sys.stderr)
        formats = ()
    if (load := os.getloadavg()[0]) > _BUSY:
        print(f"the machine is busy (load {load:.1f}): do not trust the timings", file=sys.stderr)
    done: list[rows.Row] = []
    environment = rows.environment(command, options.threads)
    for case in cases:
        peak = done[0]["peak"] if done else None  # the same for all
        row = measure(case, options.rounds, options.threads, formats, peak)
        done.append(row | {"environment": environment | {"device": row.pop("device")}})
        print(timing.line(row), flush=True)
        timing.write(options.json, done)
    print(f"\n{rows.tables(done)}")
    return done


def measure(case: Case, rounds: int, threads: int, formats: tuple[str, ...], peak: float | None = None) -> rows.Row:
    """One row, without its environment.

    Args:
        case: what is measured.
        rounds: how often each side is timed.
        threads: of each side.
        formats: PyTorch's memory formats, of which the faster counts; none without PyTorch.
        peak: FLOP/s of matrix products if they are known.

    Raises:
        ValueError: both sides differ by more than the bound.
    """
    with tempfile.TemporaryDirectory() as folder, workers(case, pathlib.Path(folder), threads, formats) as started:
        ours = started[OURS]
        difference = _difference(case, started)
        bound = _bound(case, ours.about["accelerator"])
        if not difference <= bound:
            raise ValueError(f"{case}: both sides differ by {difference:.1e}, over {bound:.0e}: they are not timed")
        ways = {name: _run(worker) for name, worker in started.items()}
        timing.in_turn(ways, 1)  # warms up
        seconds = timing.in_turn(ways, rounds)
        memory = {name: worker.ask("memory") for name, worker in started.items()}
        # Only now: these take memory of their own.
        row = rows.row(case, seconds, memory, ours.ask("flops"), peak if peak else ours.ask("peak"))
    return row | {"device": ours.about["device"], "difference": difference if formats else None}


def _run(worker: Worker) -> Any:
    return lambda: worker.ask("run")


def _bound(case: Case, accelerator: bool) -> float:
    if case.dtype != "float32":
        return math.inf
    if case.task == FILL:
        return FILLING_BOUND
    return ACCELERATORS_LOSS_BOUND if accelerator else LOSS_BOUND


def _difference(case: Case, started: Mapping[str, Worker]) -> float:
    """How far the first run of each of their ways is from ours, the furthest; 0 without theirs."""
    results = {}
    for name, worker in started.items():
        worker.ask("run")
        results[name] = read_arrays(worker.ask("save"))
    ours = results.pop(OURS)
    return float(np.max([0.0, *(_distance(case, ours, theirs) for theirs in results.values())]))


def _distance(case: Case, ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> float:
    """Of everything that theirs has: the largest difference of pictures, the largest relative one of losses."""
    measure_of = largest_difference if case.task == FILL else relative_error
    return float(np.max([measure_of(ours[name], theirs[name]) for name in theirs]))  # NaN if any is
