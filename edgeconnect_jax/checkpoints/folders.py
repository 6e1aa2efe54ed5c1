"""Checkpoints as files: which exist, whether they are corrupted, and what their `meta` says.

Needs neither JAX nor Orbax; `weights.py` documents what a checkpoint holds.
"""

import json
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from edgeconnect_jax.checkpoints import checksums
from edgeconnect_jax.checkpoints.checksums import Problem

FORMAT = 1
FOLDER = "checkpoints"  # in a workdir
VARIABLES, AVERAGE, TRAINING, DATA, META = "variables", "average", "training", "data", "meta"
CHECKSUMS = "checksums"  # in `meta`: their algorithm

JSON_FILE = "metadata"  # as Orbax calls the file of an item that is JSON

PathLike = str | pathlib.Path


class CorruptedError(ValueError):
    """A checkpoint is not what was written."""


def corrupted(path: pathlib.Path, reason: object) -> CorruptedError:
    """The error for a file or folder of a checkpoint that cannot be read."""
    return CorruptedError(f"{path}: a corrupted checkpoint; use another or create it again ({reason})")


def read_object(path: pathlib.Path) -> dict[str, Any]:
    """The JSON object in a file of a checkpoint.

    Raises:
        CorruptedError: there is none.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:  # no JSON, or no UTF-8
        raise corrupted(path, error) from error
    if not isinstance(found, dict):
        raise corrupted(path, "no JSON object")
    return found


def find(path: PathLike) -> pathlib.Path:
    """The newest checkpoint at `path`: a workdir, its folder of checkpoints, or one checkpoint itself.

    Raises:
        ValueError: there is none; names sub-folders that have some, as a run of several stages has.
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
    """The checkpoints of a folder, including corrupted ones, without unfinished ones."""
    marks = (VARIABLES, META, checksums.FILE)
    return [p for p in folder.glob("*") if p.name.isdigit() and any((p / mark).exists() for mark in marks)]


def step_of(checkpoint: pathlib.Path) -> int:
    """The steps of training of a checkpoint, from its name."""
    return int(checkpoint.name)


def set_aside_corrupted(workdir: PathLike, say: Callable[[str], None] = print) -> None:
    """Renames checkpoints of `workdir` that are corrupted and newer than the newest intact one, and reports them.

    Older checkpoints are not checked.

    Raises:
        ValueError: none is intact; all keep their names.
    """
    corrupted: list[tuple[pathlib.Path, Problem]] = []
    for checkpoint in sorted(checkpoints_in(pathlib.Path(workdir).absolute() / FOLDER), key=step_of, reverse=True):
        problem = damage(checkpoint)
        if problem is None:
            break
        corrupted.append((checkpoint, problem))
    else:
        if corrupted:
            listed = "\n  ".join(f"{path / problem.file}: {problem.reason}" for path, problem in corrupted)
            raise ValueError(f"no checkpoint of {workdir} is intact; restore one or use a new workdir\n  {listed}")
    for path, problem in corrupted:
        aside = _set_aside(path)
        say(f"{path / problem.file}: {problem.reason}. The checkpoint is corrupted and was renamed to {aside.name}")


def damage(checkpoint: pathlib.Path) -> Problem | None:
    """The first corrupted file of a checkpoint; None where it is intact."""
    try:
        return next(iter(problems(checkpoint)), None)
    except CorruptedError as error:
        return Problem("", str(error))


def _set_aside(checkpoint: pathlib.Path) -> pathlib.Path:
    """Renames a checkpoint so that it no longer counts as one; returns its new path."""
    number, aside = 1, checkpoint.with_name(f"{checkpoint.name}.corrupted")
    while aside.exists():
        number += 1
        aside = checkpoint.with_name(f"{checkpoint.name}.corrupted-{number}")
    return checkpoint.rename(aside)


def problems(checkpoint: pathlib.Path, items: Sequence[str] = ()) -> list[Problem]:
    """The corrupted files of a checkpoint according to its checksums; none for one written before there were checksums.

    Args:
        checkpoint: its folder.
        items: to check; empty = all.

    Raises:
        CorruptedError: it has no checksums, and its `meta`, which says whether it should, cannot be read.
    """
    if (checkpoint / checksums.FILE).exists():
        return checksums.problems(checkpoint, items)
    return [Problem(checksums.FILE, "it is missing")] if CHECKSUMS in _read_any_meta(checkpoint) else []


def verify(checkpoint: pathlib.Path, items: Sequence[str]) -> None:
    """Compares items with their checksums.

    Raises:
        CorruptedError: one of them is corrupted.
    """
    for problem in problems(checkpoint, items):
        raise corrupted(checkpoint / problem.file, problem.reason)


def read_meta(checkpoint: pathlib.Path) -> dict[str, Any]:
    """The `meta` of a checkpoint.

    Raises:
        ValueError: it is corrupted, or has a format that this version does not read.
    """
    path, meta = checkpoint / META / JSON_FILE, _read_any_meta(checkpoint)
    if meta.get("format") != FORMAT:
        raise ValueError(f"{checkpoint}: format {meta.get('format')} of checkpoints, this version reads {FORMAT}")
    missing = [name for name in ("networks", "step") if name not in meta]
    if missing:
        raise corrupted(path, f"no {' and no '.join(missing)}")
    return meta


def published_sha256(path: PathLike, network: str) -> str:
    """The hash of the weights of a converted checkpoint, see `weights.fingerprint`; reads no arrays.

    Args:
        path: as of `find`.
        network: whose weights.

    Raises:
        ValueError: there is no checkpoint, or it is not one that conversion wrote of this network.
    """
    checkpoint = find(path)
    found = read_meta(checkpoint).get("published", {}).get(network, {}).get("sha256")
    if not isinstance(found, str):
        raise ValueError(f"{path}: not a checkpoint that scripts/convert_torch_ckpt.py wrote of {network}")
    return found


def _read_any_meta(checkpoint: pathlib.Path) -> dict[str, Any]:
    return read_object(checkpoint / META / JSON_FILE)
