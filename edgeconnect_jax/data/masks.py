"""Random holes: uint8 [H, W], 255 = hole, 0 = known.

Every shape draws from the generator in a fixed order, so that a seed gives the same holes in every worker.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import cv2
import numpy as np

from edgeconnect_jax.data.hole_shapes import OF_KIND
from edgeconnect_jax.images.files import resize_bilinear

HOLE = 255

KINDS: tuple[str, ...] = (*OF_KIND, "paired")

# Maximum number of sets of strokes to draw; after that the one with the nearest area is used.
_FREEFORM_TRIES = 25


def plain(options: Any) -> SimpleNamespace:
    """The `masks` group of a configuration with plain attributes, whose lookup is ten times faster."""
    return _plain(options.copy_and_resolve_references().to_dict())


def _plain(options: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**{key: _plain(x) if isinstance(x, dict) else x for key, x in options.items()})


def needs_external(kind: str) -> bool:
    """Whether masks of this kind are drawn from a set of files."""
    return "external" in OF_KIND.get(kind, ())


class Drawn(NamedTuple):
    """A hole: its mask uint8 [height, width], 255 = hole, and its shape, one of `hole_shapes.SHAPES`."""

    mask: np.ndarray
    shape: str


def draw(
    rng: np.random.Generator,
    height: int,
    width: int,
    options: Any,
    external: Sequence[np.ndarray] | None = None,
) -> Drawn:
    """Draws one hole of any kind but "paired".

    Draws the shape first, if the kind has several, then the shape's parameters.

    Args:
        rng: the source of all randomness.
        height: of the mask, in pixels.
        width: of the mask, in pixels.
        options: the `masks` group of the configuration, or the result of `plain`.
        external: masks uint8 [h, w, 1] to choose from; required by kinds with "external" in their name.

    Raises:
        ValueError: the kind is unknown, or requires external masks and none are given.
    """
    if options.kind not in OF_KIND:
        raise ValueError(f"masks.kind={options.kind!r} cannot be drawn; known: {', '.join(OF_KIND)}")
    if needs_external(options.kind) and not external:
        raise ValueError(f"masks.kind={options.kind!r} needs a set of masks; name a folder or a file list")
    shapes = OF_KIND[options.kind]
    shape = shapes[0] if len(shapes) == 1 else shapes[int(rng.integers(len(shapes)))]
    return Drawn(_draw_shape(rng, height, width, shape, options, external), shape)


def _draw_shape(
    rng: np.random.Generator,
    height: int,
    width: int,
    shape: str,
    options: Any,
    external: Sequence[np.ndarray] | None,
) -> np.ndarray:
    if shape == "block":
        return block(rng, height, width, options.block_height, options.block_width)
    if shape == "half":
        return half(rng, height, width)
    if shape == "external":
        assert external is not None
        return binary(external[int(rng.integers(len(external)))][..., 0], height, width)
    return freeform(rng, height, width, options.freeform)


def binary(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes a mask from a file bilinearly; as in the original, every value above 0 becomes hole.

    Args:
        mask: uint8 [h, w].
        height: of the result, in pixels.
        width: of the result, in pixels.

    Returns:
        uint8 [height, width], 255 = hole, else 0.
    """
    return (resize_bilinear(mask, height, width) > 0).astype(np.uint8) * np.uint8(HOLE)


def block(
    rng: np.random.Generator,
    height: int,
    width: int,
    block_height: float = 0.5,
    block_width: float = 0.5,
) -> np.ndarray:
    """A rectangle anywhere inside the picture; draws its top, then its left.

    Args:
        rng: the source of randomness.
        height: of the mask, in pixels.
        width: of the mask, in pixels.
        block_height: fraction of the height that the hole takes, in (0, 1].
        block_width: fraction of the width that the hole takes, in (0, 1].

    Returns:
        uint8 [height, width], 255 = hole.
    """
    rows, columns = max(1, int(height * block_height)), max(1, int(width * block_width))
    top = rng.integers(height - rows + 1)
    left = rng.integers(width - columns + 1)
    mask = np.zeros((height, width), np.uint8)
    mask[top : top + rows, left : left + columns] = HOLE
    return mask


def half(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """The left or the right half of the picture; draws which.

    Returns:
        uint8 [height, width], 255 = hole.
    """
    mask = np.zeros((height, width), np.uint8)
    middle = width // 2
    if rng.integers(2):
        mask[:, middle:] = HOLE
    else:
        mask[:, :middle] = HOLE
    return mask


def freeform(rng: np.random.Generator, height: int, width: int, options: Any) -> np.ndarray:
    """Brush strokes: polylines with round joints that turn a little at every vertex.

    Based on the algorithm of Yu et al., "Free-Form Image Inpainting with Gated Convolution" (2019, supplement) and the
    irregular masks of Suvorov et al., "Resolution-robust Large Mask Inpainting" (2022).

    Args:
        rng: the source of randomness.
        height: of the mask, in pixels.
        width: of the mask, in pixels.
        options: the configuration's `masks.freeform`. Ranges (lowest, highest): number of `strokes` and of `vertices`
            per stroke (integers, both ends included); `length` of a segment and `width` of a stroke, as fractions of
            the picture's shorter side; `area` of the hole, as fractions of the picture's area. `max_turn` is in
            radians.

    Returns:
        uint8 [height, width], 255 = hole. Strokes are redrawn until their area lies in the range; after a bounded
        number of attempts the nearest is used.
    """
    low, high = options.area
    best, best_distance = np.zeros((height, width), np.uint8), np.inf
    for _ in range(_FREEFORM_TRIES):
        mask = _strokes(rng, height, width, options)
        area = np.count_nonzero(mask) / mask.size
        distance = max(low - area, area - high, 0.0)
        if distance < best_distance:
            best, best_distance = mask, distance
        if distance == 0:
            break
    return best


def _strokes(rng: np.random.Generator, height: int, width: int, options: Any) -> np.ndarray:
    """Draws the number of strokes, then for each its width, vertices, start, heading, turns and lengths."""
    mask = np.zeros((height, width), np.uint8)
    side = min(height, width)
    for _ in range(rng.integers(options.strokes[0], options.strokes[1] + 1)):
        thickness = max(1, round(side * rng.uniform(*options.width)))
        vertices = int(rng.integers(options.vertices[0], options.vertices[1] + 1))
        points = _walk(rng, height, width, max(2, vertices), options)
        # OpenCV ends thick lines with half discs, which makes every joint round.
        cv2.polylines(mask, [points], isClosed=False, color=HOLE, thickness=thickness)
    return mask


def _walk(rng: np.random.Generator, height: int, width: int, vertices: int, options: Any) -> np.ndarray:
    """A walk over the picture, int32 [vertices, 2] as (x, y), reflected at the picture's border.

    Clipping at the border, as other implementations do, would place many strokes along the border.
    """
    limit = np.array([width - 1, height - 1], np.float64)
    start = rng.uniform(0, limit)
    heading = rng.uniform(0, 2 * np.pi)
    turns = rng.uniform(-options.max_turn, options.max_turn, vertices - 1)
    lengths = min(height, width) * rng.uniform(options.length[0], options.length[1], vertices - 1)
    angles = heading + turns.cumsum()
    points = np.zeros((vertices, 2))
    points[1:, 0], points[1:, 1] = np.cos(angles), np.sin(angles)
    points[1:] *= lengths[:, None]
    points = start + points.cumsum(axis=0)
    # A straight walk across an infinite row of mirrored pictures is a reflected walk in one.
    period = 2 * np.maximum(limit, 1)
    points %= period
    return np.minimum(np.minimum(points, period - points), limit).round().astype(np.int32)
