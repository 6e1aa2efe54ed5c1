"""Matches files with pictures, for the whole set before any work starts."""

import os
import pathlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from edgeconnect_jax.images import files

# A single path applies to every picture; from a list, each picture takes the file with its stem.
Partners = str | os.PathLike | Sequence[pathlib.Path]

PICTURE = "picture"  # the file of a job that determines the name and size of the results


class Job(NamedTuple):
    """One picture to work on.

    Attributes:
        files: role -> file: PICTURE first, then its partners ("mask", ...).
        size: upright (height, width) in pixels; (0, 0) if unknown.
        problem: why the picture cannot be processed, as far as the headers of its files show; "" otherwise.
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

    Problems with names affect the whole set and raise an error, because guessing might pair the wrong files. A problem
    with a file only affects the pictures that need it, see `Job.problem`.

    Args:
        pictures: files with distinct stems, which name the results.
        partners: role of a partner, as in messages ("mask") -> one file for all pictures, or a list of files with the
            pictures' stems.
        any_size: whether partners may differ from their picture in size.
        remedy: what to do about a partner of another size, for the message.

    Returns:
        The jobs, grouped by the size of the picture so that each size is compiled once.

    Raises:
        ValueError: pictures with the same stem; a picture without a partner or with two; a partner without a picture.
            Lists all of them.
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
    """The partners at `path` for the picture or folder `pictures`: the file itself, or all pictures in a folder.

    For a single picture, only the files in the folder that have its stem.
    """
    if path.is_file():
        return path
    found = files.list_images(path)
    return found if pictures.is_dir() else [p for p in found if p.stem == pictures.stem]


def check_exist(paths: Mapping[str, pathlib.Path]) -> None:
    """Raises ValueError with every path that does not exist and the option that names it."""
    raise_all([f"{option} {path}: no such file or folder" for option, path in paths.items() if not path.exists()])


def raise_all(problems: Sequence[str]) -> None:
    """Raises ValueError with all the lines, if there are any."""
    if problems:
        raise ValueError("\n".join(problems))


def match_by_stem(names: Sequence[str], files: Sequence[pathlib.Path], what: str) -> list[pathlib.Path]:
    """Finds the file with the name of each picture, ignoring folder and suffix; other files are allowed.

    Args:
        names: the pictures' paths.
        files: candidate files.
        what: what one of them is, for messages, such as "mask".

    Returns:
        One file per picture, in the pictures' order.

    Raises:
        ValueError: a picture has no file or several, or several pictures share one; lists all of them.
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
    """One line for each group of files that share a stem."""
    groups = _by_stem(paths).items()
    return [f"{', '.join(map(str, group))}: {what} with one stem, {s}; rename" for s, group in groups if group[1:]]


def unpaired(what: str, pictures: Sequence[pathlib.Path], partners: Partners) -> list[str]:
    """One line for each picture without a partner, and for partners without a picture or with a shared stem."""
    if isinstance(partners, str | os.PathLike):
        return []
    ours, theirs = _by_stem(pictures), _by_stem(partners)
    missing = [f"{p}: no {what} with the stem {p.stem}" for p in pictures if p.stem not in theirs]
    spare = [f"{p}: {what} without a picture with the stem {p.stem}" for p in partners if p.stem not in ours]
    return [*missing, *doubled(f"{what}s", partners), *spare]


def lookup(pictures: Sequence[pathlib.Path], partners: Partners) -> dict[pathlib.Path, pathlib.Path]:
    """The partner of each picture, after `unpaired` has found no problem."""
    if isinstance(partners, str | os.PathLike):
        return dict.fromkeys(pictures, pathlib.Path(partners))
    theirs = _by_stem(partners)
    return {picture: theirs[picture.stem][0] for picture in pictures}


def read_sizes(
    paths: Iterable[pathlib.Path],
) -> tuple[dict[pathlib.Path, tuple[int, int]], dict[pathlib.Path, str]]:
    """The (height, width) of each readable file, and the problem with each of the others."""
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
    """One line for each partner whose size differs from its picture's."""
    ours = sizes.get(picture)
    return [
        f"{path}: the {what} has {theirs[1]} x {theirs[0]} pixels, its picture {picture} has "
        f"{ours[1]} x {ours[0]}; {remedy}"
        for what, path in belonging.items()
        if ours and (theirs := sizes.get(path)) and theirs != ours
    ]
