"""The random part of an example, drawn from a record: the same code for prepared and unprepared pictures."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from edgeconnect_jax.data import masks
from edgeconnect_jax.data.records import Record

Example = dict[str, np.ndarray]


def draw_example(
    rng: np.random.Generator,
    record: Record,
    index: int,
    crop_size: int,
    mask_options: Any,
    external_masks: Sequence[np.ndarray] | None,
    flip: bool,
    color_jitter: float = 0.0,
) -> Example:
    """Draws, in this order: the crop's top and left, which edge map, the mask, whether to flip, the colours.

    What an example has no choice in is not drawn: no crop with crop_size 0, no edge map where there is one or
    none, no mask where the record has its own, no colours with color_jitter 0.

    Args:
      rng: the source of all randomness.
      record: the picture with its edge maps.
      index: of the picture in its source.
      crop_size: side of a random crop in pixels; 0 = the whole record.
      mask_options: the `masks` group of the configuration.
      external_masks: see `masks.draw`.
      flip: whether to mirror half of the examples.
      color_jitter: see `_jitter`; 0 = none.

    Returns:
      image uint8 [H, W, 3], edge uint8 [H, W, 1] (255 = edge), mask uint8 [H, W, 1] (255 = hole), id int32
      [].
    """
    if crop_size:
        record = _random_crop(rng, record, crop_size)
    height, width, maps = record.edges.shape
    if maps == 0:
        edge = np.zeros((height, width), np.uint8)
    else:
        edge = record.edges[..., int(rng.integers(maps)) if maps > 1 else 0]
    mask = record.mask
    if mask is None:
        mask = masks.draw(rng, height, width, mask_options, external_masks)
    example = {"image": record.image, "edge": edge[..., None], "mask": mask[..., None]}
    if flip and rng.integers(2):
        example = {key: _mirrored(array) for key, array in example.items()}
    if color_jitter:
        example["image"] = _jitter(rng, example["image"], color_jitter)
    return example | {"id": np.array(index, np.int32)}


def _mirrored(array: np.ndarray) -> np.ndarray:
    """[H, W, C] with left and right exchanged, contiguous: a batch is put together many times faster than of views."""
    return cv2.flip(array, 1).reshape(array.shape)


def _jitter(rng: np.random.Generator, image: np.ndarray, amount: float) -> np.ndarray:
    """Scales each channel of uint8 [H, W, 3] by its own factor in 1 +- amount; shifts all by +- amount / 4 of 255."""
    factors, shift = rng.uniform(1 - amount, 1 + amount, 3), rng.uniform(-amount, amount) * 255 / 4
    return np.clip(np.rint(image * factors + shift), 0, 255).astype(np.uint8)


def _random_crop(rng: np.random.Generator, record: Record, size: int) -> Record:
    height, width = record.image.shape[:2]
    top, left = rng.integers(height - size + 1), rng.integers(width - size + 1)
    crop = np.s_[top : top + size, left : left + size]
    mask = None if record.mask is None else record.mask[crop]
    return Record(record.image[crop], record.edges[crop], mask)
