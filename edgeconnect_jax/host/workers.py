"""Ties the life of worker processes to that of their parent."""

import multiprocessing
import os
import signal
import threading


def end_with_parent() -> None:
    """Ends this worker when its parent ends, even if killed; otherwise the worker would wait for work forever."""
    threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def begin(index: int, count: int) -> None:
    """Initializes grain's worker `index` of `count`.

    Ctrl-C in a terminal, and SIGTERM from some schedulers, reach all processes of a run. Workers ignore both: the
    parent handles them and still needs batches to finish its step.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()
