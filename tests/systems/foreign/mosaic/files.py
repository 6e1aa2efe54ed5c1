"""The files that it paints from: label maps, each with the exemplar of its stem."""

import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import matching, sources
from edgeconnect_jax.data.matching import Job
from edgeconnect_jax.images import files as images
from edgeconnect_jax.inference.folder import Files, Work, Written

from .data import read_labels
from .inference import Mosaicist
from .networks import NETWORKS


class Options(NamedTuple):
    """What is painted."""

    labels: Sequence[pathlib.Path]
    exemplars: Sequence[pathlib.Path]
    output: pathlib.Path
    dtype: str


def _jobs(options: Options) -> list[Job]:
    return matching.pair(options.labels, {"exemplar": options.exemplars}, any_size=True)


def read_inputs(labels: pathlib.Path, exemplar: pathlib.Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels int32 [H, W, 1] and an exemplar of their size, uint8 [H, W, 3]."""
    layout = read_labels(labels, classes)
    return layout, images.resize_bilinear(images.read_rgb8(exemplar), *layout.shape[:2])


def _work(weights: checkpoints.Weights, options: Options) -> Work:
    paint = Mosaicist(weights, options.dtype)

    def write(painted: tuple[Job, np.ndarray]) -> Written:
        job, image = painted
        path = options.output / f"{job.picture.stem}.png"
        images.write_picture(path, images.Picture(image))
        return Written(path)

    return Work(
        [options.output],
        read=lambda job: (job, read_inputs(job.picture, job.files["exemplar"], paint.classes)),
        compute=lambda read: (read[0], paint(*read[1])),
        write=write,
    )


def _test(stage: Config, output: pathlib.Path) -> Options:
    labels, exemplars = sources.list_files(stage.data.test), sources.list_files(stage.exemplars.test)
    return Options(labels, exemplars, output, stage.task.dtype)


FILES = Files(system="mosaic", networks=lambda options: tuple(NETWORKS), jobs=_jobs, work=_work, test=_test)
