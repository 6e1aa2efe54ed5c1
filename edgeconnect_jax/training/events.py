"""Writes TensorBoard events in the calling thread, so that errors are raised where they occur."""

import pathlib
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

_FLUSH_INTERVAL = 30.0  # seconds


class Events:
    """Appends events to a new file. tensorboardX is imported here because it imports PyTorch if that is installed."""

    def __init__(self, folder: pathlib.Path, first_step: int):
        """Opens the file and purges events of earlier files in `folder` for steps after `first_step`."""
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto import event_pb2

        self._protocol: Any = event_pb2  # generated on import, so that its types are unknown
        self._writer = EventsWriter(str(folder / "events"))
        self._flushed = time.monotonic()
        if first_step:
            start = self._protocol.SessionLog(status=self._protocol.SessionLog.START)
            self._writer.write_event(self._protocol.Event(step=first_step + 1, session_log=start))

    def add_scalars(self, step: int, values: Mapping[str, float | None]) -> None:
        """Writes numbers by their tags; skips None."""
        from tensorboardX.summary import scalar

        for tag, value in values.items():
            if value is not None:
                self._write(step, scalar(tag, value))

    def add_image(self, step: int, tag: str, image: np.ndarray) -> None:
        """Writes a picture [H, W, 3] uint8."""
        from tensorboardX.summary import image as summary

        self._write(step, summary(tag, image, dataformats="HWC"))

    def close(self) -> None:
        """Closes the file."""
        self._writer.close()

    def _write(self, step: int, summary: object) -> None:
        self._writer.write_event(self._protocol.Event(wall_time=time.time(), step=step, summary=summary))
        if time.monotonic() - self._flushed > _FLUSH_INTERVAL:
            self._writer.flush()
            self._flushed = time.monotonic()
