"""Records and pools of EdgeConnect's reader, made of folders."""

import pathlib
from typing import Any

from edgeconnect_jax.data import records, sources
from edgeconnect_jax.data.reader import Partner
from edgeconnect_jax.systems.edgeconnect.data import READER, Options, create_options

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
