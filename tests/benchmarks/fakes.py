"""Workers that answer at once, to test what is made of the answers."""

import contextlib

import numpy as np

from benchmarks.measuring import timing, turns

# Of a run, by the name of the worker; and what `worker._Side` would say.
SECONDS = {"ours": 2.0, "contiguous": 8.0, "channels_last": 4.0}
MEMORY = {"ours": 300, "contiguous": 150, "channels_last": 200}


class FakeWorker:
    """Answers as the worker called `name`; its results are those of `results`."""

    def __init__(self, name, results, folder):
        self.about = {"device": "a chip", "accelerator": False}
        self.asked = []
        self._name, self._results, self._folder = name, results, folder

    def ask(self, what):
        self.asked.append(what)
        if what == "save":
            path = self._folder / f"{self._name}.npz"
            np.savez(path, **self._results)
            return str(path)
        answers = {
            "run": None,
            "memory": {"memory": MEMORY[self._name], "device_memory": None},
            "flops": {"by_hand": 100.0, "by_xla": 103.0},
            "peak": 200.0,
        }
        return answers[what]


def give_workers(monkeypatch, **results):
    """Lets `measure` have fake workers; `results` name -> arrays by name, else those of ours. Returns the workers."""
    made = {}

    @contextlib.contextmanager
    def workers(case, folder, threads, formats):
        for name in ("ours", *formats):
            made[name] = FakeWorker(name, results.get(name, results["ours"]), folder)
        yield made

    def in_turn(sides, rounds):
        return {name: [(side(), SECONDS[name])[1] for _ in range(rounds)] for name, side in sides.items()}

    monkeypatch.setattr(turns, "has_pytorch", lambda: True)
    monkeypatch.setattr(turns, "workers", workers)
    monkeypatch.setattr(timing, "in_turn", in_turn)
    return made
