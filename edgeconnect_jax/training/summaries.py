"""Where the numbers of a run go: the progress bar, metrics.jsonl and TensorBoard events."""

import functools
import json
import math
import os
import pathlib
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax
from tqdm import tqdm

from edgeconnect_jax.tasks.base import Sums

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

METRICS_FILE = "metrics.jsonl"
# Seconds between two updates of a bar that goes to a file instead of a terminal.
_QUIET_INTERVAL = 30.0

Values = dict[str, float | None]


# Steps whose sums may wait on the device before they are fetched.
_MOST_PENDING = 100


class Totals:
    """Adds up sums and counts over steps, in float64 on the host, where small terms do not get lost.

    Fetching waits for the device, so sums are fetched in bundles and the device works on.
    """

    def __init__(self) -> None:
        self._pending: list[Sums] = []
        self._sums: dict[str, tuple[float, float]] = {}

    def add(self, sums: Sums) -> None:
        """Adds the sums of one step."""
        self._pending.append(sums)
        if len(self._pending) >= _MOST_PENDING:
            self._fetch()

    def take(self) -> Values:
        """Each metric as sum / count, None where nothing was counted and it is undefined; starts again from nothing."""
        self._fetch()
        values = {name: value / count if count else None for name, (value, count) in sorted(self._sums.items())}
        self._sums = {}
        return values

    def _fetch(self) -> None:
        for sums in jax.device_get(self._pending):
            for name, (value, count) in sums.items():
                total, number = self._sums.get(name, (0.0, 0.0))
                self._sums[name] = total + float(value), number + float(count)
        self._pending = []


class Summaries:
    """Writes the metrics of one run."""

    def __init__(self, workdir: pathlib.Path, first_step: int, last_step: int, *, verbose: bool, title: str = ""):
        """Opens the files of `workdir`; what an earlier run wrote of steps after `first_step` is taken back.

        Args:
            workdir: folder of the run.
            first_step: steps taken already.
            last_step: steps of the whole run.
            verbose: print a line for every entry besides moving the bar.
            title: what the bar is called.
        """
        self._verbose = verbose
        self._workdir, self._first_step = workdir, first_step
        self._path = workdir / METRICS_FILE
        _truncate(self._path, first_step)
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
    def _events(self) -> "SummaryWriter":
        """TensorBoard's file, opened at the first event: tensorboardX imports PyTorch, where that is installed."""
        from tensorboardX import SummaryWriter

        return SummaryWriter(str(self._workdir), purge_step=self._first_step + 1 if self._first_step else None)

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
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()
        for name, value in values.items():
            if value is not None:
                self._events.add_scalar(f"{kind}/{name}", value, step)
        text = format_values(values)
        if kind == "train":
            self._bar.set_postfix_str(text, refresh=False)
        if kind != "train" or self._verbose:
            self.say(f"step {step} {kind}: {text}")

    def say(self, text: str) -> None:
        """Prints a line above the bar."""
        self._bar.write(text)

    def add_image(self, step: int, image: Any) -> None:
        """Shows a picture [H, W, 3] uint8 in TensorBoard."""
        self._events.add_image("samples", image, step, dataformats="HWC")

    def close(self) -> None:
        """Ends the bar and closes the files."""
        self._bar.close()
        if "_events" in vars(self):
            self._events.close()
        self._file.close()


class NoSummaries(Summaries):
    """Takes the same and writes nothing."""

    def __init__(self) -> None:
        pass

    def advance(self) -> None:
        pass

    def write(self, step: int, kind: str, values: Mapping[str, float | None]) -> None:
        pass

    def say(self, text: str) -> None:
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


def _truncate(path: pathlib.Path, step: int) -> None:
    """Drops the entries of steps after `step`, and an unfinished last line."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            after = json.loads(line)["step"] > step
        except json.JSONDecodeError:
            break
        if not after:
            kept.append(line)
    beside = path.with_suffix(".tmp")
    beside.write_text("".join(kept), encoding="utf-8")
    os.replace(beside, path)
