"""Which files belong to which picture, decided for all of them before any work."""

import os
import pathlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from edgeconnect_jax.images import files

# A single path serves every picture; of several, each picture takes the one with its stem.
Partners = str | os.PathLike | Sequence[pathlib.Path]

PICTURE = "picture"  # the file of a job that gives the results their name and size


class Job(NamedTuple):
    """One picture to work on.

    Attributes:
        files: what each is -> its file: PICTURE first, then its partners ("mask", ...).
        size: (height, width) in pixels, upright; (0, 0) where that is not known.
        problem: why nothing can be made of the picture, as far as the heads of the files tell; "" otherwise.
    """

    files: Mapping[str, pathlib.Path]
    size: tuple[int, int]
    problem: str = ""

    @property
    def picture(self) -> pathlib.Path:
        """The file of the picture itself."""
        return self.files[PICTURE]


def pair(
    pictures: Sequence[pathlib.Path],
    partners: Mapping[str, Partners],
    *,
    any_size: bool = False,
    remedy: str = "make them equal",
) -> list[Job]:
    """Matches pictures with their partners by stem, and compares their sizes.

    What is wrong with names concerns the whole set, and is refused: a guess might pair files that do not belong
    together. What is wrong with a file costs the pictures that need it, see `Job.problem`.

    Args:
        pictures: files; their stems name the results and so must differ.
        partners: what a partner is, as messages call it ("mask") -> one file for all pictures, or a list of files with
            the pictures' stems.
        any_size: allow partners that are not of their picture's size.
        remedy: what the message on such a partner says to do.

    Returns:
        The jobs, pictures of one size next to each other, so that each size is compiled once.

    Raises:
        ValueError: pictures with the same stem; a picture without a partner or with two; a partner without a picture.
            Lists every one of them.
    """
    problems = doubled("pictures", pictures)
    problems += [line for what, paths in partners.items() for line in unpaired(what, pictures, paths)]
    raise_all(problems)
    found = {PICTURE: lookup(pictures, pictures)} | {what: lookup(pictures, paths) for what, paths in partners.items()}
    sizes, unreadable = read_sizes(path for matched in found.values() for path in matched.values())
    jobs = []
    for picture in pictures:
        belonging = {what: matched[picture] for what, matched in found.items()}
        wrong = [unreadable[path] for path in belonging.values() if path in unreadable]
        wrong += [] if any_size else _unequal(picture, belonging, sizes, remedy)
        jobs.append(Job(belonging, sizes.get(picture, (0, 0)), "\n".join(wrong)))
    return sorted(jobs, key=lambda job: job.size)


def in_folder(path: pathlib.Path, pictures: pathlib.Path) -> Partners:
    """The partners at a path for the picture or folder `pictures`: a file itself, of a folder all pictures in it.

    For a single picture those of a folder that have its stem.
    """
    if path.is_file():
        return path
    found = files.list_images(path)
    return found if pictures.is_dir() else [p for p in found if p.stem == pictures.stem]


def check_exist(paths: Mapping[str, pathlib.Path]) -> None:
    """Raises ValueError with every path that does not exist, and the option that names it."""
    raise_all([f"{option} {path}: no such file or folder" for option, path in paths.items() if not path.exists()])


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
    picture: pathlib.Path,
    belonging: Mapping[str, pathlib.Path],
    sizes: Mapping[pathlib.Path, tuple[int, int]],
    remedy: str,
) -> list[str]:
    """Lines that name the partners whose size is not that of their picture."""
    ours = sizes.get(picture)
    return [
        f"{path}: the {what} has {theirs[1]} x {theirs[0]} pixels, its picture {picture} has "
        f"{ours[1]} x {ours[0]}; {remedy}"
        for what, path in belonging.items()
        if ours and (theirs := sizes.get(path)) and theirs != ours
    ]
