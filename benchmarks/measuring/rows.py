"""The rows that measurements leave: as JSON for programs, as Markdown tables for people."""

import importlib.metadata
import importlib.util
import pathlib
import platform
import re
import shlex
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.measuring import timing
from benchmarks.sides.edgeconnect.cases import Case
from benchmarks.sides.worker import OURS
from edgeconnect_jax.host.tables import format_table

_PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "torch")
_GIB = 2**30
_MILLI = 1e-3

Row = dict[str, Any]


def row(
    case: Case,
    seconds: Mapping[str, Sequence[float]],
    memory: Mapping[str, Mapping[str, int | None]],
    flops: Mapping[str, float],
    peak: float,
) -> Row:
    """A row of a case.

    Args:
        case: what was measured.
        seconds: "ours" and PyTorch's memory formats -> seconds of each run; the fastest of the latter counts.
        memory: the same names -> `memory` of the process and `device_memory`, in bytes.
        flops: of a run: `by_hand` and `by_xla`.
        peak: FLOP/s of matrix products.
    """
    formats = {name: statistics.median(taken) for name, taken in seconds.items() if name != OURS}
    best = min(formats, key=lambda name: formats[name], default=None)
    made = timing.row(str(case), seconds[OURS], seconds[best] if best else None, **case._asdict())
    ours, theirs = made["ours"], made["theirs"]
    own, other = memory[OURS], memory[best] if best else {"memory": None, "device_memory": None}
    return made | {
        "theirs_by_memory_format": formats,
        "their_memory_format": best,
        "images_per_second": case.batch / ours,
        "their_images_per_second": _over(case.batch, theirs),
        "memory": own["memory"],
        "their_memory": other["memory"],
        "memory_ratio": _over(own["memory"], other["memory"]),
        "device_memory": own["device_memory"],
        "their_device_memory": other["device_memory"],
        "flops_by_hand": flops["by_hand"],
        "flops_by_xla": flops["by_xla"],
        "flops_ratio": flops["by_xla"] / flops["by_hand"],
        "peak": peak,
        "share_of_peak": flops["by_hand"] / ours / peak,
        "their_share_of_peak": _over(flops["by_hand"] / peak, theirs),
    }


def _over(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if numerator is not None and denominator else None


def tables(found: Sequence[Row]) -> str:
    """The Markdown tables of time, of memory and of operations, with a line on the machine."""
    environment = found[0]["environment"]
    versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    head = (
        f"{environment['machine']}, {environment['threads']} threads, on {environment['device']}; {versions}; "
        f"{environment['date']}; matrix products in {found[0]['dtype']}: {found[0]['peak'] / 1e9:.5g} GFLOP/s\n"
        f"{environment['command']}"
    )
    return "\n\n".join([head, _times(found), _memory(found), _operations(found)])


def _times(found: Sequence[Row]) -> str:
    titles = ("ms", "PyTorch ms", "ratio", "pictures/s", "PyTorch's", "of the peak", "PyTorch's", "difference")
    cells = [
        [
            r["case"],
            *(_number(r[name], _MILLI, "{:.1f}") for name in ("ours", "theirs")),
            _number(r["ratio"], 1, "{:.2f}"),
            *(_number(r[name], 1, "{:.4g}") for name in ("images_per_second", "their_images_per_second")),
            *(_number(r[name], 1, "{:.0%}") for name in ("share_of_peak", "their_share_of_peak")),
            _number(r["difference"], 1, "{:.1e}"),
        ]
        for r in found
    ]
    return format_table(["time", *titles], cells)


def _memory(found: Sequence[Row]) -> str:
    titles = ("GiB", "PyTorch GiB", "ratio", "device GiB", "PyTorch's")
    cells = [
        [
            r["case"],
            *(_number(r[name], _GIB, "{:.2f}") for name in ("memory", "their_memory")),
            _number(r["memory_ratio"], 1, "{:.2f}"),
            *(_number(r[name], _GIB, "{:.2f}") for name in ("device_memory", "their_device_memory")),
        ]
        for r in found
    ]
    return format_table(["peak memory of the process", *titles], cells)


def _operations(found: Sequence[Row]) -> str:
    cells = [
        [r["case"], *(f"{r[name] / 1e9:.1f}" for name in ("flops_by_hand", "flops_by_xla")), f"{r['flops_ratio']:.3f}"]
        for r in found
    ]
    return format_table(["operations", "GFLOP by hand", "GFLOP by XLA", "ratio"], cells)


def _number(value: float | None, unit: float, text: str) -> str:
    return "-" if value is None else text.format(value / unit)


def environment(command: str, threads: int) -> Row:
    """What a row has to say of where and when it was measured, all but the device."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES if importlib.util.find_spec(name)}
    return {
        "machine": f"{_processor()}, {platform.system()}",
        "threads": threads,
        "versions": {"Python": platform.python_version(), **versions},
        "date": datetime.now(UTC).date().isoformat(),
        "command": command,
    }


def _processor() -> str:
    """The processor's name."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"model name\s*:\s*(.+)", text)
    return found[1] if found else platform.processor() or platform.machine()


def command_line(name: str, arguments: Sequence[str]) -> str:
    """How a program of this folder was started."""
    return shlex.join(["python", f"benchmarks/{name}", *arguments])
