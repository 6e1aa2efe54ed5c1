"""Leaves out files that cannot be used, where the user allows it: the option data.skip_bad.

Which files, is decided for the whole set when it is opened, by reading every file once, rather than example by example
during training. So the examples and their order depend on the usable files alone, not on how many threads, workers or
processes read them; the position in a checkpoint means the same after a restart; and what is left out is known, counted
and reported before the first step. Dropping examples on the way (grain's `filter`) would shift the batches of one
worker or process against those of the others, and a substitute would train twice on another picture. A file that is
corrupted later stops the run. Where reading everything takes too long, prepare the set once: its files are checked
then.
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
        """Reads all files of an element; ValueError if one cannot be used."""
        ...

    def identity(self, index: int) -> str:
        """Lines that change when a file of an element does."""
        ...

    def name(self, index: int) -> str:
        """What errors call an element."""
        ...

    def select(self, indices: Sequence[int]) -> Any:
        """Some elements, in the order of `indices`."""
        ...


_T = TypeVar("_T", bound=_Files)


class Bad(NamedTuple):
    """A file that is left out: the index and name of its element, and what is wrong."""

    index: int
    name: str
    problem: str


# Hash of the names and sizes of a set's files -> those that are left out: decided once in a process.
_decided: dict[int, list[Bad]] = {}


def without_bad(files: _T, limit: int, option: str, treatment: Hashable = None) -> tuple[_T, list[Bad]]:
    """Reads every file once; returns the elements whose files can be used, and reports the others.

    Args:
        files: the elements.
        limit: how many may be left out.
        option: what errors call the limit.
        treatment: what else decides whether a file can be used.

    Returns:
        The usable elements, and what is left out.

    Raises:
        ValueError: more than `limit` of them cannot be used, or all.
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
    """For each element what is wrong with its files, or None."""

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
