"""Pictures with label maps of the same stem, and exemplars to draw from."""

import argparse
import pathlib
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.data import augmentation, fitting
from edgeconnect_jax.data.reader import (
    Example,
    Field,
    Partner,
    PoolField,
    Pools,
    Preparation,
    Preparing,
    Reader,
    Record,
    RecordFiles,
)
from edgeconnect_jax.images.files import centre_square, read_rgb8, resize_bilinear
from edgeconnect_jax.images.ids import read_ids


class Options(NamedTuple):
    """What a record depends on."""

    side: int
    classes: int

    @property
    def fit(self) -> fitting.Fit:
        return fitting.Fit(self.side, "center")


def _options(config: Any) -> Options:
    return Options(config.data.image_size, config.task.classes)


def fields(options: Options) -> dict[str, Field]:
    return {"image": Field("uint8", 3), "label": Field("int32", 1)}


def _labels(files: str, option: str) -> Partner:
    return Partner("label", "label map", files, option, "training")


def _exemplars(files: str, option: str) -> Partner:
    return Partner("exemplar", "exemplar", files, option, "training")


def partners(config: Any, role: str) -> list[Partner]:
    return [_labels(config.labels[role], f"labels.{role}")]


def pools(config: Any, role: str) -> list[Partner]:
    return [_exemplars(config.exemplars[role], f"exemplars.{role}")]


def read_labels(path: pathlib.Path, classes: int) -> np.ndarray:
    """int32 [H, W, 1]; ValueError names a file with a label of no class."""
    labels = read_ids(path)[..., None]
    if labels.max() >= classes:
        raise ValueError(f"{path}: holds the label {labels.max()}, but there are only {classes} classes")
    return labels


def read(options: Options, files: RecordFiles) -> Record:
    image = fitting.fit_picture(files.picture, options.fit, files.name)
    labels = read_labels(files.partners["label"], options.classes)
    return {"image": image, "label": fitting.fit_map(labels, options.fit, files.picture, image, square=True)}


def read_pool(options: Options, field: str, path: pathlib.Path) -> np.ndarray:
    return resize_bilinear(centre_square(read_rgb8(path)), options.side, options.side)


def drawing(config: Any, training: bool) -> bool:
    return training and config.data.flip


def draw(rng: np.random.Generator, record: Record, pools: Pools, flip: bool) -> Example:
    exemplar = pools["exemplar"][int(rng.integers(len(pools["exemplar"])))]
    example = {**record, "exemplar": exemplar}
    return augmentation.mirrored(example) if flip and rng.integers(2) else example


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--labels", required=True)
    parser.add_argument("--exemplars", required=True)
    parser.add_argument("--image_size", type=int, default=32)
    parser.add_argument("--classes", type=int, default=4)


def _preparation(arguments: argparse.Namespace) -> Preparation:
    options = Options(arguments.image_size, arguments.classes)
    return Preparation(
        options, [_labels(arguments.labels, "--labels")], [_exemplars(arguments.exemplars, "--exemplars")]
    )


READER = Reader(
    options=_options,
    option_names={"side": "data.image_size", "classes": "task.classes"},
    fields=fields,
    read=read,
    drawing=drawing,
    draw=draw,
    partners=partners,
    pools=pools,
    pool_fields={"exemplar": PoolField(Field("uint8", 3), options=("side",))},
    read_pool=read_pool,
    preparing=Preparing(_add_arguments, _preparation),
)
