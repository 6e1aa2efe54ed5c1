"""Which mask and which edge map belong to which picture, decided for all of them before any work."""

import os
import pathlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from edgeconnect_jax.images import files

# A single path serves every picture; of several, each picture takes the one with its stem.
Partners = str | os.PathLike | Sequence[pathlib.Path]


class Job(NamedTuple):
    """One picture to fill.

    Attributes:
        image: its file.
        mask: its mask's file.
        edges: its edge map's file, or None.
        size: (height, width) in pixels, upright; (0, 0) where that is not known.
        problem: why the picture cannot be filled, as far as the heads of the files tell; "" otherwise.
    """

    image: pathlib.Path
    mask: pathlib.Path
    edges: pathlib.Path | None
    size: tuple[int, int]
    problem: str = ""


def pair(
    pictures: Sequence[pathlib.Path],
    masks: Partners,
    edges: Partners | None = None,
    *,
    any_size: bool = False,
) -> list[Job]:
    """Matches pictures with masks and edge maps by stem, and compares their sizes.

    What is wrong with names concerns the whole set, and is refused: a guess might pair files that do not belong
    together. What is wrong with a file costs the pictures that need it, see `Job.problem`.

    Args:
        pictures: files; their stems name the results and so must differ.
        masks: one file for all pictures, or a list of files with the pictures' stems.
        edges: likewise, or None.
        any_size: allow masks and edge maps that are not of their picture's size.

    Returns:
        The jobs, pictures of one size next to each other, so that each size is compiled once.

    Raises:
        ValueError: pictures with the same stem; a picture without or with two masks (edge maps); a mask (edge
            map) without a picture. Lists every one of them.
    """
    problems = [*doubled("pictures", pictures), *unpaired("mask", pictures, masks)]
    if edges is not None:
        problems += unpaired("edge map", pictures, edges)
    raise_all(problems)
    partners = {"mask": lookup(pictures, masks), "edge map": {} if edges is None else lookup(pictures, edges)}
    sizes, unreadable = read_sizes([*pictures, *(path for found in partners.values() for path in found.values())])
    jobs = []
    for picture in pictures:
        belonging = {what: found[picture] for what, found in partners.items() if picture in found}
        wrong = [unreadable[path] for path in (picture, *belonging.values()) if path in unreadable]
        wrong += [] if any_size else _unequal(picture, belonging, sizes)
        size = sizes.get(picture, (0, 0))
        jobs.append(Job(picture, belonging["mask"], belonging.get("edge map"), size, "\n".join(wrong)))
    return sorted(jobs, key=lambda job: job.size)


def raise_all(problems: Sequence[str]) -> None:
    """Raises ValueError with all the lines, if there are any."""
    if problems:
        raise ValueError("\n".join(problems))


def match_by_stem(names: Sequence[str], files: Sequence[pathlib.Path], what: str) -> list[pathlib.Path]:
    """The file of each picture that has its name, but for folder and suffix; other files may be there.

    Args:
        names: the pictures' paths.
        files: to choose from.
        what: what errors call one of them, as in "mask".

    Returns:
        One file a picture, in the pictures' order.

    Raises:
        ValueError: a picture has no file or several, or pictures share one; lists all of them.
    """
    pictures = [pathlib.Path(name) for name in names]
    stems = {picture.stem for picture in pictures}
    wanted = [path for path in files if path.stem in stems]
    problems = [*doubled("pictures", pictures), *unpaired(what, pictures, wanted)]
    if problems:
        heading = f"pictures and {what}s are matched by name without suffix, one to one; these are not:"
        raise_all([heading, *problems])
    found = lookup(pictures, wanted)
    return [found[picture] for picture in pictures]


def _by_stem(paths: Iterable[pathlib.Path]) -> dict[str, list[pathlib.Path]]:
    stems = defaultdict(list)
    for path in paths:
        stems[path.stem].append(path)
    return dict(stems)


def doubled(what: str, paths: Iterable[pathlib.Path]) -> list[str]:
    """Lines that name the files with a stem in common."""
    groups = _by_stem(paths).items()
    return [f"{', '.join(map(str, group))}: {what} with one stem, {s}; rename" for s, group in groups if group[1:]]


def unpaired(what: str, pictures: Sequence[pathlib.Path], partners: Partners) -> list[str]:
    """Lines that name pictures without a partner, and partners doubled or without a picture."""
    if isinstance(partners, str | os.PathLike):
        return []
    ours, theirs = _by_stem(pictures), _by_stem(partners)
    missing = [f"{p}: no {what} with the stem {p.stem}" for p in pictures if p.stem not in theirs]
    spare = [f"{p}: {what} without a picture with the stem {p.stem}" for p in partners if p.stem not in ours]
    return [*missing, *doubled(f"{what}s", partners), *spare]


def lookup(pictures: Sequence[pathlib.Path], partners: Partners) -> dict[pathlib.Path, pathlib.Path]:
    """The partner of each picture, once it is known that there is one."""
    if isinstance(partners, str | os.PathLike):
        return dict.fromkeys(pictures, pathlib.Path(partners))
    theirs = _by_stem(partners)
    return {picture: theirs[picture.stem][0] for picture in pictures}


def read_sizes(
    paths: Iterable[pathlib.Path],
) -> tuple[dict[pathlib.Path, tuple[int, int]], dict[pathlib.Path, str]]:
    """The (height, width) of each file, and what is wrong with those that have none."""
    sizes, problems = {}, {}
    for path in dict.fromkeys(paths):
        try:
            sizes[path] = files.picture_size(path)
        except ValueError as error:
            problems[path] = str(error)
    return sizes, problems


def _unequal(
    picture: pathlib.Path, belonging: dict[str, pathlib.Path], sizes: dict[pathlib.Path, tuple[int, int]]
) -> list[str]:
    """Lines that name the partners whose size is not that of their picture."""
    ours = sizes.get(picture)
    return [
        f"{path}: the {what} has {theirs[1]} x {theirs[0]} pixels, its picture {picture} has "
        f"{ours[1]} x {ours[0]}; make them equal or use --resize_masks"
        for what, path in belonging.items()
        if ours and (theirs := sizes.get(path)) and theirs != ours
    ]
