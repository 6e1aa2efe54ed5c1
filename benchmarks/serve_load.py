"""The service under load: many clients at once, pictures of several sizes, every answer compared with the library's.

python benchmarks/serve_load.py [--requests 200] [--clients 16] [--sizes 128x128 ...] [--latency 512x512] [--json FILE]

The service is `python -m edgeconnect_jax.serve` in a process of its own, on a checkpoint of reference weights; what its
answers must be is computed here, before it starts, by an `Inpainter`. Fails if an answer is missing or is another's.
Memory is read from /proc (Linux). At the end single requests are timed, one at a time.
"""

import argparse
import concurrent.futures
import contextlib
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import requests
import skimage.data

from benchmarks.measuring import rows, timing
from benchmarks.sides.edgeconnect.case_weights import drawn, variables_of
from benchmarks.sides.edgeconnect.cases import FILL, Case
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.host import compilation_cache
from edgeconnect_jax.host.threads import cores
from edgeconnect_jax.images import files as images
from edgeconnect_jax.systems.edgeconnect.editor import steps
from edgeconnect_jax.systems.edgeconnect.inference import STEPS

ROOT = pathlib.Path(__file__).parents[1]
_PHOTOGRAPHS = ("astronaut", "chelsea", "coffee")  # of each size
_MIB = 2**20
_SECONDS_BETWEEN_READINGS = 0.25
_TIMEOUT = 600
_COMPUTED = re.compile(r"queue;dur=([\d.]+), compute;dur=([\d.]+)")


class Asked(NamedTuple):
    """A request: its route, the files of its form, and the bytes that must come back."""

    path: str
    files: dict[str, bytes]
    expected: bytes


class Answer(NamedTuple):
    """What came back: whether it is right or why not, and the seconds from asking to the whole answer."""

    path: str
    outcome: str
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status: 1 if an answer was lost or wrong."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    compilation_cache.enable()  # the one that the service has
    with tempfile.TemporaryDirectory() as folder:
        row = measure(pathlib.Path(folder), options)
    print(_table(row))
    environment = rows.environment(rows.command_line(pathlib.Path(__file__).name, arguments), cores())
    timing.write(options.json, [row | {"environment": environment}])
    return 0 if row["outcomes"] == {"right": options.requests} else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python benchmarks/serve_load.py", allow_abbrev=False)
    add = parser.add_argument
    add("--requests", type=int, default=200, help="how many (default: 200)")
    add("--clients", type=int, default=16, help="that ask at once (default: 16)")
    add("--sizes", nargs="+", default=["128x128", "160x120", "199x133", "256x256"], metavar="WxH", help="of pictures")
    add("--latency", default="512x512", metavar="WxH", help="of the picture of single requests (default: 512x512)")
    add("--rounds", type=int, default=5, help="single requests of each kind (default: 5)")
    add("--features", type=int, default=64, help="of the networks (default: 64)")
    add("--residual_blocks", type=int, default=8, help="of the networks (default: 8)")
    add("--json", type=pathlib.Path, metavar="FILE", help="write the row there")
    return parser


def measure(folder: pathlib.Path, options: argparse.Namespace) -> dict[str, Any]:
    """Loads the service, then times single requests; `folder` is empty."""
    weights = reference_weights(options.features, options.residual_blocks)
    checkpoints.save_weights(folder / "checkpoint", weights.networks, weights.meta)
    networks = steps.Steps(weights)
    sizes = [_size(text) for text in options.sizes]
    distinct = [one for size in sizes for name in _PHOTOGRAPHS for one in asked(networks, name, *size)]
    single = asked(networks, _PHOTOGRAPHS[0], *_size(options.latency))
    del networks, weights
    with served(folder, [*options.sizes, options.latency]) as (url, process):
        memory = Memory(process.pid)
        begun = time.perf_counter()
        answers = load(url, distinct, options.requests, options.clients)
        took = time.perf_counter() - begun
        readings = memory.stop()
        latencies = [alone(url, one, options.rounds) for one in single]
    return {
        "case": f"{options.requests} requests, {options.clients} at a time, of {' '.join(options.sizes)}",
        "features": options.features,
        "outcomes": dict(Counter(answer.outcome for answer in answers)),
        "seconds": took,
        "latency": {path: _percentiles(answers, path) for path in sorted({answer.path for answer in answers})},
        "memory": readings,
        "single": {"size": options.latency, "rounds": options.rounds, "requests": latencies},
    }


def reference_weights(features: int, residual_blocks: int) -> checkpoints.Weights:
    """Both generators with reference weights."""
    case = Case(FILL, 64, 1, features, residual_blocks)
    arrays = drawn(case)
    networks = {name: variables_of(name, arrays, case) for name in STEPS["full"]}
    sizes = {"features": features, "residual_blocks": residual_blocks}
    return checkpoints.Weights(networks, {name: sizes for name in networks})


def asked(networks: steps.Steps, photograph: str, height: int, width: int) -> list[Asked]:
    """The requests about one picture: its lines, both steps, and along lines that were changed."""
    shown = images.Picture(images.resize_bilinear(getattr(skimage.data, photograph)(), height, width))
    hole = np.zeros((height, width), bool)
    hole[height // 4 : height // 2, width // 3 : 2 * width // 3] = True
    files = {"image": images.encode_picture(shown), "mask": images.encode_png(hole * np.uint8(255))}
    lines = networks.predict(shown, hole, steps.known_lines(shown, hole, networks.sigma))
    changed = np.where(hole, 255 - lines, lines)
    filled, otherwise = (images.encode_picture(networks.fill(shown, hole, x)) for x in (lines, changed))
    return [
        Asked("/api/edges", files, images.encode_png(lines)),
        Asked("/api/inpaint", files, filled),
        Asked("/api/inpaint with lines", files | {"lines": images.encode_png(changed)}, otherwise),
    ]


@contextlib.contextmanager
def served(folder: pathlib.Path, sizes: Sequence[str]) -> Iterator[tuple[str, subprocess.Popen]]:
    """The service, once it has warmed up for the sizes: its address and its process."""
    command = [sys.executable, "-m", "edgeconnect_jax.serve", "--checkpoint", str(folder / "checkpoint"), "--port", "0"]
    command += ["--warm_up", *sizes]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        found = re.search(r"http://\S+", process.stdout.readline())
        if found is None:
            raise RuntimeError(f"the service ended with status {process.wait()}")
        while (state := requests.get(f"{found[0]}/healthz", timeout=_TIMEOUT).json()["warm_up"])["done"] < state[
            "total"
        ]:
            time.sleep(_SECONDS_BETWEEN_READINGS)
        yield found[0], process
    finally:
        process.terminate()
        process.communicate()


def load(url: str, distinct: Sequence[Asked], count: int, clients: int) -> list[Answer]:
    """Asks `count` times, about each of `distinct` as often, in an order that is the same each time."""
    chosen = [distinct[i % len(distinct)] for i in range(count)]
    random.Random(0).shuffle(chosen)
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda one: _ask(url, one), chosen))


def _ask(url: str, one: Asked) -> Answer:
    begun = time.perf_counter()
    try:
        answer = requests.post(url + one.path.split()[0], files=_form(one), timeout=_TIMEOUT)
        outcome = "right" if answer.content == one.expected else f"status {answer.status_code}, other bytes"
    except requests.RequestException as error:
        outcome = f"lost: {type(error).__name__}"
    return Answer(one.path, outcome, time.perf_counter() - begun)


def _form(one: Asked) -> dict[str, tuple[str, bytes]]:
    return {name: (f"{name}.png", content) for name, content in one.files.items()}


def alone(url: str, one: Asked, rounds: int) -> dict[str, Any]:
    """Times a single request, after one that is not counted: its seconds, and those of the networks."""
    whole, computed = [], []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        answer = requests.post(url + one.path.split()[0], files=_form(one), timeout=_TIMEOUT)
        whole.append(time.perf_counter() - begun)
        found = _COMPUTED.fullmatch(answer.headers.get("server-timing", ""))
        if found is None or answer.content != one.expected:
            raise RuntimeError(f"{one.path}: status {answer.status_code}, and not the bytes that were expected")
        computed.append(float(found[2]) / 1000)
    return {"path": one.path, "seconds": statistics.median(whole[1:]), "networks": statistics.median(computed[1:])}


class Memory:
    """Reads the resident memory of a process again and again, in a thread."""

    def __init__(self, process: int):
        """Begins."""
        self._path = pathlib.Path(f"/proc/{process}/status")
        self._readings: list[float] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while True:
            found = re.search(r"VmRSS:\s*(\d+) kB", self._path.read_text(encoding="utf-8"))
            assert found
            self._readings.append(int(found[1]) * 1024 / _MIB)
            if self._end.wait(_SECONDS_BETWEEN_READINGS):
                return

    def stop(self) -> dict[str, float]:
        """Ends; MiB at the start and the end, and the most of each quarter of the time between."""
        self._end.set()
        self._thread.join()
        found, quarter = self._readings, max(1, len(self._readings) // 4)
        most = {f"most_of_quarter_{i + 1}": max(found[i * quarter :][:quarter] or found[-1:]) for i in range(4)}
        return {"start": found[0], **most, "end": found[-1]}


def _percentiles(answers: Sequence[Answer], path: str) -> dict[str, float]:
    seconds = [answer.seconds for answer in answers if answer.path == path]
    return {"50 %": float(np.percentile(seconds, 50)), "95 %": float(np.percentile(seconds, 95)), "most": max(seconds)}


def _size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(height), int(width)


def _table(row: dict[str, Any]) -> str:
    lines = [f"{row['case']}: {row['seconds']:.1f} s, {row['outcomes']}"]
    for path, found in row["latency"].items():
        lines.append(f"{path}: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in found.items()))
    lines.append("memory [MiB]: " + ", ".join(f"{name} {mib:.0f}" for name, mib in row["memory"].items()))
    for one in row["single"]["requests"]:
        size, whole, networks = row["single"]["size"], one["seconds"], one["networks"]
        lines.append(f"{one['path']} alone, {size}: {whole:.3f} s, of these the networks {networks:.3f} s")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
