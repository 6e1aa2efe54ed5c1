"""The input and output files of filling pictures with EdgeConnect."""

import functools
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import matching, sources
from edgeconnect_jax.data.matching import Job, Partners
from edgeconnect_jax.host.options import DTYPES
from edgeconnect_jax.images import arrays, holes
from edgeconnect_jax.images import files as images
from edgeconnect_jax.inference.folder import Files, Work, Written
from edgeconnect_jax.systems.edgeconnect import pictures
from edgeconnect_jax.systems.edgeconnect.inference import STEPS, Inpainter, Result, trained_sigma
from edgeconnect_jax.systems.edgeconnect.known import DEFAULT_SIGMA, OPTIONAL, KnownEdges

# Sub-folders of the output, so that the results themselves can be matched by stem with the true pictures.
EDGES_FOLDER = "edges"
MASKED_FOLDER = "masked"

MASK, EDGES = "mask", "edge map"  # keys of a job's files, also used in messages
# Stage of training -> the steps that its networks can run; the other stages have both generators.
_STEPS = {"edge": "edge", "inpaint": "inpaint"}


class Options(NamedTuple):
    """What to fill, and how.

    Attributes:
        pictures: files of the pictures.
        masks: one for each picture, see `matching.pair`.
        output: folder for the results, STEM.png each, in the picture's own depth, gray or colour, with its alpha. With
            steps "edge" these are the edge maps, as 8-bit gray.
        edges: one edge map for each picture, replacing those found in it; None = these.
        any_size: whether to resize masks and edge maps of the wrong size instead of reporting an error.
        steps: see `Inpainter`, also for the next three.
        compat: see `Inpainter`.
        dtype: see `Inpainter`.
        sigma: see `Inpainter`.
        edge_source: see `Inpainter`.
        configured: the group `edges` of a configuration, see `known.KnownEdges`.
        configured_sigma: sigma of a configuration, for converted weights, which do not store one; None = none.
        thin_edges: whether to thin `edges` to Canny's lines.
        mask_threshold: 0 to 254; brighter mask pixels are the hole. None = 127, or 0 with compat "original".
        invert_mask: whether the dark part of the masks is the hole (255 minus the mask is compared).
        save_edges: whether to also write the completion network's input edge maps, to EDGES_FOLDER of the output.
        save_masked: whether to also write the pictures with white holes, to MASKED_FOLDER of the output.
    """

    pictures: Sequence[pathlib.Path]
    masks: Partners
    output: str | os.PathLike
    edges: Partners | None = None
    any_size: bool = False
    steps: str = "full"
    compat: str | None = None
    dtype: str = DTYPES[0]
    sigma: float | None = None
    edge_source: str | None = None
    configured: Mapping[str, Any] | None = None
    configured_sigma: float | None = None
    thin_edges: bool = False
    mask_threshold: int | None = None
    invert_mask: bool = False
    save_edges: bool = False
    save_masked: bool = False


class _Loaded(NamedTuple):
    """The networks' input for a job: the picture, its hole bool [H, W] and its edges uint8 or float32 [H, W].

    The edges are None where a network finds them, one picture at a time.
    """

    job: Job
    picture: images.Picture
    hole: np.ndarray
    edges: np.ndarray | None


def find_jobs(options: Options) -> list[Job]:
    """Matches pictures with masks and edge maps, see `matching.pair`."""
    edges = {} if options.edges is None else {EDGES: options.edges}
    remedy = "make them equal or use --resize_masks"
    return matching.pair(options.pictures, {MASK: options.masks, **edges}, any_size=options.any_size, remedy=remedy)


def output_folders(output: str | os.PathLike, save_edges: bool, save_masked: bool) -> list[pathlib.Path]:
    """The folders that a run writes to: the output first, then those of additional results."""
    output = pathlib.Path(output)
    beside = [name for name, wanted in ((EDGES_FOLDER, save_edges), (MASKED_FOLDER, save_masked)) if wanted]
    return [output, *(output / name for name in beside)]


def work(weights: checkpoints.Weights, options: Options) -> Work:
    """Fills each picture with networks in memory."""
    sigma, thin_sigma = _sigmas(weights, options)
    inpainter = Inpainter(
        weights,
        steps=options.steps,
        compat=options.compat,
        dtype=options.dtype,
        sigma=sigma,
        edge_source=options.edge_source,
        configured=options.configured,
    )
    if options.edges is None and inpainter.known.by_network:
        _ = inpainter.known.detector  # loaded now, so that missing weights are reported before any work
    return work_of(inpainter, options, thin_sigma)


def work_of(inpainter: Inpainter, options: Options, thin_sigma: float | None = None) -> Work:
    """Fills each picture with an inpainter.

    Args:
        inpainter: determines steps, compat, dtype and how edges are found, overriding those of `options`.
        options: all other options.
        thin_sigma: sigma of the lines to which given edge maps are thinned; None = no thinning.
    """
    folders = output_folders(options.output, options.save_edges, options.save_masked)
    return Work(
        folders,
        read=functools.partial(_read, options, inpainter, thin_sigma),
        compute=lambda loaded: (loaded, inpainter(loaded.picture.color, loaded.hole, loaded.edges)),
        write=functools.partial(_write, folders[0], options, inpainter.compat == "original"),
    )


def _sigmas(weights: checkpoints.Weights, options: Options) -> tuple[float | None, float | None]:
    """Canny's sigma for known edges, and the sigma for thinning given edges (None = no thinning)."""
    sigma, configured = options.sigma, options.configured_sigma
    if _source(weights, options) == "hed":
        configured = None
    if configured is not None:
        trained = trained_sigma(weights.config)
        sigma = configured if trained is None else trained
        if sigma != configured:
            print(f"edges.sigma={sigma:g}, from the checkpoint's training, instead of {configured:g}")
    thin_sigma = sigma if options.thin_edges else None
    # sigma 0 draws one at random for every training example; results should not be random.
    return (DEFAULT_SIGMA if sigma == 0 and configured is not None else sigma), thin_sigma


def _source(weights: checkpoints.Weights, options: Options) -> str:
    """How known edges are found; says so where training did it in another way than the configuration."""
    known = KnownEdges(weights, source=options.edge_source, configured=options.configured)
    configured = (options.configured or {}).get("source", known.source)
    if configured != known.source and options.edges is None:
        print(f"edges.source={known.source}, from the checkpoint's training, instead of {configured}")
    return known.source


def _read(options: Options, inpainter: Inpainter, thin_sigma: float | None, job: Job) -> _Loaded:
    """Reads a job's files and finds its edges."""
    picture = images.read_picture(job.picture)
    size = picture.color.shape[:2]
    original = inpainter.compat == "original"
    threshold = options.mask_threshold
    if threshold is None:
        threshold = 0 if original else holes.MASK_THRESHOLD
    read_hole = pictures.read_hole_as_original if original else holes.read_hole
    hole = read_hole(job.files[MASK], size, threshold, options.invert_mask)
    if EDGES not in job.files:
        known = inpainter.known
        return _Loaded(job, picture, hole, None if known.by_network else known(picture.color, hole))
    edges = images.resize_bilinear(images.read_gray8(job.files[EDGES]), *size)
    if thin_sigma is not None:
        edges = pictures.thin_edges(edges, picture.color, hole, thin_sigma)
    return _Loaded(job, picture, hole, edges)


def _write(output: pathlib.Path, options: Options, truncate: bool, filled: tuple[_Loaded, Result]) -> Written:
    """Writes all files of one job."""
    loaded, result = filled
    path = output / f"{loaded.job.picture.stem}.png"
    saving = {"truncate": truncate, "save_edges": options.save_edges, "save_masked": options.save_masked}
    write_result(path, loaded.picture, loaded.hole, result, **saving)
    mask = loaded.job.files[MASK]
    return Written(path, "" if loaded.hole.any() else f"{mask}: no hole in this mask; its pictures are unchanged")


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
    """Writes the files for one picture, the result itself last.

    Args:
        path: path of the result; its folder and the sub-folders to write to must exist.
        picture: the picture that was filled.
        hole: bool [H, W].
        result: see `Inpainter`.
        truncate: whether to truncate edges to integers instead of rounding them.
        save_edges: whether to also write the completion network's input edge map, to EDGES_FOLDER.
        save_masked: whether to also write the picture with a white hole, to MASKED_FOLDER.

    Raises:
        OSError: a file could not be written.
    """
    map_of_edges = images.Picture(arrays.quantize(result.edges, np.dtype(np.uint8), truncate)[..., None])
    if save_edges:
        images.write_picture(path.parent / EDGES_FOLDER / path.name, map_of_edges)
    if save_masked:
        images.write_picture(path.parent / MASKED_FOLDER / path.name, _masked(picture, hole))
    images.write_picture(path, map_of_edges if result.image is None else picture._replace(color=result.image))


def _masked(picture: images.Picture, hole: np.ndarray) -> images.Picture:
    color = picture.color.copy()
    color[hole] = np.iinfo(color.dtype).max
    return picture._replace(color=color)


def _test(stage: Config, output: pathlib.Path) -> Options:
    """The test set of a stage. Pictures keep their size, regardless of data.image_size."""
    edges = sources.list_files(stage.edges.test) if stage.edges.source == "external" else None
    return Options(
        sources.list_files(stage.data.test),
        sources.list_files(stage.masks.test),
        output,
        edges,
        any_size=True,
        steps=_STEPS.get(stage.task.name, "full"),
        dtype=stage.task.dtype,
        configured=stage.edges.to_dict(),
        configured_sigma=stage.edges.sigma,
        thin_edges=stage.edges.nms,
    )


FILES = Files(
    system="edgeconnect",
    networks=lambda options: STEPS[options.steps],
    jobs=find_jobs,
    work=work,
    test=_test,
    optional=OPTIONAL,
)
