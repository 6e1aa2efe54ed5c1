"""The queue for the device: one thread runs the networks for one request at a time."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, NamedTuple, TypeVar

from edgeconnect_jax.host.threads import cores

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


class Full(Exception):
    """The queue is full; `seconds` is the time that the device took for the last request."""

    def __init__(self, seconds: float):
        super().__init__(f"the queue is full, the last request took {seconds:.1f} s")
        self.seconds = seconds


class Timed(NamedTuple, Generic[_T]):
    """The result of work, and the seconds for which it waited and ran."""

    value: _T
    waited: float
    took: float


class Device:
    """A thread that runs the networks for a bounded number of requests.

    Attributes:
        places: maximum number of requests that are being read, waiting or being computed.
        taken: number of places in use.
        warm_ups: number of tasks passed to `warm_up`.
        warm_ups_done: number of these that are finished.
    """

    def __init__(self, places: int):
        """Starts with `places` free places."""
        self.places = places
        self.taken = 0
        self.warm_ups = self.warm_ups_done = 0
        self._last_seconds = 1.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="device")
        # One per core, because each may hold a few large arrays.
        self._helpers = ThreadPoolExecutor(cores(), thread_name_prefix="pictures")

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Holds a place in the queue. Call it only in the thread of the event loop.

        Raises:
            Full: all places are taken.
        """
        if self.taken >= self.places:
            raise Full(self._last_seconds)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def run(self, work: Callable[[], _T]) -> Timed[_T]:
        """Runs work in the thread after all earlier work, or not at all if the awaiting task is cancelled first."""
        asked = time.monotonic()

        def timed() -> Timed[_T]:
            begun = time.monotonic()
            value = work()
            self._last_seconds = time.monotonic() - begun
            return Timed(value, begun - asked, self._last_seconds)

        return await asyncio.get_running_loop().run_in_executor(self._thread, timed)

    async def aside(self, work: Callable[..., _T], *arguments: Any) -> _T:
        """Runs work without networks (decoding, Canny, encoding) in one of a few other threads."""
        return await asyncio.get_running_loop().run_in_executor(self._helpers, work, *arguments)

    def warm_up(self, works: Sequence[Callable[[], object]]) -> None:
        """Runs work in the thread while it is idle: each item is queued when the previous one is done."""
        self.warm_ups, self.warm_ups_done = len(works), 0
        remaining = iter(works)

        def next_one() -> None:
            for work in remaining:
                try:
                    work()
                except Exception:
                    _LOG.exception("warming up failed; requests of that size will report the reason")
                self.warm_ups_done += 1
                self._later(next_one)
                return

        self._later(next_one)

    def _later(self, work: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # raised while the thread is closing
            self._thread.submit(work)

    def close(self) -> None:
        """Cancels waiting work and returns when the current work is done."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._helpers.shutdown(cancel_futures=True)
