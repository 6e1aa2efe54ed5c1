"""Checkpoints as files: which there are, whether they are as they were written, and what they say of themselves.

Needs neither JAX nor Orbax; `checkpoints.py` says what a checkpoint holds, and reads and writes it.
"""

import concurrent.futures
import contextlib
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from edgeconnect_jax.checkpoints import checksums, stored_arrays
from edgeconnect_jax.checkpoints.checksums import Problem

FORMAT = 1
FOLDER = "checkpoints"  # in a workdir
VARIABLES, AVERAGE, TRAINING, DATA, META = "variables", "average", "training", "data", "meta"
CHECKSUMS = "checksums"  # in `meta`: their algorithm

JSON_FILE = "metadata"  # as Orbax calls the file of an item that is JSON

PathLike = str | pathlib.Path


def find(path: PathLike) -> pathlib.Path:
    """The newest checkpoint at `path`: a workdir, its folder of checkpoints, or one checkpoint itself.

    Raises:
        ValueError: there is none; where sub-folders have some, as those of a run of several stages, they are named.
    """
    path = pathlib.Path(path).absolute()
    if (path / VARIABLES).is_dir():
        return path
    for folder in (path / FOLDER, path):
        if found := checkpoints_in(folder):
            return max(found, key=step_of)
    if not path.exists():
        raise ValueError(f"{path}: no such checkpoint")
    stages = sorted(p.parent.name for p in path.glob(f"*/{FOLDER}"))
    if stages:
        raise ValueError(f"{path} holds several stages, choose one: {', '.join(str(path / s) for s in stages)}")
    raise ValueError(f"{path}: no checkpoint here. Give a workdir of main.py, or a converted checkpoint")


def checkpoints_in(folder: pathlib.Path) -> list[pathlib.Path]:
    """The checkpoints of a folder, damaged ones, too, but none that was not finished."""
    marks = (VARIABLES, META, checksums.FILE)
    return [p for p in folder.glob("*") if p.name.isdigit() and any((p / mark).exists() for mark in marks)]


def step_of(checkpoint: pathlib.Path) -> int:
    """The steps of training that a checkpoint had, by its name."""
    return int(checkpoint.name)


def set_aside_damaged(workdir: PathLike, say: Callable[[str], None] = print) -> None:
    """Makes the newest whole checkpoint of `workdir` the newest: renames damaged ones that are newer, and says so.

    Checkpoints older than that one are not looked at.

    Raises:
        ValueError: none is whole; all are left as they are.
    """
    damaged: list[tuple[pathlib.Path, Problem]] = []
    for checkpoint in sorted(checkpoints_in(pathlib.Path(workdir).absolute() / FOLDER), key=step_of, reverse=True):
        problem = damage(checkpoint)
        if problem is None:
            break
        damaged.append((checkpoint, problem))
    else:
        if damaged:
            listed = "\n  ".join(f"{path / problem.file}: {problem.reason}" for path, problem in damaged)
            raise ValueError(f"no checkpoint of {workdir} is whole; put one back or use a new workdir\n  {listed}")
    for path, problem in damaged:
        aside = _set_aside(path)
        say(f"{path / problem.file}: {problem.reason}. The checkpoint is damaged; it is called {aside.name} now")


def damage(checkpoint: pathlib.Path) -> Problem | None:
    """The first thing that is wrong with a checkpoint, None where nothing is."""
    try:
        return next(iter(problems(checkpoint)), None)
    except stored_arrays.DamagedError as error:
        return Problem("", str(error))


def _set_aside(checkpoint: pathlib.Path) -> pathlib.Path:
    """Renames a checkpoint so that it is none any more; returns its new path."""
    number, aside = 1, checkpoint.with_name(f"{checkpoint.name}.damaged")
    while aside.exists():
        number += 1
        aside = checkpoint.with_name(f"{checkpoint.name}.damaged-{number}")
    return checkpoint.rename(aside)


def problems(checkpoint: pathlib.Path, items: Sequence[str] = ()) -> list[Problem]:
    """What is wrong with the files of a checkpoint, by its checksums; of `items`, or of all.

    Nothing can be said of one that was written before there were checksums.

    Raises:
        DamagedError: it has no checksums, and its `meta` cannot be read to know whether it should have.
    """
    if (checkpoint / checksums.FILE).exists():
        return checksums.problems(checkpoint, items)
    return [Problem(checksums.FILE, "it is missing")] if CHECKSUMS in _read_any_meta(checkpoint) else []


@contextlib.contextmanager
def verified(checkpoint: pathlib.Path, items: Sequence[str]) -> Iterator[None]:
    """Holds items against their checksums while they are read.

    Raises:
        DamagedError: they are damaged; in place of what reading them raised.
    """
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        found = pool.submit(problems, checkpoint, items)
        try:
            yield
        finally:
            for problem in found.result():
                raise stored_arrays.damaged(checkpoint / problem.file, problem.reason)


def read_meta(checkpoint: pathlib.Path) -> dict[str, Any]:
    """The `meta` of a checkpoint; raises ValueError where it is damaged or of a format that this version reads not."""
    path, meta = checkpoint / META / JSON_FILE, _read_any_meta(checkpoint)
    if meta.get("format") != FORMAT:
        raise ValueError(f"{checkpoint}: format {meta.get('format')} of checkpoints, this version reads {FORMAT}")
    missing = [name for name in ("networks", "step") if name not in meta]
    if missing:
        raise stored_arrays.damaged(path, f"no {' and no '.join(missing)}")
    return meta


def _read_any_meta(checkpoint: pathlib.Path) -> dict[str, Any]:
    return stored_arrays.read_object(checkpoint / META / JSON_FILE)
