"""The queue to the device: one thread runs the networks, for one request after the other."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")


class Full(Exception):
    """There is no place left; `seconds` is how long the device took for the last request."""

    def __init__(self, seconds: float):
        super().__init__(f"no place left, the last request took {seconds:.1f} s")
        self.seconds = seconds


class Timed(NamedTuple, Generic[_T]):
    """What work gave, and the seconds that it waited and took."""

    value: _T
    waited: float
    took: float


class Device:
    """A thread, and a bounded number of requests that it works for."""

    def __init__(self, places: int):
        """Starts with `places` for requests, those that are computed included."""
        self.places = places
        self.taken = 0
        self.warm_ups = self.warm_ups_done = 0
        self._last_seconds = 1.0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="device")

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Holds a place in the queue; for the thread of the event loop only.

        Raises:
          Full: there is none left.
        """
        if self.taken >= self.places:
            raise Full(self._last_seconds)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    async def run(self, work: Callable[[], _T]) -> Timed[_T]:
        """Does work in the thread after all that came before; if the task that waits is cancelled first, never."""
        asked = time.monotonic()

        def timed() -> Timed[_T]:
            begun = time.monotonic()
            value = work()
            self._last_seconds = time.monotonic() - begun
            return Timed(value, begun - asked, self._last_seconds)

        return await asyncio.get_running_loop().run_in_executor(self._thread, timed)

    def warm_up(self, works: Sequence[Callable[[], object]]) -> None:
        """Does work in the thread while nobody waits: each goes to the end of the queue after the one before it."""
        self.warm_ups, self.warm_ups_done = len(works), 0
        remaining = iter(works)

        def next_one() -> None:
            for work in remaining:
                try:
                    work()
                except Exception:
                    _LOG.exception("warming up failed; requests of that size will say why")
                self.warm_ups_done += 1
                self._later(next_one)
                return

        self._later(next_one)

    def _later(self, work: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # raised once the thread is being closed
            self._thread.submit(work)

    def close(self) -> None:
        """Gives up what waits, and returns when what is being computed is done."""
        self._thread.shutdown(wait=True, cancel_futures=True)
