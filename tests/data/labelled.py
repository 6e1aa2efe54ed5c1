"""A reader of another kind than EdgeConnect's: pictures with int32 labels, and exemplars to draw from.

Labels are stored in 16 bits and read as multiples of SCALE, beyond what floats hold exactly. Those that
`write_labelled` writes are made of the picture's own values, so that what belongs together can be told.
"""

import pathlib
from typing import Any, NamedTuple

import numpy as np
from ml_collections import ConfigDict

from edgeconnect_jax.data import augmentation, fitting, records, sources
from edgeconnect_jax.data.reader import Example, Field, Partner, PoolField, Pools, Reader, Record, RecordFiles
from edgeconnect_jax.images.files import centre_square, read_picture, read_rgb8, resize_bilinear, write_png
from tests.synthetic import picture

SCALE = 30_011


class Options(NamedTuple):
    side: int
    crop: str

    @property
    def fit(self) -> fitting.Fit:
        return fitting.Fit(self.side, self.crop)


def label_of(image: np.ndarray) -> np.ndarray:
    """[..., 3] -> the label [..., 1] that `write_labelled` gives a pixel."""
    return (256 * image[..., :1].astype(np.int32) + image[..., 1:2]) * SCALE


def options(config: Any) -> Options:
    return Options(config.data.image_size, config.data.crop)


def fields(options: Options) -> dict[str, Field]:
    return {"image": Field("uint8", 3), "label": Field("int32", 1)}


def partners(config: Any, role: str) -> list[Partner]:
    return [Partner("label", "label map", config.labels[role], f"labels.{role}", "training on labels")]


def pools(config: Any, role: str) -> list[Partner]:
    return [Partner("exemplar", "exemplar", config.exemplars[role], f"exemplars.{role}", "drawing exemplars")]


def read(options: Options, files: RecordFiles) -> Record:
    image = fitting.fit_picture(files.picture, options.fit, files.name)
    label = read_picture(files.partners["label"]).color.astype(np.int32) * SCALE
    return {"image": image, "label": fitting.fit_map(label, options.fit, files.picture, image, square=True)}


def read_pool(options: Options, field: str, path: pathlib.Path) -> np.ndarray:
    return resize_bilinear(centre_square(read_rgb8(path)), options.side, options.side)


def drawing(config: Any, training: bool) -> tuple[int, bool]:
    return config.data.image_size, training


def draw(rng: np.random.Generator, record: Record, pools: Pools, drawing: tuple[int, bool]) -> Example:
    side, flip = drawing
    example = augmentation.random_crop(rng, record, side)
    example["exemplar"] = pools["exemplar"][int(rng.integers(len(pools["exemplar"])))]
    return augmentation.mirrored(example) if flip and rng.integers(2) else example


READER = Reader(
    options=options,
    option_names={"side": "data.image_size", "crop": "data.crop"},
    fields=fields,
    partners=partners,
    pools=pools,
    pool_fields={"exemplar": PoolField(Field("uint8", 3), options=("side",))},
    read=read,
    read_pool=read_pool,
    drawing=drawing,
    draw=draw,
)


def computed(config: ConfigDict, reader: Reader = READER) -> records.ComputedRecords:
    """The training records of a configuration."""
    source = sources.open_source(config.data.train)
    return records.compute_records(reader, reader.options(config), source, reader.partners(config, "train"))


def write_labelled(folder: pathlib.Path, count: int = 4) -> ConfigDict:
    """Writes pictures, labels and exemplars; returns a configuration that names them."""
    for name in ("pictures", "labels", "exemplars"):
        (folder / name).mkdir(parents=True)
    for seed in range(count):
        image, _ = picture(seed, 40, 50)
        write_png(folder / f"pictures/{seed}.png", image)
        write_png(folder / f"labels/{seed}.png", (label_of(image) // SCALE).astype(np.uint16))
        write_png(folder / f"exemplars/{seed}.png", image[::-1, :33])
    split = {name: dict.fromkeys(("train", "validation"), str(folder / name)) for name in ("labels", "exemplars")}
    data = dict.fromkeys(("train", "validation"), str(folder / "pictures"))
    data |= dict(image_size=24, crop="random", tfds_dir="", skip_bad=0, workers=0, threads=1, prefetch=1)
    run = dict(train=dict(seed=0, batch_size=4), eval=dict(batch_size=3, repeats=1))
    return ConfigDict(dict(data=data, **split, **run))
