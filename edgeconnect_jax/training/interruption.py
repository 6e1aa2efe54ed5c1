"""Handles SIGTERM and Ctrl-C: the run finishes its step, saves and exits."""

import signal
import sys
import threading
from types import FrameType
from typing import Any

from edgeconnect_jax.host.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """A context in which both signals set `signal` instead of ending the process; a further Ctrl-C ends it at once.

    A further SIGTERM has no effect, because it is often sent twice, to a process and to its group. Outside the main
    thread, where Python cannot handle signals, the context does nothing.

    Attributes:
        signal: the signal received, or None.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not a Python handler

    def ended(self) -> Interrupted:
        """The exception to raise once the run has saved."""
        by = self.signal.name if self.signal else "a signal to another process"
        return Interrupted(f"stopped by {by}; the same command resumes the run", self.signal or signal.SIGTERM)

    def _note(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends the process even inside XLA, where Python runs no handlers
        if self.signal is None:
            self.signal = signal.Signals(number)
            sys.stderr.write(f"\n{self.signal.name}: finishing the step, then saving. Ctrl-C ends at once\n")
