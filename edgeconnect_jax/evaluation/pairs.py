"""Which output, mask and edge map belong to which true picture, and reading them."""

import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from edgeconnect_jax.data import matching
from edgeconnect_jax.images import arrays, holes
from edgeconnect_jax.images import files as images
from edgeconnect_jax.systems.edgeconnect.pictures import read_hole_as_original

Size = tuple[int, int]
ORIGINAL_THRESHOLD = 0  # of 255; what is above it is hole for the original's test script


class Pair(NamedTuple):
    """A true picture with what belongs to it.

    Attributes:
        truth: its file.
        size: (height, width) that it is measured at, in pixels; (0, 0) where that is not known.
        output: the file of the result, or None where it is yet to be made.
        mask: the file of the mask, or None.
        edges: the file of the predicted edge map, or None.
        problem: why the pair cannot be measured, as far as the heads of the files tell; "" otherwise.
    """

    truth: pathlib.Path
    size: Size
    output: pathlib.Path | None = None
    mask: pathlib.Path | None = None
    edges: pathlib.Path | None = None
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
    edges: str | os.PathLike | None = None,
    image_size: int = 0,
    smallest: Mapping[str, int] | None = None,
) -> list[Pair]:
    """Matches true pictures with outputs, masks and edge maps by stem, and compares their sizes.

    Sub-folders are not searched: those of `inpaint` hold edge maps and masked pictures, not results. What is wrong with
    names is refused, what is wrong with files costs the pairs that need them, see `Pair.problem`.

    Args:
        truth: folder of the true pictures.
        output: folder of the results.
        mask: folder of the masks, or one file for all pictures.
        edges: folder of predicted edge maps.
        image_size: the side of the square that true pictures are cropped and resized to, as in training; masks may be
            of this size or of the picture's own, then they are prepared likewise. 0 = as they are.
        smallest: see `check_sides`.

    Returns:
        The pairs, those of one size next to each other, so that each size is compiled once.

    Raises:
        ValueError: lists all that is missing or doubled; or all that is damaged, of another size or too small, if no
            pair is left.
    """
    folders = {"output": output, "mask": mask, "edge map": edges}
    given = {what: pathlib.Path(path) for what, path in folders.items() if path is not None}
    pictures = images.list_images(truth, recursive=False)
    partners = _listed(given)
    problems = matching.doubled("pictures", pictures)
    problems += [line for what, files in partners.items() for line in matching.unpaired(what, pictures, files)]
    matching.raise_all(problems)
    found = {what: matching.lookup(pictures, files) for what, files in partners.items()}
    sizes, unreadable = matching.read_sizes([*pictures, *(p for matched in found.values() for p in matched.values())])
    pairs = []
    for picture in pictures:
        matched = {what: files[picture] for what, files in found.items()}
        wrong = [unreadable[path] for path in (picture, *matched.values()) if path in unreadable]
        wrong += _misfits(picture, matched, sizes, image_size) if picture in sizes else []
        size = _prepared(sizes[picture], image_size) if picture in sizes else (0, 0)
        partner = [matched.get(what) for what in folders]
        pairs.append(Pair(picture, size, *partner, problem="\n".join(wrong)))  # pyright: ignore[reportArgumentType]
    return check_sides(sorted(pairs, key=lambda pair: (pair.size, pair.name)), smallest or {})


def _listed(given: Mapping[str, pathlib.Path]) -> dict[str, matching.Partners]:
    """The files of each folder; a mask may be one file."""
    missing = [f"{path}: no such file or folder" for path in given.values() if not path.exists()]
    missing += [f"{path}: must be a folder" for what, path in given.items() if path.is_file() and what != "mask"]
    matching.raise_all(missing)
    return {what: p if p.is_file() else images.list_images(p, recursive=False) for what, p in given.items()}


def _prepared(size: Size, image_size: int) -> Size:
    return (image_size, image_size) if image_size else size


def _misfits(
    picture: pathlib.Path, files: Mapping[str, pathlib.Path], sizes: Mapping[pathlib.Path, Size], image_size: int
) -> Iterator[str]:
    """Lines that name the files whose size is not that of their picture."""
    own = sizes[picture]
    wanted = _prepared(own, image_size)
    for what, path in files.items():
        allowed = {wanted, own} if what == "mask" else {wanted}
        size = sizes.get(path)
        if size is not None and size not in allowed:
            remedy = "make them equal" if image_size else "make them equal, or see --image_size"
            yield f"{path}: the {what} has {_shown(size)} pixels, its picture {picture} {_shown(wanted)}; {remedy}"


def check_sides(pairs: Sequence[Pair], smallest: Mapping[str, int]) -> list[Pair]:
    """Marks the pairs that are too small for some metric.

    Args:
        pairs: what is to be measured.
        smallest: what --metrics calls the metrics -> the smallest side that they can do with, in pixels.

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
    """The true picture at the size it is measured at, uint8 [H, W, 3]; raises ValueError for a damaged file."""
    return _at_size(images.read_rgb8(pair.truth), pair.size)


def read_output(pair: Pair) -> np.ndarray:
    """The result on disk, uint8 [H, W, 3]; raises ValueError for a damaged file."""
    assert pair.output is not None
    return images.read_rgb8(pair.output)


def read_hole(pair: Pair, invert: bool = False, *, as_original: bool = False) -> np.ndarray | None:
    """The hole of the mask on disk, bool [H, W], white = True unless `invert`; None for a pair without a mask.

    With `as_original` it is that of `systems.edgeconnect.pictures.read_hole_as_original`.

    Raises:
        ValueError: a damaged file.
    """
    if pair.mask is None:
        return None
    if as_original:
        return read_hole_as_original(pair.mask, pair.size, ORIGINAL_THRESHOLD, invert)
    values = _at_size(images.read_gray8(pair.mask), pair.size)
    return (255 - values if invert else values) > holes.MASK_THRESHOLD


def read_edges(pair: Pair) -> np.ndarray | None:
    """The predicted edges on disk, float32 [H, W] in [0, 1]; None for a pair without.

    Raises:
        ValueError: a damaged file.
    """
    return None if pair.edges is None else arrays.to_unit(images.read_gray8(pair.edges))


def _at_size(array: np.ndarray, size: Size) -> np.ndarray:
    if array.shape[:2] == size:
        return array
    return images.resize_bilinear(images.centre_square(array), *size)
