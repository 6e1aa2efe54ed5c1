"""Writes the metrics of a run to the progress bar, metrics.jsonl and TensorBoard."""

import contextlib
import functools
import json
import math
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tqdm import tqdm

from edgeconnect_jax.host.errors import NotSavedError
from edgeconnect_jax.host.files import write_whole
from edgeconnect_jax.training.events import Events

METRICS_FILE, EVENTS = "metrics.jsonl", "events.out.*"
# Seconds between updates of a progress bar that is written to a file instead of a terminal.
_QUIET_INTERVAL = 30.0


def say(text: str) -> None:
    """Prints a line above the progress bar, if any."""
    tqdm.write(text)
    sys.stdout.flush()


class Summaries:
    """Writes the metrics of one run.

    Every method raises NotSavedError with the name of the file if it cannot write.
    """

    def __init__(
        self,
        workdir: pathlib.Path,
        first_step: int,
        last_step: int,
        *,
        keeps: Callable[[int, str], bool],
        verbose: bool,
        title: str = "",
    ):
        """Opens the files of `workdir`.

        Args:
            workdir: folder of the run.
            first_step: number of steps already taken.
            last_step: number of steps of the whole run.
            keeps: (step, kind) -> whether to keep a line of an earlier run.
            verbose: whether to also print a line for every entry.
            title: title of the progress bar.
        """
        self._verbose = verbose
        self._workdir, self._first_step = workdir, first_step
        self._path = workdir / METRICS_FILE
        with writing(self._path):
            _truncate(self._path, keeps)
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
        """Advances the bar by a step."""
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
        """Closes the bar and the files."""
        self._bar.close()
        with writing(self._workdir / EVENTS):
            if "_events" in vars(self):
                self._events.close()
        with writing(self._path):
            self._file.close()


@contextlib.contextmanager
def writing(path: pathlib.Path) -> Iterator[None]:
    """Raises NotSavedError, with the name of `path`, in place of OSError."""
    try:
        yield
    except OSError as error:
        raise NotSavedError(f"{path}: could not be written ({error.strerror or error})") from error


class NoSummaries(Summaries):
    """Accepts the same calls and writes nothing."""

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
    """Replaces NaN and infinity, which JSON lacks, by text so that they are visible."""
    return {k: str(v) if v is not None and not math.isfinite(v) else v for k, v in values.items()}


def format_values(values: Mapping[str, float | None]) -> str:
    """ "a 1.234, b undefined" """
    return ", ".join(f"{name} {'undefined' if v is None else f'{v:.4g}'}" for name, v in values.items())


def _truncate(path: pathlib.Path, keeps: Callable[[int, str], bool]) -> None:
    """Removes the entries that are not kept and an incomplete last line."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            break
        if line.endswith("\n") and keeps(entry["step"], entry["kind"]):
            kept.append(line)
    write_whole(path, "".join(kept))
