"""Where the numbers of a run go: the progress bar, metrics.jsonl and TensorBoard events."""

import contextlib
import functools
import json
import math
import os
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
from tqdm import tqdm

from edgeconnect_jax.host.errors import NotSavedError
from edgeconnect_jax.tasks.task import Sums
from edgeconnect_jax.training.events import Events

METRICS_FILE, EVENTS = "metrics.jsonl", "events.out.*"
# Seconds between two updates of a bar that goes to a file instead of a terminal.
_QUIET_INTERVAL = 30.0

Values = dict[str, float | None]
# Sums that may wait on the device before they are fetched.
_MOST_PENDING = 100


class Totals:
    """Adds up sums and counts over steps, in float64 on the host, where small terms do not get lost.

    Fetching waits for the device, so sums are fetched in bundles and the device works on.
    """

    def __init__(self, sums: Mapping[str, Sequence[float]] | None = None) -> None:
        """Goes on from `sums`, what the method of this name returned; None starts from nothing."""
        self._pending: list[Sums] = []
        self._sums: dict[str, tuple[float, float]] = {name: (x, count) for name, (x, count) in (sums or {}).items()}

    def add(self, sums: Sums) -> None:
        """Adds the sums of one step."""
        self._pending.append(sums)
        if len(self._pending) >= _MOST_PENDING:
            self._fetch()

    def sums(self) -> dict[str, tuple[float, float]]:
        """Metric -> (sum, count) so far."""
        self._fetch()
        return dict(self._sums)

    def values(self) -> Values:
        """Each metric as sum / count, None where nothing was counted and it is undefined."""
        return {name: value / count if count else None for name, (value, count) in sorted(self.sums().items())}

    def take(self) -> Values:
        """`values`, and starts again from nothing."""
        values = self.values()
        self._sums = {}
        return values

    def _fetch(self) -> None:
        for sums in jax.device_get(self._pending):
            for name, (value, count) in sums.items():
                total, number = self._sums.get(name, (0.0, 0.0))
                self._sums[name] = total + float(value), number + float(count)
        self._pending = []


def say(text: str) -> None:
    """Prints a line above the bar, where there is one."""
    tqdm.write(text)
    sys.stdout.flush()


class Summaries:
    """Writes the metrics of one run.

    Whatever it writes raises NotSavedError, by the name of the file, where that fails.
    """

    def __init__(
        self,
        workdir: pathlib.Path,
        first_step: int,
        last_step: int,
        *,
        stands: Callable[[int, str], bool],
        verbose: bool,
        title: str = "",
    ):
        """Opens the files of `workdir`.

        Args:
            workdir: folder of the run.
            first_step: steps taken already.
            last_step: steps of the whole run.
            stands: (step, kind) -> whether to keep a line that an earlier run wrote.
            verbose: print a line for every entry besides moving the bar.
            title: what the bar is called.
        """
        self._verbose = verbose
        self._workdir, self._first_step = workdir, first_step
        self._path = workdir / METRICS_FILE
        with writing(self._path):
            _truncate(self._path, stands)
            self._file = self._path.open("a", encoding="utf-8")
        interval = 0.1 if sys.stderr.isatty() else _QUIET_INTERVAL
        self._bar = tqdm(
            total=last_step,
            initial=first_step,
            desc=title,
            unit="step",
            mininterval=interval,
            dynamic_ncols=True,
        )

    @functools.cached_property
    def _events(self) -> Events:
        """TensorBoard's file, opened at the first event."""
        return Events(self._workdir, self._first_step)

    def advance(self) -> None:
        """Moves the bar on by a step."""
        self._bar.update()

    def write(self, step: int, kind: str, values: Mapping[str, float | None]) -> None:
        """Records `values` at `step`.

        Args:
            step: steps taken.
            kind: "train" or "validation".
            values: None = undefined.
        """
        entry: dict[str, Any] = {"step": step, "kind": kind, "time": round(time.time(), 3), **_finite(values)}
        with writing(self._path):
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()
        with writing(self._workdir / EVENTS):
            self._events.add_scalars(step, {f"{kind}/{name}": value for name, value in values.items()})
        text = format_values(values)
        if kind == "train":
            self._bar.set_postfix_str(text, refresh=False)
        if kind != "train" or self._verbose:
            say(f"step {step} {kind}: {text}")

    def add_image(self, step: int, image: Any) -> None:
        """Shows a picture [H, W, 3] uint8 in TensorBoard."""
        with writing(self._workdir / EVENTS):
            self._events.add_image(step, "samples", image)

    def close(self) -> None:
        """Ends the bar and closes the files."""
        self._bar.close()
        with writing(self._workdir / EVENTS):
            if "_events" in vars(self):
                self._events.close()
        with writing(self._path):
            self._file.close()


@contextlib.contextmanager
def writing(path: pathlib.Path) -> Iterator[None]:
    """Raises NotSavedError, by the name of `path`, in place of OSError."""
    try:
        yield
    except OSError as error:
        raise NotSavedError(f"{path}: it could not be written ({error.strerror or error})") from error


class NoSummaries(Summaries):
    """Takes the same and writes nothing."""

    def __init__(self) -> None:
        pass

    def advance(self) -> None:
        pass

    def write(self, step: int, kind: str, values: Mapping[str, float | None]) -> None:
        pass

    def add_image(self, step: int, image: Any) -> None:
        pass

    def close(self) -> None:
        pass


def _finite(values: Mapping[str, float | None]) -> dict[str, float | str | None]:
    """JSON has no NaN and no infinity; they are written as text, to be seen."""
    return {k: str(v) if v is not None and not math.isfinite(v) else v for k, v in values.items()}


def format_values(values: Mapping[str, float | None]) -> str:
    """ "a 1.234, b undefined" """
    return ", ".join(f"{name} {'undefined' if v is None else f'{v:.4g}'}" for name, v in values.items())


def _truncate(path: pathlib.Path, stands: Callable[[int, str], bool]) -> None:
    """Drops the entries that do not stand, and an unfinished last line."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            break
        if line.endswith("\n") and stands(entry["step"], entry["kind"]):
            kept.append(line)
    beside = path.with_suffix(".tmp")
    beside.write_text("".join(kept), encoding="utf-8")
    os.replace(beside, path)
