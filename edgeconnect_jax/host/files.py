"""Files and folders that appear whole or not at all."""

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator

PART = ".*.part"  # pattern of unfinished files, beside their target


@contextlib.contextmanager
def replaced(path: str | os.PathLike, *, durable: bool = False) -> Iterator[pathlib.Path]:
    """Yields a temporary path beside `path` for a file or folder, and renames it to `path` at the end.

    After an error the temporary path is removed and `path` is unchanged. A folder can only replace an empty folder.
    Processes on several hosts may write the same file: the last to finish wins.

    Args:
        path: the target, in a folder that exists.
        durable: whether the file must also survive a power failure.

    Raises:
        OSError: the rename failed.
    """
    path = pathlib.Path(path)
    part = path.with_name(
        f".{uuid.uuid4().hex}.part"
    )  # short, because `path` may already have the longest allowed name
    try:
        yield part
        if durable:
            _sync(part)
        os.replace(part, path)
        if durable:
            _sync(path.parent)
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike, content: str | bytes, *, durable: bool = False) -> None:
    """Writes a file (text as UTF-8) whole or not at all; raises OSError if it cannot be written."""
    with replaced(path, durable=durable) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def _sync(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
