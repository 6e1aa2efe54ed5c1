"""One side of a measurement in a process of its own, driven through its standard input; see `processes.Worker`.

    python -m benchmarks.sides.worker '{"side": "ours", "case": [...], "threads": 2, ...}'

Each line that comes in is a command, and a line of JSON is the answer. So both sides can run in turns though neither
shares memory, threads or libraries with the other.
"""

import json
import os
import pathlib
import re
import resource
import sys
from typing import Any

import numpy as np

from benchmarks.sides.edgeconnect.cases import Case

OURS, THEIRS = "ours", "theirs"
WEIGHTS = "weights.npz"  # what both sides read


def main() -> None:
    """Answers one line for each line of standard input."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    order = json.loads(sys.argv[1])
    limit_threads(order["threads"])
    side = _Side(order)
    print(json.dumps(side.about()), file=answers)
    for line in sys.stdin:
        print(json.dumps(getattr(side, line.strip())()), file=answers)


class _Side:
    """What a worker can be asked; every answer can be written as JSON."""

    def __init__(self, order: dict[str, Any]):
        case = Case(*order["case"])
        self._ours, self._folder = order["side"] == OURS, pathlib.Path(order["folder"])
        self._name = order["name"]
        self._module = self._import(order["threads"])
        options = () if self._ours else (order["memory_format"], order["device"])
        with np.load(self._folder / WEIGHTS, allow_pickle=False) as weights:
            self._way: Any = self._module.create(case, weights, *options)
        self._results: Any = None

    def _import(self, threads: int) -> Any:
        """The module of this side: only now, and only that one."""
        if self._ours:
            from benchmarks.sides.edgeconnect import ours

            return ours
        from benchmarks.sides.edgeconnect import theirs

        theirs.use_threads(threads)
        return theirs

    def about(self) -> dict[str, Any]:
        """What `ours.about` says."""
        return self._module.about() if self._ours else {}

    def run(self) -> None:
        """Runs once and waits."""
        self._results = self._way.run()

    def save(self) -> str:
        """Writes what the last run returned as NAME.npz."""
        convert = np.asarray if self._ours else self._module.to_numpy
        results: dict[str, Any] = {name: convert(x) for name, x in self._results.items()}
        path = self._folder / f"{self._name}.npz"
        np.savez(path, **results)
        return str(path)

    def memory(self) -> dict[str, int | None]:
        """The most that this process, and its device, had in use, in bytes."""
        return {"memory": peak_memory(), "device_memory": self._module.device_memory()}

    def flops(self) -> dict[str, float]:
        """See `ours.Training.flops`."""
        return self._way.flops()

    def peak(self) -> float:
        """See `peak.matmul_rate`."""
        return self._way.peak()


def limit_threads(count: int) -> None:
    """Binds this process to the first `count` of its cores, from which XLA takes its number of threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def peak_memory() -> int:
    """The most memory that this process has had resident so far, in bytes."""
    try:
        # Not getrusage first: its number begins with what the parent had when it forked.
        found = re.search(r"VmHWM:\s*(\d+) kB", pathlib.Path("/proc/self/status").read_text(encoding="utf-8"))
    except OSError:
        found = None
    if found:
        return 1024 * int(found[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


if __name__ == "__main__":
    main()
