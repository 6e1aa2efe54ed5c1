"""Scenes as arrays."""

import functools
import math

import cv2
import numpy as np

from edgeconnect_jax.data.scenes.classes import CLASSES
from edgeconnect_jax.data.scenes.shapes import Fill, Points, Scene

_SHIFT = 6  # binary digits after the point of OpenCV's coordinates
_SMALLEST_CANVAS = 192  # pictures are drawn at least so large, then averaged
_FEWEST_SAMPLES = 2  # along each side of a pixel
_PLAIN = 8  # a shape of fewer rows, with their margin, has one colour
_PER_OBJECT = 1000  # instance = class * this + number of the object


def picture(scene: Scene, side: int) -> np.ndarray:
    """The scene as a picture.

    Args:
        scene: what to draw.
        side: of the square picture, in pixels.

    Returns:
        uint8 [side, side, 3] RGB, antialiased.
    """
    samples = max(_FEWEST_SAMPLES, -(-_SMALLEST_CANVAS // side))
    canvas = np.zeros((side * samples, side * samples, 3), np.uint8)
    for number, shape in enumerate(scene.shapes):
        _paint(canvas, shape.points, shape.fill, scene.seed + number)
    return cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA)


def labels(scene: Scene, side: int) -> np.ndarray:
    """The class of each pixel's centre, int32 [side, side, 1]; a picture has every pixel covered."""
    return _map(scene, side, [shape.label for shape in scene.shapes])


def instances(scene: Scene, side: int) -> np.ndarray:
    """Which object each pixel's centre is part of, int32 [side, side, 1]: class * 1000 + number, or the class alone."""
    values: list[int | None] = []
    for shape in scene.shapes:
        label = shape.label
        if label is not None and CLASSES[label].thing:
            label = label * _PER_OBJECT + shape.number
        values.append(label)
    return _map(scene, side, values)


def _map(scene: Scene, side: int, values: list[int | None]) -> np.ndarray:
    drawn = np.zeros((side, side), np.int32)
    for shape, value in zip(scene.shapes, values, strict=True):
        if value is not None:
            cv2.fillPoly(drawn, [_fixed(shape.points, side)], value, lineType=cv2.LINE_8, shift=_SHIFT)
    return drawn[..., None]


def _fixed(points: Points, side: int) -> np.ndarray:
    """Corners as OpenCV takes them: pixel centres at whole numbers, in units of 2^-_SHIFT."""
    far = np.minimum(np.maximum(points, -4.0), 5.0)
    return np.rint(far * (side << _SHIFT) - (1 << _SHIFT - 1)).astype(np.int32)


def _paint(canvas: np.ndarray, points: Points, fill: Fill, seed: int) -> None:
    side = len(canvas)
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    left, top = max(math.floor(left * side) - 1, 0), max(math.floor(top * side) - 1, 0)
    right, bottom = min(math.ceil(right * side) + 2, side), min(math.ceil(bottom * side) + 2, side)
    if left >= right or top >= bottom:
        return
    if bottom - top < _PLAIN or (fill.top == fill.bottom and not fill.grain and fill.opacity == 1):
        color = [round(255 * (a + b) / 2) for a, b in zip(fill.top, fill.bottom, strict=True)]
        if fill.opacity == 1:
            cv2.fillPoly(canvas, [_fixed(points, side)], color, lineType=cv2.LINE_8, shift=_SHIFT)
            return
    inside = np.zeros((bottom - top, right - left), np.uint8)
    corners = _fixed(points, side) - (np.array([left, top], np.int32) << _SHIFT)
    cv2.fillPoly(inside, [corners], 1, lineType=cv2.LINE_8, shift=_SHIFT)
    region = canvas[top:bottom, left:right]
    colors = np.broadcast_to(_rows(fill, np.arange(top, bottom), side)[:, None], region.shape)
    if fill.grain:
        colors = _grained(colors, fill, seed, (slice(top, bottom), slice(left, right)), side)
    if fill.opacity < 1:
        weight = round(256 * fill.opacity)
        colors = (colors.astype(np.int32) * weight + region.astype(np.int32) * (256 - weight) + 128) >> 8
    cv2.copyTo(colors.astype(np.uint8), inside, region)


def _rows(fill: Fill, rows: np.ndarray, side: int) -> np.ndarray:
    """The colour of each row, uint8 [N, 3]."""
    start, end = fill.span
    share = np.minimum(np.maximum(((rows + 0.5) / side - start) / max(end - start, 1e-6), 0.0), 1.0)[:, None]
    colors = 255 * np.array((fill.top, fill.bottom))
    return np.rint(colors[0] + (colors[1] - colors[0]) * share).astype(np.uint8)


def _grained(colors: np.ndarray, fill: Fill, seed: int, place: tuple[slice, slice], side: int) -> np.ndarray:
    """Colours made lighter and darker by a texture that does not depend on the size of the canvas."""
    noise = _noise(seed % 16, fill.cells, fill.stretch, side)[place].astype(np.int32) - 128
    change = (noise * round(256 * fill.grain) + 128) >> 8
    return np.clip(colors.astype(np.int32) + change[..., None], 0, 255)


@functools.lru_cache(maxsize=64)
def _noise(seed: int, cells: int, stretch: float, side: int) -> np.ndarray:
    """Smooth noise of three octaves over the whole canvas, uint8 [side, side]."""
    random = np.random.Generator(np.random.PCG64(seed)).random
    total = np.zeros((side, side), np.int32)
    for octave, weight in enumerate((2, 1, 1)):
        height, width = cells << octave, max(2, round((cells << octave) / stretch))
        lattice = (random((height, width)) * 256).astype(np.uint8)
        total += weight * cv2.resize(lattice, (side, side), interpolation=cv2.INTER_LINEAR_EXACT).astype(np.int32)
    return (total // 4).astype(np.uint8)
