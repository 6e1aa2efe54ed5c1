"""Work on many pictures in threads. What it takes, decoding and arithmetic, lets go of Python's lock."""

import collections
import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_MOST = 16
_T = TypeVar("_T")
_R = TypeVar("_R")


def in_threads(
    work: Callable[[_T], _R], items: Iterable[_T], *, most: int = _MOST, finish: bool = False
) -> Generator[_R, None, None]:
    """The results of `work` in the order of the items, a few ahead of whoever takes them.

    Items are taken in the thread that takes the results. A result is handed on as soon as it is there and the next
    item is being worked on, so that errors are noticed early, but never before all that were asked for earlier.

    Args:
        work: done in threads.
        items: what on; an endless or slow iterable is taken from as results are, no more than a few ahead.
        most: threads, where there are so many cores; twice as many items may wait.
        finish: work on what waits is done even if the results are no longer taken, or an error ends them.
    """
    workers = min(cores(), most)
    waiting: collections.deque[Future[_R]] = collections.deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                # One at a time, and never the last, lest no work be ahead.
                if len(waiting) > 2 * workers or (len(waiting) > 1 and waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in () if finish else waiting:
                future.cancel()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
