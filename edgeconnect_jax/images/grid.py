"""Labelled grids of pictures."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_GAP = 4  # pixels between pictures
_LABEL_SIZE = 13  # pixels
_MIN_CELL = 160  # smaller pictures are enlarged by an integer factor to at least this, so that a label fits
_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)


def to_rgb8(picture: np.ndarray) -> np.ndarray:
    """[H, W, 1 or 3] in [0, 1] -> RGB uint8 [H, W, 3], rounded down like the original; uint8 is kept as is."""
    scaled = picture if picture.dtype == np.uint8 else (np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return np.broadcast_to(scaled, (*scaled.shape[:2], 3))


def labelled_grid(columns: Mapping[str, Sequence[np.ndarray]], captions: Sequence[str] = ()) -> np.ndarray:
    """Draws a grid with examples as rows and kinds of pictures as labelled columns.

    Args:
        columns: label -> one picture per example, [H, W, 1 or 3], in [0, 1] or uint8; sizes may differ between
            examples.
        captions: a line of text under each example; none if empty.

    Returns:
        [H, W, 3] uint8.
    """
    font = ImageFont.load_default(_LABEL_SIZE)
    rows = [[_enlarged(to_rgb8(p)) for p in example] for example in zip(*columns.values(), strict=True)]
    cell_width = max(picture.shape[1] for row in rows for picture in row) + _GAP
    line = _LABEL_SIZE + 2 * _GAP
    heights = [row[0].shape[0] + _GAP + (line if captions else 0) for row in rows]
    width = max([cell_width * len(columns), *(math.ceil(font.getlength(text)) + _GAP for text in captions)]) + _GAP
    canvas = Image.new("RGB", (width, sum(heights) + line), _WHITE)
    draw = ImageDraw.Draw(canvas)
    for i, label in enumerate(columns):
        draw.text((_GAP + i * cell_width, _GAP), label, _BLACK, font)
    top = line
    for number, row in enumerate(rows):
        for i, picture in enumerate(row):
            canvas.paste(Image.fromarray(picture), (_GAP + i * cell_width, top))
        if captions:
            draw.text((_GAP, top + row[0].shape[0] + _GAP), captions[number], _BLACK, font)
        top += heights[number]
    return np.asarray(canvas)


def _enlarged(picture: np.ndarray) -> np.ndarray:
    factor = -(-_MIN_CELL // max(picture.shape[:2]))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)
