"""Files of published weights: which networks they are to be read for."""

import fnmatch
import pathlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from edgeconnect_jax.importers.published import Published

Paths = tuple[pathlib.Path, ...]


class Archive(NamedTuple):
    """Files that are read as one.

    Attributes:
        published: their format.
        networks: those that they may hold, at least one of which they must.
        paths: several where each holds a part.
    """

    published: Published
    networks: tuple[str, ...]
    paths: Paths


def find(folder: pathlib.Path, formats: Sequence[Published]) -> list[Archive]:
    """The files of a folder whose names are those of published weights, in the order of the formats and networks.

    Raises:
        ValueError: there is no such folder, no such file, or several files could be those of one network.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: {'a file, not a folder' if folder.exists() else 'no such folder'}")
    found = [source for published in formats for source in _find(folder, published)]
    if not found:
        raise ValueError(_nothing_in(folder, formats))
    return found


def _find(folder: pathlib.Path, published: Published) -> list[Archive]:
    networks: dict[pathlib.Path, tuple[str, ...]] = {}
    for network, patterns in published.files.items():
        path = _file_of(network, folder, patterns)
        if path is not None:
            networks[path] = (*networks.get(path, ()), network)
    return [Archive(published, names, (path,)) for path, names in networks.items()]


def _file_of(network: str, folder: pathlib.Path, patterns: Iterable[str]) -> pathlib.Path | None:
    for pattern in patterns:
        matching = _matching(folder, (pattern,))
        if len(matching) > 1:
            listed = ", ".join(path.name for path in matching)
            raise ValueError(f"{folder}: which of {listed} is {network}? Move the others to another folder")
        if matching:
            return matching[0]
    return None


def _matching(folder: pathlib.Path, patterns: Iterable[str]) -> list[pathlib.Path]:
    """Files, and links that lead nowhere, whose errors come when they are read."""
    paths = sorted(folder.iterdir())
    return [path for path in paths if any(fnmatch.fnmatchcase(path.name, pattern) for pattern in patterns)]


def _nothing_in(folder: pathlib.Path, formats: Sequence[Published]) -> str:
    names = patterns(formats)
    below = sorted({str(path.parent) for name in names for path in folder.glob(f"*/{name}")})
    others = [path.name for path in similar(folder, formats)]
    hint = f"; it holds {', '.join(others)}" if others else ""
    hint = f"; there are some in {', '.join(below)}" if below else hint
    return f"{folder}: it holds none of {', '.join(names)}{hint}"


def similar(folder: pathlib.Path, formats: Sequence[Published]) -> list[pathlib.Path]:
    """What has the suffix of a file of published weights, whatever its name is."""
    suffixes = {pathlib.PurePath(pattern).suffix for pattern in patterns(formats)} - {""}
    return _matching(folder, [f"*{suffix}" for suffix in suffixes])


def patterns(formats: Sequence[Published]) -> list[str]:
    """Of the names of all files, each once."""
    return list(dict.fromkeys(p for published in formats for names in published.files.values() for p in names))
