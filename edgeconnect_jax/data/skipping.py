"""Skips unusable files if the user allows it with the option data.skip_bad.

The files to skip are determined when the set is opened, by reading every file once, rather than example by example
during training. The examples and their order then depend only on the usable files, not on how many threads, workers or
processes read them; a position in a checkpoint means the same after a restart; and the skipped files are counted and
reported before the first step. Dropping examples on the fly (grain's `filter`) would shift the batches of one worker or
process against those of the others, and a substitute would train twice on another picture. A file that is corrupted
later stops the run. If reading every file takes too long, prepare the set, which checks its files once.
"""

import contextlib
from collections.abc import Generator, Hashable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from absl import logging
from tqdm import tqdm

from edgeconnect_jax.host.threads import in_threads


class _Files(Protocol):
    """Elements that are read from files: `records.ComputedRecords` or `records.PoolFiles`."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> Any:
        """Reads all files of an element; raises ValueError if one cannot be used."""
        ...

    def identity(self, index: int) -> str:
        """Lines that change when a file of an element does."""
        ...

    def name(self, index: int) -> str:
        """The name of an element in error messages."""
        ...

    def select(self, indices: Sequence[int]) -> Any:
        """Some elements, in the order of `indices`."""
        ...


_T = TypeVar("_T", bound=_Files)


class Bad(NamedTuple):
    """A skipped file: the index and name of its element, and the problem."""

    index: int
    name: str
    problem: str


# Hash of the names and sizes of a set's files -> the skipped ones, determined once per process.
_decided: dict[int, list[Bad]] = {}


def without_bad(files: _T, limit: int, option: str, treatment: Hashable = None) -> tuple[_T, list[Bad]]:
    """Reads every file once, returns the elements with usable files and reports the others.

    Args:
        files: the elements.
        limit: maximum number of elements to skip.
        option: name of the limit in error messages.
        treatment: whatever else determines whether a file is usable.

    Returns:
        The usable elements, and the skipped ones.

    Raises:
        ValueError: more than `limit` elements are unusable, or all of them are.
    """
    key = hash((limit, treatment, *((files.name(i), files.identity(i)) for i in range(len(files)))))
    if key not in _decided:
        _decided[key] = _find(files, limit, option)
        _report(_decided[key], limit, option)
    bad = _decided[key]
    out = {item.index for item in bad}
    return (files.select([i for i in range(len(files)) if i not in out]) if bad else files), bad


def _find(files: _Files, limit: int, option: str) -> list[Bad]:
    bad = []
    with contextlib.closing(_problems(files)) as found:
        for item in tqdm(found, total=len(files), unit="file", desc="reading every file once", disable=None):
            bad += [item] if item else []
            if len(bad) > limit:
                raise ValueError(
                    "\n".join([f"more than {option}={limit} files cannot be used:", *(item.problem for item in bad)])
                )
    if len(bad) == len(files):
        raise ValueError("\n".join(["no file can be used:", *(item.problem for item in bad)]))
    return bad


def _problems(files: _Files) -> Generator[Bad | None, None, None]:
    """For each element the problem with its files, or None."""

    def problem(index: int) -> Bad | None:
        try:
            files.read(index)
        except ValueError as error:
            return Bad(index, files.name(index), str(error))
        return None

    return in_threads(problem, range(len(files)))


def _report(bad: Sequence[Bad], limit: int, option: str) -> None:
    if bad:
        count = f"{len(bad)} file{'s are' if len(bad) > 1 else ' is'} left out ({option}={limit}):"
        logging.warning("\n".join([count, *(item.problem for item in bad)]))
