"""Filled pictures against those that the PyTorch original filled with reference weights.

A golden folder holds `arrays.npz`, for each picture NAME: NAME/{mask, edge_in, edge_out, rgb_out, rgb_out_composite},
and the PNG files that the original's test script wrote in `model1` (edges), `model2` (colours along the true edges) and
`model3` (both networks). The pictures and masks lie in `images` and `masks` of another folder.
"""

import pathlib
import tempfile
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import skimage.color
import skimage.feature

from benchmarks.parity.comparison import Comparison, largest_difference, share_unequal
from benchmarks.parity.edgeconnect.golden_training import reference_variables
from benchmarks.parity.edgeconnect.reference_weights import SEED
from edgeconnect_jax.checkpoints.weights import Weights
from edgeconnect_jax.data.matching import Job
from edgeconnect_jax.images import arrays, edges, files
from edgeconnect_jax.inference.folder import run
from edgeconnect_jax.systems.edgeconnect import files as edgeconnect
from edgeconnect_jax.systems.edgeconnect import pictures
from edgeconnect_jax.systems.edgeconnect.importer import ORIGINAL_SIZES
from edgeconnect_jax.systems.edgeconnect.inference import STEPS, Inpainter

ARRAY_BOUND = 5e-5
LEVEL_BOUND = 1
SHARE_BOUND = 1e-3  # of the values of a PNG file that may differ at all

ARRAYS = ("mask", "edge_in", "edge_out", "rgb_out", "rgb_out_composite")  # of each picture
FOLDERS = {"model1": "edge", "model2": "inpaint", "model3": "full"}  # PNG files by the steps that write them
SIGMAS = (1.0, 1.5, 2.0, 3.0, 4.0)


class Example(NamedTuple):
    """A picture to fill: uint8 [H, W, 3], and bool [H, W], True = hole."""

    image: np.ndarray
    hole: np.ndarray


def reference_weights(seed: int = SEED) -> Weights:
    """Both generators with reference weights."""
    names = STEPS["full"]
    return Weights(
        {name: reference_variables(name, seed) for name in names}, {name: ORIGINAL_SIZES[name] for name in names}
    )


def read_examples(folder: str | pathlib.Path) -> dict[str, Example]:
    """The pictures of a folder by name, with their masks as the original's test script reads them.

    Raises:
        ValueError: a folder is missing or empty, a file is corrupted, or a picture has no mask or several.
    """
    found = {}
    for job in edgeconnect.find_jobs(_options(folder)):
        image = files.read_rgb8(job.picture)
        hole = pictures.read_hole_as_original(job.files[edgeconnect.MASK], image.shape[:2], 0, invert=False)
        found[job.picture.stem] = Example(image, hole)
    return found


def _options(folder: str | pathlib.Path) -> edgeconnect.Options:
    images, masks = (files.list_images(pathlib.Path(folder) / name) for name in ("images", "masks"))
    return edgeconnect.Options(images, masks, output=folder, any_size=True)


def compare_canny(examples: Mapping[str, Example]) -> Iterator[Comparison]:
    """Our edge maps against scikit-image's, with and without a mask."""
    for name, (image, hole) in examples.items():
        gray = skimage.color.rgb2gray(image)
        for sigma in SIGMAS:
            for mask, kind in ((None, "whole"), (~hole, "masked")):
                ours = edges.canny_edges(edges.to_gray(image), sigma, mask)
                theirs = skimage.feature.canny(gray, sigma=sigma, mask=mask)
                yield Comparison(f"canny/{name}/{kind}, sigma {sigma:g}", share_unequal(ours, theirs * 255), 0)


def compare_arrays(
    golden: Mapping[str, np.ndarray], examples: Mapping[str, Example], weights: Weights
) -> Iterator[Comparison]:
    """Masks, known edges and the raw output of both networks against `arrays.npz`.

    Raises:
        ValueError: a picture is missing among the examples, or an array among the golden ones.
    """
    names = {key.split("/")[0] for key in golden}
    wanted = [f"{name}/{kind}" for name in names for kind in ARRAYS]
    problems = [f"no example picture {name}" for name in sorted(names - set(examples))]
    problems += [f"no golden array {key}" for key in wanted if key not in golden]
    if problems:
        raise ValueError("\n".join(problems))
    raw, composite = (Inpainter(weights, compat=compat, sigma=2.0) for compat in ("original", None))
    for name in sorted(names):
        image, hole = examples[name]
        mask, known = golden[f"{name}/mask"], golden[f"{name}/edge_in"]
        yield Comparison(f"arrays/{name}/mask", share_unequal(hole, mask), 0)
        yield Comparison(f"arrays/{name}/edge_in", share_unequal(pictures.known_edges(image, hole, 2.0), known), 0)
        given = arrays.to_unit(image), known[..., None], mask[..., None]
        colours, drawn = raw.generate(*given)
        merged, _ = composite.generate(*given)
        for key, ours in (("edge_out", drawn), ("rgb_out", colours), ("rgb_out_composite", merged)):
            assert ours is not None
            yield Comparison(f"arrays/{name}/{key}", largest_difference(ours, golden[f"{name}/{key}"]), ARRAY_BOUND)


def _expects(folder: pathlib.Path, job: Job) -> bool:
    return (folder / f"{job.picture.stem}.png").is_file()


def compare_files(golden: str | pathlib.Path, examples: str | pathlib.Path, weights: Weights) -> Iterator[Comparison]:
    """The PNG files of `--compat original` against those of the original's test script.

    Raises:
        ValueError: a golden folder is missing, or an example picture for one of its files.
    """
    for folder, steps in FOLDERS.items():
        expected = pathlib.Path(golden) / folder
        options = _options(examples)
        _check_files(expected, {path.stem for path in options.pictures})
        with tempfile.TemporaryDirectory() as output:
            inpainter = Inpainter(weights, steps=steps, compat="original", sigma=2.0)
            jobs = [job for job in edgeconnect.find_jobs(options) if _expects(expected, job)]
            for path in run(jobs, edgeconnect.work_of(inpainter, options._replace(output=output))).results:
                ours, theirs = (files.read_picture(p).color for p in (path, expected / path.name))
                name = f"{folder}/{path.stem}"
                yield Comparison(f"{name}/levels", largest_difference(ours, theirs), LEVEL_BOUND)
                yield Comparison(f"{name}/share unequal", share_unequal(ours, theirs), SHARE_BOUND)


def _check_files(folder: pathlib.Path, examples: set[str]) -> None:
    """Raises ValueError unless `folder` holds PNG files, and of example pictures only."""
    names = {path.stem for path in folder.glob("*.png")}
    if not names:
        raise ValueError(f"{folder}: no PNG files")
    if names - examples:
        raise ValueError(f"{folder}: no example picture {', '.join(sorted(names - examples))}")
