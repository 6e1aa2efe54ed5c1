"""Makes worker processes end when their parent does, neither before nor after."""

import multiprocessing
import os
import signal
import threading


def end_with_parent() -> None:
    """Ends this worker when its parent is gone, even if it was killed; otherwise it would wait for work forever."""
    threading.Thread(target=_wait_for_the_end, daemon=True).start()


def _wait_for_the_end() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def begin(index: int, count: int) -> None:
    """What a worker of grain, number `index` of `count`, does first.

    Ctrl-C in a terminal, and SIGTERM from some schedulers, reach all processes of a run. The parent decides what they
    mean, and still needs batches to finish its step.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    end_with_parent()
