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
from edgeconnect_jax.data.fitting import Fit
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
from edgeconnect_jax.images import edges
from edgeconnect_jax.images.files import centre_square, read_gray8

# The generators halve the sides twice and double them twice.
SIDE_MULTIPLE = 4
# The discriminator halves the sides three times and then applies two 4 x 4 convolutions. Below this side its output is
# empty and every loss on it is undefined.
SMALLEST_IMAGE_SIZE = 24

EDGE_SOURCES = ("canny", "external")


class Options(NamedTuple):
    """The options that determine a record; options without effect have a neutral value.

    Attributes:
        image_size: side in pixels; 0 = the picture's own size, cropped to multiples of SIDE_MULTIPLE.
        crop: "center" or "random".
        short_side: shorter side of the whole picture before a random crop, in pixels; 0 = unchanged.
        edges: "canny" or "external".
        sigma: Canny's sigma; None if Canny is not used.
        nms: whether external edge maps are thinned to Canny's lines.
        paired_masks: whether a record contains the picture's own mask.
    """

    image_size: int
    crop: str
    short_side: int
    edges: str
    sigma: float | None
    nms: bool
    paired_masks: bool

    @property
    def has_edges(self) -> bool:
        """Whether a record contains edge maps."""
        return self.edges == "external" or self.sigma != -1

    @property
    def fit(self) -> Fit:
        """How pictures are cropped and resized."""
        return Fit(self.image_size, self.crop, self.short_side, SIDE_MULTIPLE, SMALLEST_IMAGE_SIZE, "the discriminator")


def create_options(
    image_size: int, crop: str, short_side: int, edges: str, sigma: float, nms: bool, paired_masks: bool
) -> Options:
    """Checks options and sets those without effect to neutral values.

    Raises:
        ValueError: lists all problems.
    """
    random_crop, external = crop == "random" and image_size != 0, edges == "external"
    options = Options(
        image_size=image_size,
        crop=crop if image_size else "center",
        short_side=short_side if random_crop else 0,
        edges=edges,
        sigma=None if external and not nms else float(sigma),
        nms=external and nms,
        paired_masks=paired_masks,
    )
    problems = _problems(options)
    if problems:
        raise ValueError("\n".join(problems))
    return options


def _problems(options: Options) -> list[str]:
    """The problems of options, one sentence each."""
    size, short_side, sigma = options.image_size, options.short_side, options.sigma
    wrong = [
        (
            size < 0 or size % SIDE_MULTIPLE,
            f"data.image_size={size}: must be 0 or a positive multiple of {SIDE_MULTIPLE}",
        ),
        (options.crop not in fitting.CROPS, f'data.crop={options.crop!r}: must be "center" or "random"'),
        (short_side and short_side < size, f"data.short_side={short_side}: smaller than data.image_size={size}"),
        (options.edges not in EDGE_SOURCES, f'edges.source={options.edges!r}: must be "canny" or "external"'),
        (
            sigma is not None and sigma < 0 and sigma != -1,
            f"edges.sigma={sigma}: must be positive, 0 (random) or -1 (no edges)",
        ),
    ]
    return [message for is_wrong, message in wrong if is_wrong]


def options_of(config: Any) -> Options:
    """The options of a configuration (its groups data, edges and masks); see `create_options`."""
    return create_options(
        image_size=config.data.image_size,
        crop=config.data.crop,
        short_side=config.data.short_side,
        edges=config.edges.source,
        sigma=config.edges.sigma,
        nms=config.edges.nms,
        paired_masks=config.masks.kind == "paired",
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
    """Adds Canny's edges to the record unless it has external ones."""
    if "edges" in record or not options.has_edges:
        return record
    return record | {"edges": edges.canny_maps(edges.to_gray(record["image"]), options.sigma or 0)}


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
    add("--edges", default="", help="folder or file list of edge maps (edges.source=external); empty = Canny's")
    add("--masks", default="", help="folder or file list of masks to draw from (masks.kind=external...)")
    add("--paired_masks", default="", help="folder or file list of the pictures' own masks (masks.kind=paired)")
    add("--image_size", type=int, default=256, help="side in pixels; 0 = each picture's own size")
    add("--crop", choices=fitting.CROPS, default="center", help="data.crop")
    add("--short_side", type=int, default=0, help="data.short_side, before random crops; 0 = unchanged")
    add("--sigma", type=float, default=2.0, help="edges.sigma; 0 = maps for 1, 2, 3 and 4, -1 = no edges")
    add("--nms", action="store_true", help="thin the edge maps to Canny's lines (edges.nms)")


def _preparation(arguments: argparse.Namespace) -> Preparation:
    if arguments.nms and not arguments.edges:
        raise ValueError("--nms thins external edge maps; name them with --edges")
    options = create_options(
        image_size=arguments.image_size,
        crop=arguments.crop,
        short_side=arguments.short_side,
        edges="external" if arguments.edges else "canny",
        sigma=arguments.sigma,
        nms=arguments.nms,
        paired_masks=bool(arguments.paired_masks),
    )
    found = [_edge_maps(arguments.edges, "--edges"), _masks(arguments.paired_masks, "--paired_masks", "paired")]
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
    pool_fields={"mask": PoolField(Field("uint8", 1), options=("image_size",))},
    preparing=Preparing(_add_arguments, _preparation),
)
