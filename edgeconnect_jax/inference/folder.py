"""Filling a list of picture files into a folder."""

import contextlib
import functools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from edgeconnect_jax.data.matching import Job
from edgeconnect_jax.host.threads import in_threads
from edgeconnect_jax.images import arrays
from edgeconnect_jax.images import edges as edge_maps
from edgeconnect_jax.images import files as images
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter, Result

# Sub-folders of the output, so that the results themselves pair by stem with the true pictures.
EDGES_FOLDER = "edges"
MASKED_FOLDER = "masked"
# Of those that read, and of those that write: each may hold a few pictures, and fills a GPU's time at 8.
_THREADS = 8
# More than the rounding of a gray computed in float64, less than the faintest colour (blue 1: gray 0.07).
_ROUNDING = 1e-6


_OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"  # how XLA's errors begin


class UnreadableError(ValueError):
    """Some pictures, masks or edge maps are damaged or do not fit; the others have been filled."""


class Summary(NamedTuple):
    """What a run over a list of pictures did.

    Attributes:
      results: the files written, in the order of the jobs.
      without_hole: masks in which no pixel is a hole, so that the picture came back as it was.
    """

    results: list[pathlib.Path]
    without_hole: list[pathlib.Path]


def output_folders(output: str | os.PathLike, save_edges: bool, save_masked: bool) -> list[pathlib.Path]:
    """The folders that a run writes to: the output first, then those of what is saved beside the results."""
    output = pathlib.Path(output)
    beside = [name for name, wanted in ((EDGES_FOLDER, save_edges), (MASKED_FOLDER, save_masked)) if wanted]
    return [output, *(output / name for name in beside)]


def check_output(folders: Iterable[pathlib.Path], inputs: Iterable[str | os.PathLike]) -> None:
    """Refuses folders in which results would overwrite, or be mixed with, what they are made from.

    Args:
      folders: see `output_folders`; they need not exist.
      inputs: files or folders that are read.

    Raises:
      ValueError: a folder is a file, is one that is read or lies in it, or holds a file that is read.
    """
    inputs = [pathlib.Path(path) for path in inputs]
    problems = []
    for folder in folders:
        if folder.exists() and not folder.is_dir():
            problems.append(f"{folder}: the output must be a folder, this is a file")
        problems += [
            f"{folder}: results would mix with the input {path}; choose another output folder"
            for path in inputs
            if _mixes(folder.resolve(), path.resolve())
        ]
    if problems:
        raise ValueError("\n".join(problems))


def _mixes(folder: pathlib.Path, read: pathlib.Path) -> bool:
    # A folder is read with its sub-folders; a single file may have the output in a folder beside it.
    return folder == read or read in folder.parents if read.is_dir() else folder == read.parent


def fill_folder(
    inpainter: Inpainter,
    jobs: Sequence[Job],
    output: str | os.PathLike,
    *,
    mask_threshold: int | None = None,
    invert_mask: bool = False,
    save_edges: bool = False,
    save_masked: bool = False,
    thin_sigma: float | None = None,
) -> Summary:
    """Fills pictures and writes each as OUTPUT/STEM.png, in its own depth, gray or colour, with its alpha.

    For an inpainter with steps "edge" the results are the edge maps, as 8-bit gray.

    Args:
      inpainter: fills them, one at a time.
      jobs: see `pairing.pair`; masks and edge maps of another size are resized bilinearly.
      output: folder, made if it does not exist.
      mask_threshold: 0 to 254; a pixel is a hole if its mask is brighter. None = 127, or 0 for an inpainter
        that is compatible with the original.
      invert_mask: the dark part of the masks is the hole (255 minus the mask is compared).
      save_edges: also write the edge maps that the completion network saw, to OUTPUT/edges.
      save_masked: also write the pictures with white holes, to OUTPUT/masked.
      thin_sigma: thin the edge maps to the lines that Canny finds with this sigma; None = leave them as they are.

    Raises:
      ValueError: the output would mix with the input; raised before any work.
      UnreadableError: damaged files, and jobs with a problem, all listed after the others have been filled.
      OSError: a result could not be written.
    """
    folders = output_folders(output, save_edges, save_masked)
    check_output(folders, _one_of_each_folder(jobs))
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    reading = _Reading(inpainter.compat, inpainter.sigma, mask_threshold, invert_mask, thin_sigma)
    read = functools.partial(_load, reading)
    write = functools.partial(_write, folders[0], inpainter.compat == "original", save_edges, save_masked)
    results, without_hole, problems = [], [], []
    # Threads read ahead and write behind; the networks run here, one picture after the other. What is filled is
    # written even if an error or Ctrl-C ends the run.
    with (
        contextlib.closing(in_threads(read, jobs, most=_THREADS)) as loaded,
        contextlib.closing(in_threads(write, _fill(inpainter, loaded), most=_THREADS, finish=True)) as written,
    ):
        for done in tqdm(written, total=len(jobs), unit="picture", disable=None):
            if isinstance(done, str):
                problems.append(done)
                continue
            results.append(folders[0] / f"{done.job.image.stem}.png")
            without_hole += [] if done.hole.any() else [done.job.mask]
    if problems:
        told = f"{len(results)} of {len(jobs)} pictures were filled; mend these files for the others:"
        raise UnreadableError("\n".join([told, *dict.fromkeys(problems)]))
    return Summary(results, without_hole)


def _one_of_each_folder(jobs: Sequence[Job]) -> list[pathlib.Path]:
    files = [path for job in jobs for path in (job.image, job.mask, job.edges) if path is not None]
    return list({path.parent: path for path in files}.values())


class _Reading(NamedTuple):
    """How files are read: see `fill_folder`; `sigma` is that of known edges."""

    compat: str | None
    sigma: float
    threshold: int | None
    invert: bool
    thin_sigma: float | None


class _Loaded(NamedTuple):
    """What the networks need of a job: the picture, its hole bool [H, W] and its edges uint8 or float32 [H, W]."""

    job: Job
    picture: images.Picture
    hole: np.ndarray
    edges: np.ndarray


def _load(options: _Reading, job: Job) -> _Loaded | str:
    """Reads a job's files and finds its edges; returns what is wrong instead if one cannot be read."""
    if job.problem:
        return job.problem
    try:
        picture, hole, edges = _read(job, options.compat, options.threshold, options.invert)
    except ValueError as error:
        return str(error)
    if edges is None:
        edges = arrays.known_edges(picture.color, hole, options.sigma)
    elif options.thin_sigma is not None:
        edges = arrays.thin_edges(edges, picture.color, hole, options.thin_sigma)
    return _Loaded(job, picture, hole, edges)


def _fill(inpainter: Inpainter, loaded: Iterable[_Loaded | str]) -> Iterator[tuple[_Loaded, Result] | str]:
    """Each job with its result; what is wrong is handed on."""
    for item in loaded:
        if isinstance(item, str):
            yield item
            continue
        try:
            yield item, inpainter(item.picture.color, item.hole, item.edges)
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError) and _OUT_OF_MEMORY not in str(error):
                raise
            height, width = item.hole.shape
            yield f"{item.job.image}: {width} x {height} pixels take more memory than there is; shrink the picture"


def _write(
    output: pathlib.Path, truncate: bool, save_edges: bool, save_masked: bool, filled: tuple[_Loaded, Result] | str
) -> _Loaded | str:
    """Writes all files of one job; what is wrong is handed on."""
    if isinstance(filled, str):
        return filled
    loaded, result = filled
    saving = {"truncate": truncate, "save_edges": save_edges, "save_masked": save_masked}
    write_result(output / f"{loaded.job.image.stem}.png", loaded.picture, loaded.hole, result, **saving)
    return loaded


def write_result(
    path: pathlib.Path,
    picture: images.Picture,
    hole: np.ndarray,
    result: Result,
    *,
    truncate: bool = False,
    save_edges: bool = False,
    save_masked: bool = False,
) -> None:
    """Writes what was made of one picture, the result itself last.

    Args:
      path: of the result, in a folder that exists, as do those beside it if they are written to.
      picture: that was filled.
      hole: bool [H, W].
      result: see `Inpainter`.
      truncate: edges to integers instead of rounding them.
      save_edges: also write the edge map that the completion network saw, to EDGES_FOLDER.
      save_masked: also write the picture with a white hole, to MASKED_FOLDER.

    Raises:
      OSError: a file could not be written.
    """
    map_of_edges = images.Picture(arrays.quantize(result.edges, np.dtype(np.uint8), truncate)[..., None])
    if save_edges:
        images.write_picture(path.parent / EDGES_FOLDER / path.name, map_of_edges)
    if save_masked:
        images.write_picture(path.parent / MASKED_FOLDER / path.name, _masked(picture, hole))
    images.write_picture(path, map_of_edges if result.image is None else picture._replace(color=result.image))


def _read(
    job: Job, compat: str | None, threshold: int | None, invert: bool
) -> tuple[images.Picture, np.ndarray, np.ndarray | None]:
    """The picture, its hole (bool [H, W]) and its edge map (uint8 [H, W] or None)."""
    picture = images.read_picture(job.image)
    size = picture.color.shape[:2]
    if compat == "original":
        hole = read_hole_as_original(job.mask, size, 0 if threshold is None else threshold, invert)
    else:
        hole = read_hole(job.mask, size, arrays.MASK_THRESHOLD if threshold is None else threshold, invert)
    if job.edges is None:
        return picture, hole, None
    return picture, hole, images.resize_bilinear(images.read_gray8(job.edges), *size)


def read_hole(path: pathlib.Path, size: tuple[int, int], threshold: int, invert: bool) -> np.ndarray:
    """A mask file as booleans.

    Args:
      path: of the mask.
      size: (height, width) to resize it to.
      threshold: 0 to 254; brighter pixels are the hole.
      invert: take 255 minus the mask.

    Returns:
      bool [height, width], True = hole.

    Raises:
      ValueError: see `images.read_gray8`.
    """
    values = images.resize_bilinear(images.read_gray8(path), *size)
    return (255 - values if invert else values) > threshold


def read_hole_as_original(path: pathlib.Path, size: tuple[int, int], threshold: int, invert: bool) -> np.ndarray:
    """`read_hole` in the order of the original's test script: colours are resized, then converted to gray.

    A faint colour, which rounds to black as 8-bit gray, is a hole there.
    """
    rgb = images.resize_bilinear(images.read_rgb8(path), *size)
    gray = edge_maps.to_gray(255 - rgb if invert else rgb) * 255
    return gray > threshold + _ROUNDING


def _masked(picture: images.Picture, hole: np.ndarray) -> images.Picture:
    color = picture.color.copy()
    color[hole] = np.iinfo(color.dtype).max
    return picture._replace(color=color)
