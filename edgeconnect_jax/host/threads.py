"""Processes many pictures in threads. Decoding and arithmetic release the GIL."""

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
    """Yields the results of `work` in the order of the items, computing a few ahead of the consumer.

    The consumer's thread iterates over `items`. Each result is yielded as soon as it and all earlier ones are ready and
    the next item has been submitted, so that errors surface early.

    Args:
        work: function to run in threads.
        items: its arguments; may be endless or slow, because only a few are taken ahead of the results.
        most: maximum number of threads, limited by the number of cores; up to twice as many items are queued.
        finish: whether to finish queued items even if the consumer stops early or an error occurs.
    """
    workers = min(cores(), most)
    waiting: collections.deque[Future[_R]] = collections.deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                # Yield one at a time and never the last, so that work is always queued.
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
