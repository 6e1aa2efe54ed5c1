"""SHA-256 of every file of a folder, written last: what has changed since is found before it is used."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

# In the folder: {"files": {path: {"size": bytes, "sha256": hexadecimal}}, "sha256": of what "files" holds}.
FILE = "checksums.json"

_THREADS = 4  # hashing and reading leave Python's lock alone


class Problem(NamedTuple):
    """Attributes: `file`, below the folder, and what is wrong with it."""

    file: str
    reason: str


def write(folder: pathlib.Path, left_out: Collection[str] = ()) -> None:
    """Writes the checksums of all files under `folder`, whole or not at all, to survive a loss of power, too.

    Args:
        folder: where nothing changes from now on, but for
        left_out: files directly in it, of which there will be no checksums.

    Raises:
        OSError: a file cannot be read, or the checksums not be written.
    """
    without = {folder / name for name in (FILE, *left_out)}
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path not in without)
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        entries = pool.map(_entry, paths)
    files = {path.relative_to(folder).as_posix(): entry for path, entry in zip(paths, entries, strict=True)}
    beside = folder / f".{FILE}.part"
    with beside.open("w", encoding="utf-8") as file:
        json.dump({"files": files, "sha256": _of_entries(files)}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, folder / FILE)
    _sync_folder(folder)


def problems(folder: pathlib.Path, parts: Sequence[str] = ()) -> list[Problem]:
    """What is wrong with the files of `folder`; empty when they are as they were written.

    Args:
        folder: one that `write` went through.
        parts: sub-folders to look at; empty = all files.
    """
    try:
        stored = json.loads((folder / FILE).read_text(encoding="utf-8"))
        files = stored["files"]
        if stored["sha256"] != _of_entries(files):
            return [Problem(FILE, "it is not as it was written")]
        chosen = {name: entry for name, entry in files.items() if not parts or name.split("/")[0] in parts}
        with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
            found = pool.map(lambda item: _problem(folder, *item), chosen.items())
        return [problem for problem in found if problem]
    except FileNotFoundError:
        return [Problem(FILE, "it is missing")]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [Problem(FILE, f"it cannot be read, {type(error).__name__}: {error}")]


def _of_entries(files: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _entry(path: pathlib.Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return {"size": file.tell(), "sha256": digest.hexdigest()}


def _problem(folder: pathlib.Path, name: str, entry: dict[str, Any]) -> Problem | None:
    path = folder / name
    if not path.is_file():
        return Problem(name, "it is missing")
    size = path.stat().st_size
    if size != entry["size"]:
        return Problem(name, f"it has {size} bytes, {entry['size']} were written")
    if _entry(path)["sha256"] != entry["sha256"]:
        return Problem(name, "its SHA-256 is not that of what was written")
    return None


def _sync_folder(folder: pathlib.Path) -> None:
    """Makes the names in a folder last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
