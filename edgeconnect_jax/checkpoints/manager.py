"""Orbax's manager of checkpoints, with checksums and without tracebacks from its threads.

Only this module, `store` and `weights` name Orbax.
"""

import logging as standard_logging
import pathlib
import re
import traceback
from collections.abc import Callable
from typing import Any

from absl import logging

from edgeconnect_jax.checkpoints import checksums

UNFINISHED = ".orbax-checkpoint-tmp*"  # what Orbax appends to the step while a checkpoint is written
# Orbax's notes of times, which may still change and which nothing reads.
_NOTES = ("_CHECKPOINT_METADATA", "commit_success.txt")
# Seconds within which a checkpoint must be written: several processes wait that long for one whose part failed.
_WRITTEN_WITHIN = 600


def open_manager(
    folder: pathlib.Path, saving: Callable[[], int | None], policy: Any = None, *, seals: bool = True
) -> Any:
    """Orbax's manager of the checkpoints in `folder`.

    Args:
        folder: created if it does not exist.
        saving: the step that is being written.
        policy: which checkpoints are kept once a new one is complete with its checksums; None = all.
        seals: write the checksums, as one of several processes that save together does.
    """
    import orbax.checkpoint as ocp

    def seal() -> None:
        # Depending on its version, Orbax calls this before or after it renames what it has written.
        written = [folder / str(saving()), *folder.glob(f"{saving()}{UNFINISHED}")]
        for path in filter(pathlib.Path.is_dir, written):
            checksums.write(path, left_out=_NOTES)

    background = ocp.options.AsyncOptions(
        timeout_secs=_WRITTEN_WITHIN, post_finalization_callback=seal if seals else None
    )
    options = ocp.CheckpointManagerOptions(
        preservation_policy=policy, cleanup_tmp_directories=True, async_options=background
    )
    for logger in (logging.get_absl_logger(), standard_logging.getLogger("asyncio")):
        logger.addFilter(_untraced)
    return ocp.CheckpointManager(folder, options=options)


def reason(error: BaseException) -> str:
    """The first line of an error's message; the operating system's own where TensorStore quotes it."""
    first = (str(error).splitlines() or [type(error).__name__])[0]
    quoted = re.search(r"([^:]+) \[os_error_code=", first)
    return quoted[1].strip() if quoted else first


def _untraced(record: standard_logging.LogRecord) -> bool:
    """Suppresses logs of errors in Orbax's threads, which are raised later, by name.

    Writes that Orbax no longer waits for once one has failed are logged by asyncio.
    """
    if not record.exc_info:
        return True
    frames = traceback.walk_tb(record.exc_info[2])
    files = [record.pathname, *(frame.f_code.co_filename for frame, _ in frames)]
    return not any("orbax" in pathlib.PurePath(file).parts for file in files)
