"""The queue for the device: one thread runs the networks, for one request after the other."""

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
    """The queue is full; `seconds` is how long the device took for the last request."""

    def __init__(self, seconds: float):
        super().__init__(f"the queue is full, the last request took {seconds:.1f} s")
        self.seconds = seconds


class Timed(NamedTuple, Generic[_T]):
    """The result of work, and the seconds that it waited and took."""

    value: _T
    waited: float
    took: float


class Device:
    """A thread that runs the networks, and a bounded number of requests that it works for.

    Attributes:
        places: requests that may be read, wait or be computed at once.
        taken: places in use.
        warm_ups: work that `warm_up` was given.
        warm_ups_done: of these, finished ones.
    """

    def __init__(self, places: int):
        """Starts with `places` free places."""
        self.places = places
        self.taken = 0
        self.warm_ups = self.warm_ups_done = 0
        self._last_seconds = 1.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="device")
        # One a core, since each may hold a few large arrays.
        self._helpers = ThreadPoolExecutor(cores(), thread_name_prefix="pictures")

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Holds a place in the queue. Call it in the thread of the event loop only.

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
        """Runs work in the thread after all earlier work; not at all if the waiting task is cancelled before."""
        asked = time.monotonic()

        def timed() -> Timed[_T]:
            begun = time.monotonic()
            value = work()
            self._last_seconds = time.monotonic() - begun
            return Timed(value, begun - asked, self._last_seconds)

        return await asyncio.get_running_loop().run_in_executor(self._thread, timed)

    async def aside(self, work: Callable[..., _T], *arguments: Any) -> _T:
        """Runs what needs no network in one of a few other threads: decoding, Canny, encoding."""
        return await asyncio.get_running_loop().run_in_executor(self._helpers, work, *arguments)

    def warm_up(self, works: Sequence[Callable[[], object]]) -> None:
        """Runs work in the thread while it is idle: each item joins the end of the queue after the one before."""
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
        """Cancels waiting work, and returns when the current one is done."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._helpers.shutdown(cancel_futures=True)
