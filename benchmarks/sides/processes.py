"""Two sides run in turns, each in a process of its own with the same number of threads."""

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from benchmarks.sides.edgeconnect.case_weights import drawn
from benchmarks.sides.edgeconnect.cases import Case
from benchmarks.sides.worker import OURS, THEIRS, WEIGHTS

_ROOT = pathlib.Path(__file__).parents[2]

# What the processes get, unless the environment says otherwise: neither side takes the whole GPU at once, and
# compiling counts in the peak memory.
_ENVIRONMENT = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "JAX_ENABLE_COMPILATION_CACHE": "false"}


class Worker:
    """A process that runs one side of a case; ends with `close`."""

    def __init__(self, side: str, case: Case, folder: pathlib.Path, threads: int, **options: str):
        """Starts the process, which is not ready before it has been waited for.

        Args:
            side: "ours" or "theirs".
            case: what it runs.
            folder: where arrays are handed over; holds the weights.
            threads: how many cores it may use.
            options: `memory_format` and `device` of their side.
        """
        self.name = "-".join((side, *options.values()))
        order = {"side": side, "case": case, "folder": str(folder), "threads": threads, "name": self.name, **options}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.sides.worker", json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env=_ENVIRONMENT | os.environ,
        )
        self.about: dict[str, Any] = {}

    def wait(self) -> None:
        """Waits until the process is ready, and learns what `ours.about` says.

        Raises:
            RuntimeError: the process ended; it has printed why.
        """
        self.about = self._answer()

    def ask(self, what: str) -> Any:
        """The answer of a method of the worker's side, once it is there; raises as `wait` does."""
        assert self._process.stdin
        print(what, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self.name} ended with status {self._process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


@contextmanager
def workers(case: Case, folder: pathlib.Path, threads: int, formats: tuple[str, ...]) -> Iterator[dict[str, Worker]]:
    """Our worker, named "ours", and one of theirs for each of `formats`, named so; all end with the context.

    Args:
        case: what they run.
        folder: for what they hand over.
        threads: of each.
        formats: memory formats of PyTorch, on the kind of device that ours computes on; none without PyTorch.
    """
    with ExitStack() as stack:

        def start(side: str, **options: str) -> Worker:
            worker = Worker(side, case, folder, threads, **options)
            stack.callback(worker.close)
            return worker

        weights: dict[str, Any] = drawn(case)
        np.savez(folder / WEIGHTS, **weights)
        del weights
        ours = start(OURS)
        ours.wait()
        device = "cuda" if ours.about["accelerator"] else "cpu"
        theirs = {kind: start(THEIRS, memory_format=kind, device=device) for kind in formats}
        for worker in theirs.values():
            worker.wait()
        yield {OURS: ours} | theirs
