"""main.py as a process of its own, read while it runs."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

ROOT = pathlib.Path(__file__).parents[1]
_HIDDEN = pathlib.Path(__file__).parent / "hidden"
PATIENCE = 120.0  # seconds until something is waited for in vain; runs share the machine with other tests


def environment() -> dict[str, str]:
    """That of this process, in which main.py does not find PyTorch, and starts as fast as where there is none."""
    path = [str(_HIDDEN), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


class Run:
    """Attributes: `lines` that it has printed so far, both streams; `begun`, when it was started."""

    def __init__(self, workdir: pathlib.Path, *options: str):
        """Starts main.py with configs/tiny.py, in a session of its own."""
        command = [sys.executable, "main.py", "--config=configs/tiny.py", f"--workdir={workdir}", *options]
        self.lines: list[str] = []
        self.begun = time.monotonic()
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.lines.extend(iter(self._process.stdout.readline, ""))

    @property
    def output(self) -> str:
        return "".join(self.lines.copy())

    def found(self, pattern: str) -> list[str]:
        """What `pattern` matches in the output so far."""
        return re.findall(pattern, self.output)

    def wait_for(self, condition: Callable[[], object], interval: float = 0.05) -> None:
        """Returns when `condition` holds; fails when the process ends before."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert self._process.poll() is None and time.monotonic() < end, self.output
            time.sleep(interval)

    def signal(self, number: int) -> None:
        """Sends a signal to the process and to its children, as a terminal does."""
        os.killpg(self._process.pid, number)

    def processes(self) -> list[int]:
        """The processes of its session that still run, itself and its children."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):  # it may end meanwhile
                state, _, _, session = path.read_text().rpartition(")")[2].split()[:4]
                if int(session) == self._process.pid and state != "Z":
                    found.append(int(path.parent.name))
        return found

    def kill(self) -> None:
        """kill -9 of the process alone; returns when it has gone."""
        self._process.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> int:
        """Waits for the end; returns the status."""
        try:
            return self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._reader.join()
            assert self._process.stdout is not None
            self._process.stdout.close()
