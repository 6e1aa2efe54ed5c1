"""Timing of two sides in turn, and the rows that the benchmarks print and write."""

import json
import pathlib
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgeconnect_jax.host.files import write_whole


def in_turn(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Times each side `rounds` times, A B A B ..., so that other load on the machine disturbs all of them.

    A side that returns a float has measured its own seconds.

    Returns:
        Side -> seconds of each of its runs.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        # Every second round in reverse order, since a side that runs after a slow one may find a warmer machine.
        for name in list(sides)[:: -1 if number % 2 else 1]:
            begun = time.perf_counter()
            own = sides[name]()
            seconds[name].append(own if isinstance(own, float) else time.perf_counter() - begun)
    return seconds


def row(case: str, ours: Sequence[float], theirs: Sequence[float] | None, **more: Any) -> dict[str, Any]:
    """A row of a table: medians in seconds, and how many times as fast ours is, the median over the rounds.

    Args:
        case: what was timed.
        ours: seconds of each run.
        theirs: seconds of each run, in the same order; None = not measured.
        more: further columns.
    """
    return {
        "case": case,
        "unit": "s",
        "ours": statistics.median(ours),
        "theirs": statistics.median(theirs) if theirs else None,
        "ratio": statistics.median(b / a for a, b in zip(ours, theirs, strict=True)) if theirs else None,
        "rounds": len(ours),
        **more,
    }


def line(found: Mapping[str, Any]) -> str:
    """A row in one line."""
    if found["theirs"] is None:
        return f"{found['case']}: ours {found['ours']:.3g} s"
    times = f"{found['ratio']:.2f} times as fast, {1 / found['ratio']:.2f} times the time"
    return f"{found['case']}: ours {found['ours']:.3g} s, theirs {found['theirs']:.3g} s; {times}"


def write(path: pathlib.Path | None, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes rows as JSON, whole, if there is a path."""
    if path is not None:
        write_whole(path, json.dumps(list(rows), indent=2) + "\n")
