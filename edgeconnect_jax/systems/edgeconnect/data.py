"""The data of EdgeConnect: a picture with its edge maps, and a hole.

A record contains "image" [H, W, 3], "edges" [H, W, K] (255 = edge: the maps to choose from; absent if there are none)
and, with paired masks, "mask" [H, W, 1] (255 = hole). An example contains "image" [H, W, 3], "edge" [H, W, 1] and
"mask" [H, W, 1]. All these arrays are uint8. Where `masks.kind` mixes shapes, a validation example also contains
"hole_shape" [1, 1, 1] int32, the number of its hole's shape (see `data.hole_shapes`).
"""

import argparse
import functools
import pathlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.data import augmentation, fitting, hole_shapes, masks
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
    Role,
)
from edgeconnect_jax.host.options import between
from edgeconnect_jax.images import edges
from edgeconnect_jax.images.files import centre_square, read_gray8
from edgeconnect_jax.systems.edgeconnect.record_options import (
    HED_REMEDY,
    Options,
    create_options,
    hed_store,
    options_of,
)


def fields(options: Options) -> dict[str, Field]:
    """How a record is stored. Without edge maps there is no field, because TFDS cannot store empty arrays."""
    found = {"image": Field("uint8", 3)}
    found |= {"edges": Field("uint8", None)} if options.has_edges else {}
    return found | ({"mask": Field("uint8", 1)} if options.paired_masks else {})


def partners(config: Any, role: Role) -> list[Partner]:
    """External edge maps and paired masks, if the configuration uses them."""
    found = []
    if config.edges.source == "external":
        found.append(_edge_maps(config.edges[role], f"edges.{role}"))
    if config.masks.kind == "paired":
        found.append(_masks(config.masks[role], f"masks.{role}", "paired"))
    return found


def pools(config: Any, role: Role) -> list[Partner]:
    """Masks to draw from, if the configuration uses them."""
    kind = config.masks.kind
    return [_masks(config.masks[role], f"masks.{role}", kind)] if masks.needs_external(kind) else []


def _edge_maps(given: str, option: str) -> Partner:
    return Partner("edges", "edge map", given, option, 'edges.source="external"')


def _masks(given: str, option: str, kind: str) -> Partner:
    return Partner("mask", "mask", given, option, f'masks.kind="{kind}"')


def read(options: Options, files: RecordFiles) -> Record:
    """Reads a record without Canny's edges; see `Reader.read`."""
    picture, image = files.picture, fitting.fit_picture(files.picture, options.fit, files.name)
    record = {"image": image}
    if "edges" in files.partners:
        edge = fitting.fit_map(read_gray8(files.partners["edges"]), options.fit, picture, image, square=True)
        record["edges"] = (_thin(edge, image, options) if options.nms else edge)[..., None]
    if "mask" in files.partners:
        # As in the original, use the whole mask, whatever the picture's crop.
        mask = fitting.fit_map(read_gray8(files.partners["mask"]), options.fit, picture, image, square=False)
        record["mask"] = masks.binary(mask, *mask.shape)[..., None]
    return record


def _thin(edge: np.ndarray, image: np.ndarray, options: Options) -> np.ndarray:
    return edges.thin(edge, edges.to_gray(image), options.sigma or 0)


def complete(options: Options, record: Record) -> Record:
    """Adds edges by HED or Canny to the record unless it has external ones."""
    if "edges" in record or not options.has_edges:
        return record
    if needs_maps(options):
        return record | {"edges": _hed_edges(options, record["image"])[..., None]}
    return record | {"edges": edges.canny_maps(edges.to_gray(record["image"]), options.sigma or 0)}


def _hed_edges(options: Options, image: np.ndarray) -> np.ndarray:
    edge = edges.above(hed_store(options).read(image), options.hed_threshold or 0)
    return _thin(edge, image, options) if options.nms else edge


def needs_maps(options: Options) -> bool:
    """See `Reader.needs_maps`."""
    return options.edges == "hed"


def read_pool(options: Options, field: str, path: pathlib.Path) -> np.ndarray:
    """Reads a mask of the pool, uint8 [h, w, 1], 255 = hole.

    If image_size is set, the mask is cropped to a square and resized to that size. Otherwise it is unchanged here and
    resized to each picture's size when drawn.
    """
    mask = read_gray8(path)
    if options.image_size:
        mask = masks.binary(centre_square(mask), options.image_size, options.image_size)
    return mask[..., None]


class Drawing(NamedTuple):
    """The options of drawing an example.

    Attributes:
        crop_size: side of a random crop in pixels; 0 = the whole record.
        masks: the configuration's group `masks`, converted by `masks.plain`.
        flip: whether half of the examples are mirrored.
        color_jitter: see `augmentation.jittered`; 0 = none.
        hole_shapes: shape -> number, if examples tell the shape of their hole; empty otherwise.
    """

    crop_size: int
    masks: Any
    flip: bool
    color_jitter: float
    hole_shapes: Mapping[str, int] = {}


def drawing(config: Any, training: bool) -> Drawing:
    """The options of drawing; see `Reader.drawing`."""
    options = options_of(config)
    return Drawing(
        options.image_size if options.crop == "random" else 0,
        masks.plain(config.masks),
        training and config.data.flip,
        config.data.color_jitter if training else 0.0,
        {} if training else hole_shapes.mixed(config.masks.kind),
    )


def draw(rng: np.random.Generator, record: Record, pools: Pools, drawing: Drawing) -> Example:
    """Draws an example, in this order: the crop's top and left, the edge map, the mask, mirroring, the colours.

    Fixed choices are not drawn: the crop if crop_size is 0, the edge map if there is at most one, the mask if the
    record has its own, the colours if color_jitter is 0.

    Args:
        rng: the source of all randomness.
        record: the picture with its edge maps.
        pools: "mask": masks to draw from, if masks.kind uses them.
        drawing: see `Drawing`.

    Returns:
        image uint8 [H, W, 3], edge uint8 [H, W, 1] (255 = edge), mask uint8 [H, W, 1] (255 = hole); and hole_shape
        int32 [1, 1, 1] if the drawing numbers shapes.
    """
    if drawing.crop_size:
        record = augmentation.random_crop(rng, record, drawing.crop_size)
    height, width = record["image"].shape[:2]
    mask, shape = record.get("mask"), ""
    edge = _choose_edges(rng, record, (height, width))
    if mask is None:
        drawn, shape = masks.draw(rng, height, width, drawing.masks, pools.get("mask"))
        mask = drawn[..., None]
    example = {"image": record["image"], "edge": edge, "mask": mask}
    if drawing.hole_shapes:
        example["hole_shape"] = np.full((1, 1, 1), drawing.hole_shapes[shape], np.int32)
    if drawing.flip and rng.integers(2):
        example = augmentation.mirrored(example)
    if drawing.color_jitter:
        example["image"] = augmentation.jittered(rng, example["image"], drawing.color_jitter)
    return example


def _choose_edges(rng: np.random.Generator, record: Record, size: fitting.Size) -> np.ndarray:
    """Draws one of the record's edge maps, [H, W, 1]; an empty map if there are none."""
    maps = record.get("edges")
    if maps is None:
        return np.zeros((*size, 1), np.uint8)
    choice = int(rng.integers(maps.shape[-1])) if maps.shape[-1] > 1 else 0
    return maps[..., choice, None]


def size_problem(options: Options) -> Callable[[fitting.Size, str], str] | None:
    """See `Reader.size_problem`."""
    return None if fitting.enlarges(options.fit) else functools.partial(fitting.size_problem, fit=options.fit)


def one_size(options: Options) -> bool:
    """Whether all examples have the same size."""
    return options.image_size > 0


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--edges", default="", help="folder or file list of edge maps (edges.source=external), or hed; empty = Canny's")
    add("--hed_weights", default="", metavar="CKPT", help="edges.hed_weights, with --edges hed")
    add("--hed_threshold", type=between(0, 1, included=True), default=0.0, help="edges.hed_threshold, with --edges hed")
    add("--hed_maps", default="", metavar="DIR", help="edges.hed_maps, with --edges hed; empty = in your cache folder")
    add("--masks", default="", help="folder or file list of masks to draw from (masks.kind=external...)")
    add("--paired_masks", default="", help="folder or file list of the pictures' own masks (masks.kind=paired)")
    add("--image_size", type=int, default=256, help="side in pixels; 0 = each picture's own size")
    add("--crop", choices=fitting.CROPS, default="center", help="data.crop")
    add("--short_side", type=int, default=0, help="data.short_side, before random crops; 0 = unchanged")
    add("--sigma", type=float, default=2.0, help="edges.sigma; 0 = maps for 1, 2, 3 and 4, -1 = no edges")
    add("--nms", action="store_true", help="thin the edge maps to Canny's lines (edges.nms)")


def _preparation(arguments: argparse.Namespace) -> Preparation:
    if arguments.nms and not arguments.edges:
        raise ValueError("--nms thins external edge maps or HED's; name them with --edges")
    hed = arguments.edges == "hed"
    if hed and not arguments.hed_weights:
        raise ValueError(f"--edges hed needs --hed_weights: {HED_REMEDY}")
    if not hed and (arguments.hed_weights or arguments.hed_threshold or arguments.hed_maps):
        raise ValueError("--hed_weights, --hed_threshold and --hed_maps go with --edges hed")
    options = create_options(
        image_size=arguments.image_size,
        crop=arguments.crop,
        short_side=arguments.short_side,
        edges="hed" if hed else "external" if arguments.edges else "canny",
        sigma=arguments.sigma,
        nms=arguments.nms,
        paired_masks=bool(arguments.paired_masks),
        hed_weights=arguments.hed_weights,
        hed_maps=arguments.hed_maps,
        hed_threshold=arguments.hed_threshold,
    )
    found = [
        _edge_maps("" if hed else arguments.edges, "--edges"),
        _masks(arguments.paired_masks, "--paired_masks", "paired"),
    ]
    drawn = [_masks(arguments.masks, "--masks", "external")]
    return Preparation(options, [x for x in found if x.files], [x for x in drawn if x.files])


READER = Reader(
    options=options_of,
    # The name of each option in the configuration.
    option_names={
        "image_size": "data.image_size",
        "crop": "data.crop",
        "short_side": "data.short_side",
        "edges": "edges.source",
        "sigma": "edges.sigma",
        "nms": "edges.nms",
        "paired_masks": 'masks.kind="paired"',
        "hed": "SHA-256 of edges.hed_weights",
        "hed_threshold": "edges.hed_threshold",
    },
    fields=fields,
    partners=partners,
    pools=pools,
    read=read,
    complete=complete,
    read_pool=read_pool,
    drawing=drawing,
    draw=draw,
    size_problem=size_problem,
    one_size=one_size,
    extras=("paired_masks",),
    local=("hed_weights", "hed_maps"),
    needs_maps=needs_maps,
    pool_fields={"mask": PoolField(Field("uint8", 1), options=("image_size",))},
    preparing=Preparing(_add_arguments, _preparation),
)
