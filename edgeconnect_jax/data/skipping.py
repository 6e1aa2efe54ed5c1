"""Leaving out files that cannot be used, where the user allows it: the option data.skip_bad.

It is decided for the whole set when the set is opened, by reading every file once, and not example by example while
training runs. So the examples and their order depend on the usable files alone, not on how many threads, workers or
processes read them; the position that a checkpoint holds means the same after a restart; and what is left out is known,
counted and said before the first step. Dropping examples on the way (grain's `filter`) would shift the batches of one
worker or process against those of the others, and a substitute would train twice on another picture. A file that goes
bad later stops the run. Where reading everything takes too long, a set is prepared once, and its files are decided on
there.
"""

import contextlib
from collections.abc import Generator, Hashable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from absl import logging
from tqdm import tqdm

from edgeconnect_jax.host.threads import in_threads


class _Files(Protocol):
    """What is read from files: `records.ComputedRecords` or `records.ExternalMasks`."""

    def __len__(self) -> int: ...

    def read(self, index: int) -> Any:
        """Reads all files of an element; ValueError if one cannot be used."""
        ...

    def identity(self, index: int) -> str:
        """Lines that change when a file of an element does."""
        ...

    def name(self, index: int) -> str:
        """What errors call it."""
        ...

    def select(self, indices: Sequence[int]) -> Any:
        """Some elements."""
        ...


_T = TypeVar("_T", bound=_Files)


class Bad(NamedTuple):
    """A file that is left out: the index and name of its element, and what is wrong."""

    index: int
    name: str
    problem: str


# Decided once in a process, however often a set is opened: by the names and sizes of its files.
_decided: dict[int, list[Bad]] = {}


def without_bad(files: _T, limit: int, option: str, treatment: Hashable = None) -> tuple[_T, list[Bad]]:
    """The elements whose files can be used, and the others, which are said to be left out.

    Args:
        files: the elements.
        limit: how many may be left out.
        option: what errors call the limit.
        treatment: what else decides whether a file can be used.

    Raises:
        ValueError: more than `limit` of them cannot be used, or all.
    """
    key = hash((limit, treatment, *((files.name(i), files.identity(i)) for i in range(len(files)))))
    if key not in _decided:
        _decided[key] = _find(files, limit, option)
        _say(_decided[key], limit, option)
    bad = _decided[key]
    out = {item.index for item in bad}
    return (files.select([i for i in range(len(files)) if i not in out]) if bad else files), bad


def _find(files: _Files, limit: int, option: str) -> list[Bad]:
    bad = []
    with contextlib.closing(_problems(files)) as found:
        for item in tqdm(found, total=len(files), unit="file", desc="reading every file once", disable=None):
            bad += [item] if item else []
            if len(bad) > limit:
                raise ValueError("\n".join([f"more than {option}={limit} files cannot be used:", *told(bad)]))
    if len(bad) == len(files):
        raise ValueError("\n".join(["no file can be used:", *told(bad)]))
    return bad


def _problems(files: _Files) -> Generator[Bad | None, None, None]:
    """What is wrong with each element."""

    def problem(index: int) -> Bad | None:
        try:
            files.read(index)
        except ValueError as error:
            return Bad(index, files.name(index), str(error))
        return None

    return in_threads(problem, range(len(files)))


def _say(bad: Sequence[Bad], limit: int, option: str) -> None:
    if bad:
        count = f"{len(bad)} file{'s are' if len(bad) > 1 else ' is'} left out ({option}={limit}):"
        logging.warning("\n".join([count, *told(bad)]))


def told(bad: Sequence[Bad]) -> list[str]:
    """What is wrong with each."""
    return [item.problem for item in bad]
