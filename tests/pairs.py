"""Two real processes of main.py on loopback, with two virtual CPU devices each."""

import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from tests.processes import environment as environment_of_main

ROOT = pathlib.Path(__file__).parents[1]
PATIENCE = 300.0  # seconds until a test gives up

_EIGHT, _TWO = (f"--xla_force_host_platform_device_count={count}" for count in (8, 2))


def free_port() -> int:
    """A port of loopback that nothing uses."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def by_flags(index: int, port: int, count: int = 2) -> list[str]:
    """The flags that make one of `count` processes."""
    return [f"--coordinator_address=127.0.0.1:{port}", f"--num_processes={count}", f"--process_id={index}"]


class Process:
    """main.py, started; `stdout` and `stderr` are files, so that it never waits for a reader."""

    def __init__(self, folder: pathlib.Path, arguments: Sequence[str], environment: dict[str, str] | None = None):
        folder.mkdir(parents=True, exist_ok=True)
        self._outputs = folder / "stdout", folder / "stderr"
        flags = os.environ["XLA_FLAGS"].replace(_EIGHT, _TWO)
        with self._outputs[0].open("w") as stdout, self._outputs[1].open("w") as stderr:
            self.popen = subprocess.Popen(
                [sys.executable, "main.py", *arguments],
                cwd=ROOT,
                env={**environment_of_main(), "XLA_FLAGS": flags, **(environment or {})},
                stdout=stdout,
                stderr=stderr,
            )

    @property
    def stdout(self) -> str:
        return self._outputs[0].read_text()

    @property
    def stderr(self) -> str:
        return self._outputs[1].read_text()

    def wait(self) -> int:
        """Its exit status."""
        return self.popen.wait(PATIENCE)


def start(folder: pathlib.Path, options: Sequence[str], own: Sequence[Sequence[str]] = ((), ())) -> list[Process]:
    """Both processes, told by flags, with `options` and each with some of its `own`."""
    port = free_port()
    return [Process(folder / str(i), [*options, *own[i], *by_flags(i, port)]) for i in range(2)]


def finish(processes: Sequence[Process]) -> None:
    """Waits for all, and asserts that all is well."""
    try:
        statuses = [process.wait() for process in processes]
    finally:
        end(processes)
    assert statuses == [0] * len(processes), "\n".join(process.stderr[-3000:] for process in processes)


def end(processes: Sequence[Process]) -> None:
    """Ends what still runs."""
    for process in processes:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.wait()


def until(true: Callable[[], bool], processes: Sequence[Process]) -> None:
    """Waits for `true`, while all processes run."""
    limit = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < limit
        assert all(process.popen.poll() is None for process in processes), processes[0].stderr[-3000:]
        time.sleep(0.1)
