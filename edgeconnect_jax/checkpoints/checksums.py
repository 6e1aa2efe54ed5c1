"""SHA-256 of every file of a folder, written last: changes made since are found before a file is used."""

import concurrent.futures
import hashlib
import json
import pathlib
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from edgeconnect_jax.host.files import write_whole

# In the folder: {"files": {path: {"size": bytes, "sha256": hexadecimal}}, "sha256": of the value of "files"}.
FILE = "checksums.json"

_THREADS = 4  # hashing and reading release Python's lock


class Problem(NamedTuple):
    """A corrupted file.

    Attributes:
        file: its path below the folder.
        reason: what is wrong with it.
    """

    file: str
    reason: str


def write(folder: pathlib.Path, left_out: Collection[str] = ()) -> None:
    """Writes the checksums of all files under `folder`, whole or not at all, and safe from a loss of power.

    Args:
        folder: where nothing else changes any more.
        left_out: files directly in it that get no checksums.

    Raises:
        OSError: a file cannot be read, or the checksums cannot be written.
    """
    without = {folder / name for name in (FILE, *left_out)}
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path not in without)
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        entries = pool.map(_entry, paths)
    files = {path.relative_to(folder).as_posix(): entry for path, entry in zip(paths, entries, strict=True)}
    write_whole(folder / FILE, json.dumps({"files": files, "sha256": _of_entries(files)}, indent=1), durable=True)


def problems(folder: pathlib.Path, parts: Sequence[str] = ()) -> list[Problem]:
    """The corrupted files of `folder`.

    Args:
        folder: one that `write` wrote checksums of.
        parts: sub-folders to check; empty = all files.
    """
    try:
        stored = json.loads((folder / FILE).read_text(encoding="utf-8"))
        files = stored["files"]
        if stored["sha256"] != _of_entries(files):
            return [Problem(FILE, "its content is not what was written")]
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
