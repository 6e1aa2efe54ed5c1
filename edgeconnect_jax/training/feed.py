"""Batches on their way to the devices: a thread loads and places the next ones while a step runs."""

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

# Batches that wait on the devices; one more is on its way there.
_WAITING = 1
_POLL = 0.1  # seconds after which a thread that waits looks whether it is to end

Batch = Any
# Where an iterator stood when some batch had been taken, as JSON can hold it. It counts global batches: it is the same
# in every process, and for any number of them.
Position = dict[str, Any]


class Feed:
    """An iterator over what each training step takes, a bounded number of batches ahead of who takes it.

    The data iterator is ahead, too: `position` is that of the batches that were taken, from which a run goes on.

    Attributes:
        pictures: the indices of those in the batches that were taken last.
    """

    def __init__(self, data: Any, count: int, place: Callable[[Batch], Batch]):
        """Starts to load; nothing else may use `data` from now on.

        Args:
            data: grain iterator over batches, dicts of arrays [B, ...].
            count: batches that a step takes.
            place: puts what a step takes, arrays [count, B, ...], where it is wanted; called in the thread.
        """
        self._data, self._count, self._place = data, count, place
        self._taken = data.get_state()
        self.pictures = np.zeros(0, np.int32)
        self._ready: queue.Queue[Any] = queue.Queue(_WAITING)
        self._error: BaseException | None = None  # for whoever asks again after the thread has ended
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._thread.start()

    @property
    def position(self) -> Position:
        """That of the data after the batches that were taken."""
        return self._taken

    def __next__(self) -> Batch:
        """The batches of the next step, placed; raises what loading them raised, RuntimeError after `close`."""
        if self._error is None:
            if self._ending.is_set():
                raise RuntimeError("the feed is closed")
            batches, state, pictures, self._error = self._ready.get()
        if self._error is not None:
            raise self._error
        self._taken, self.pictures = state, pictures
        return batches

    def close(self) -> None:
        """Ends the thread; the data iterator stays ahead."""
        self._ending.set()
        self._thread.join()
        # Nothing of what waits may outlive the worker processes, whose memory it lies in.
        with contextlib.suppress(queue.Empty):
            while True:
                self._ready.get_nowait()

    def rewind(self) -> None:
        """`close`, and sets the data iterator back to `position`, for another feed to go on from."""
        self.close()
        self._data.set_state(self._taken)

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                batches = [next(self._data) for _ in range(self._count)]
                self._put(self._place(_stacked(batches)), self._data.get_state(), _pictures(batches), None)
            except BaseException as error:  # whoever takes the batches raises it
                self._put(None, None, None, error)
                return

    def _put(self, *item: Any) -> None:
        while not self._ending.is_set():
            try:
                self._ready.put(item, timeout=_POLL)
                return
            except queue.Full:
                continue


def _pictures(batches: list[Batch]) -> np.ndarray:
    """The indices of the pictures in the batches; none where the batches do not tell."""
    return np.concatenate([np.asarray(batch.get("id", np.zeros(0, np.int32))) for batch in batches])


def _stacked(batches: list[Batch]) -> Batch:
    """Batches with one more leading axis; without a copy of a single one."""
    if len(batches) == 1:
        return jax.tree.map(lambda x: x[None], batches[0])
    return jax.tree.map(lambda *arrays: np.stack(arrays), *batches)
