"""Which output, mask and other files belong to which true picture, and reading them."""

import os
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.data import matching
from edgeconnect_jax.images import files as images
from edgeconnect_jax.images import holes

Size = tuple[int, int]
NONE: Mapping[str, Any] = MappingProxyType({})
OUTPUT, MASK = "output", "mask"  # keys of `Pair.files`


class Folder(NamedTuple):
    """A folder of files that belong to the true pictures by stem.

    Attributes:
        name: key of its files in `Pair.files`.
        path: of the folder; of a file where `single`.
        what: one of its files, in words, for messages; "" = `name`.
        single: one file may serve all pictures.
        own_size: a file may also have the size that its picture has before --image_size.
        any_size: a file may have any size.
        read: reads a file that is part of an output, see `outputs.Output.others`; None for inputs.
    """

    name: str
    path: pathlib.Path
    what: str = ""
    single: bool = False
    own_size: bool = False
    any_size: bool = False
    read: Callable[[pathlib.Path], np.ndarray] | None = None

    @property
    def words(self) -> str:
        """One of its files, in words."""
        return self.what or self.name


class Pair(NamedTuple):
    """A true picture with the files that belong to it.

    Attributes:
        truth: its file.
        size: (height, width) that it is measured at, in pixels; (0, 0) if unknown.
        files: OUTPUT, MASK or the name of another folder -> the file there.
        problem: why the pair cannot be measured, as far as the heads of the files tell; "" otherwise.
    """

    truth: pathlib.Path
    size: Size
    files: Mapping[str, pathlib.Path] = NONE
    problem: str = ""

    @property
    def name(self) -> str:
        """The stem, which is the same for all files of the pair."""
        return self.truth.stem


def find_pairs(
    truth: str | os.PathLike,
    *,
    output: str | os.PathLike | None = None,
    mask: str | os.PathLike | None = None,
    others: Sequence[Folder] = (),
    image_size: int = 0,
    smallest: Mapping[str, int] = NONE,
) -> list[Pair]:
    """Matches true pictures with outputs, masks and other files by stem, and compares their sizes.

    Sub-folders are not searched: those of outputs hold pictures that are not results. Problems with names are errors;
    a problem with a file leaves out only the pairs that need it, see `Pair.problem`.

    Args:
        truth: folder of the true pictures.
        output: folder of the results.
        mask: folder of the masks, or one file for all pictures.
        others: folders of other files.
        image_size: the side of the square that true pictures are cropped and resized to, as in training; masks may be
            of this size or of the picture's own, then they are cropped and resized in the same way. 0 = as they are.
        smallest: see `check_sides`.

    Returns:
        The pairs, those of one size next to each other, so that each size is compiled once.

    Raises:
        ValueError: lists all files that are missing or duplicated; or, if no pair is left, all that are corrupted, of
            another size or too small.
    """
    folders = [*_outputs_and_masks(output, mask), *others]
    pictures = images.list_images(truth, recursive=False)
    partners = _listed(folders)
    problems = matching.doubled("pictures", pictures)
    for folder in folders:
        problems += matching.unpaired(folder.words, pictures, partners[folder.name])
    matching.raise_all(problems)
    found = {name: matching.lookup(pictures, files) for name, files in partners.items()}
    sizes, unreadable = matching.read_sizes([*pictures, *(p for matched in found.values() for p in matched.values())])
    pairs = []
    for picture in pictures:
        matched = {name: files[picture] for name, files in found.items()}
        wrong = [unreadable[path] for path in (picture, *matched.values()) if path in unreadable]
        wrong += _misfits(picture, matched, folders, sizes, image_size) if picture in sizes else []
        size = _prepared(sizes[picture], image_size) if picture in sizes else (0, 0)
        pairs.append(Pair(picture, size, matched, "\n".join(wrong)))
    return check_sides(sorted(pairs, key=lambda pair: (pair.size, pair.name)), smallest)


def _outputs_and_masks(output: str | os.PathLike | None, mask: str | os.PathLike | None) -> Iterator[Folder]:
    if output is not None:
        yield Folder(OUTPUT, pathlib.Path(output))
    if mask is not None:
        yield Folder(MASK, pathlib.Path(mask), single=True, own_size=True)


def _listed(folders: Sequence[Folder]) -> dict[str, matching.Partners]:
    """The files of each folder; where one file may serve all, its path."""
    missing = [f"{folder.path}: no such file or folder" for folder in folders if not folder.path.exists()]
    missing += [f"{f.path}: must be a folder" for f in folders if f.path.is_file() and not f.single]
    matching.raise_all(missing)
    return {f.name: f.path if f.path.is_file() else images.list_images(f.path, recursive=False) for f in folders}


def _prepared(size: Size, image_size: int) -> Size:
    return (image_size, image_size) if image_size else size


def _misfits(
    picture: pathlib.Path,
    files: Mapping[str, pathlib.Path],
    folders: Sequence[Folder],
    sizes: Mapping[pathlib.Path, Size],
    image_size: int,
) -> Iterator[str]:
    """Lines that name the files whose size differs from that of their picture."""
    own = sizes[picture]
    wanted = _prepared(own, image_size)
    for folder in (folder for folder in folders if not folder.any_size):
        path = files[folder.name]
        allowed = {wanted, own} if folder.own_size else {wanted}
        size = sizes.get(path)
        if size is not None and size not in allowed:
            remedy = "make them equal" if image_size else "make them equal, or see --image_size"
            found = f"the {folder.words} has {_shown(size)} pixels, its picture {picture} {_shown(wanted)}"
            yield f"{path}: {found}; {remedy}"


def check_sides(pairs: Sequence[Pair], smallest: Mapping[str, int]) -> list[Pair]:
    """Marks the pairs that are too small for some metric.

    Args:
        pairs: to be measured.
        smallest: group of metrics -> the smallest side that it can measure, in pixels.

    Returns:
        The pairs, with a `problem` where they are too small.

    Raises:
        ValueError: every pair has a problem; lists them all.
    """
    checked = [pair if pair.problem else pair._replace(problem=_too_small(pair, smallest)) for pair in pairs]
    if all(pair.problem for pair in checked):
        matching.raise_all(list(dict.fromkeys(pair.problem for pair in checked)))
    return checked


def _too_small(pair: Pair, smallest: Mapping[str, int]) -> str:
    """Which metrics the picture is too small for, and the remedy; "" if none."""
    groups = [f"{group} ({side})" for group, side in smallest.items() if min(pair.size) < side]
    if not groups:
        return ""
    return (
        f"{pair.truth}: {_shown(pair.size)} pixels are too few for {', '.join(groups)}; leave the picture out, or "
        "choose other metrics (in brackets: the smallest side)"
    )


def _shown(size: Size) -> str:
    return f"{size[1]} x {size[0]}"


def read_truth(pair: Pair) -> np.ndarray:
    """The true picture at the size it is measured at, uint8 [H, W, 3]; raises ValueError for a corrupted file."""
    return at_size(images.read_rgb8(pair.truth), pair.size)


def read_output(pair: Pair) -> np.ndarray:
    """The result on disk, uint8 [H, W, 3]; raises ValueError for a corrupted file."""
    return images.read_rgb8(pair.files[OUTPUT])


def hole_of(pair: Pair, invert: bool = False) -> np.ndarray | None:
    """The hole of the mask on disk, bool [H, W], white = True unless `invert`; None for a pair without a mask.

    Raises:
        ValueError: a corrupted file.
    """
    if MASK not in pair.files:
        return None
    values = at_size(images.read_gray8(pair.files[MASK]), pair.size)
    return (255 - values if invert else values) > holes.MASK_THRESHOLD


def at_size(array: np.ndarray, size: Size) -> np.ndarray:
    """Crops uint8 [H, W] or [H, W, 3] to its central square and resizes it, unless it has the size (height, width)."""
    if array.shape[:2] == size:
        return array
    return images.resize_bilinear(images.centre_square(array), *size)
