"""Files and folders that appear whole or not at all."""

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator

PART = ".*.part"  # pattern of what is being written, beside its place


@contextlib.contextmanager
def replaced(path: str | os.PathLike, *, durable: bool = False) -> Iterator[pathlib.Path]:
    """Gives a path beside `path` to write a file or a folder to; it takes the place of `path` at the end.

    After an error nothing of it is left, and what was at `path` stays as it was. A folder can only take the place of an
    empty one. Processes on several hosts may write the same file: the last to finish wins.

    Args:
        path: in a folder that exists.
        durable: survive a loss of power, too.

    Raises:
        OSError: it cannot be put in its place.
    """
    path = pathlib.Path(path)
    part = path.with_name(f".{uuid.uuid4().hex}.part")  # short, for names may already be as long as they can be
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
    """Writes a file, text as UTF-8, whole or not at all; raises OSError if it cannot be written."""
    with replaced(path, durable=durable) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


def _sync(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
