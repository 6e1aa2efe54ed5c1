"""Reports as files that appear whole or not at all."""

import os
import pathlib


def write_whole(path: pathlib.Path, content: str | bytes) -> None:
    """Writes a file, text as UTF-8, so that nobody ever sees a part of it.

    Raises:
        OSError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
