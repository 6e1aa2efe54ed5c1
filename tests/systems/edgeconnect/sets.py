"""Records, pools and configurations of EdgeConnect's reader, made of folders."""

import pathlib
from typing import Any

from PIL import Image

from configs.default import get_config
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import records, sources
from edgeconnect_jax.data.prepared import write
from edgeconnect_jax.data.reader import Partner
from edgeconnect_jax.systems.edgeconnect.data import READER, Options, create_options
from tests.conftest import write_masks, write_photographs
from tests.synthetic import picture

_PLAIN = dict(image_size=32, crop="center", short_side=0, edges="canny", sigma=2.0, nms=False, paired_masks=False)


def options(**changes: Any) -> Options:
    """Options of records of 32 x 32 pixels, with some changed."""
    return create_options(**{**_PLAIN, **changes})


def computed(images: Any, edge_maps: Any = "", masks: Any = "", **changes: Any) -> records.ComputedRecords:
    """Records of a folder, with the partners that the options ask for."""
    chosen = options(**changes)
    partners = [Partner("edges", "edge map", str(edge_maps), "edges.train", 'edges.source="external"')]
    partners = partners if chosen.edges == "external" else []
    partners += [drawn(masks)] if chosen.paired_masks else []
    return records.compute_records(READER, chosen, sources.open_source(str(images)), partners)


def drawn(masks: Any = "") -> Partner:
    """The masks of a folder."""
    return Partner("mask", "mask", str(masks), "masks.train", "masks.kind")


def pool(masks: pathlib.Path, count: int | None = None, **changes: Any) -> records.PoolFiles:
    """The first masks of a folder, to draw from."""
    found = records.pool_files(READER, options(**changes), drawn(masks))
    return found.select(range(len(found))[:count])


def write_folders(home: pathlib.Path) -> dict[str, str]:
    """Writes four photographs, 42 x 57, with masks and soft edge maps of other sizes, and masks to draw from.

    Returns:
        "images", "masks", "edges", "external" -> the folder.
    """
    write_photographs(home / "images", 42, 57)
    write_masks(home / "masks", 60, 70)
    for kind in ("edges", "external"):
        (home / kind).mkdir()
    for seed, path in enumerate(sorted((home / "images").iterdir())):
        soft, hole = picture(seed, 50, 64)
        Image.fromarray(soft[..., 0]).save(home / "edges" / path.name)
        Image.fromarray(hole[:, 8:48]).save(home / "external" / f"hole{seed}.png")
    return {path.name: str(path) for path in home.iterdir()}


def config(folders: dict[str, str], **changes: Any) -> Config:
    """A configuration that trains and validates on what `write_folders` wrote; "group__option" changes an option."""
    config = get_config()
    config.data.train = config.data.validation = folders["images"]
    config.data.image_size = 32
    config.train.batch_size = config.eval.batch_size = 4
    config.update_from_flattened_dict({key.replace("__", "."): value for key, value in changes.items()})
    return config


def prepare(config: Config, folder: pathlib.Path) -> str:
    """Prepares the training set of a configuration; returns the folder."""
    chosen, source = READER.options(config), sources.open_source(config.data.train)
    computed = records.compute_records(READER, chosen, source, READER.partners(config, "train"))
    pools = [records.pool_files(READER, chosen, pool) for pool in READER.pools(config, "train")]
    write.prepare(computed, pools, folder, shards=2, progress=False)
    return str(folder)
