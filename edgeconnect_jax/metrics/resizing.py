"""Resizing pictures for Inception. It is part of the definition of a FID: other ways give other numbers."""

import numpy as np
from PIL import Image


def bilinear(picture: np.ndarray, side: int) -> np.ndarray:
    """Bilinear without antialiasing, as torch's `interpolate(mode="bilinear", align_corners=False)`.

    Args:
        picture: [H, W, C] float32.
        side: of the result.

    Returns:
        [side, side, C] float32.
    """
    for axis in (0, 1):
        picture = _interpolate(picture, side, axis)
    return picture


def _interpolate(picture: np.ndarray, side: int, axis: int) -> np.ndarray:
    length = picture.shape[axis]
    # In float32, as in torch: more precise places would differ from its own.
    scale = np.float32(length) / np.float32(side)
    places = np.maximum(scale * (np.arange(side, dtype=np.float32) + np.float32(0.5)) - np.float32(0.5), 0)
    before = np.minimum(places.astype(np.int64), length - 1)
    after = np.minimum(before + 1, length - 1)
    weight = (places - before).astype(np.float32).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
    return picture.take(before, axis) * (1 - weight) + picture.take(after, axis) * weight


def bicubic(picture: np.ndarray, side: int) -> np.ndarray:
    """Pillow's bicubic with antialiasing, each channel in float without rounding, as clean-fid does.

    Args:
        picture: [H, W, C] in [0, 255].
        side: of the result.

    Returns:
        [side, side, C] float32, clipped to [0, 255].
    """
    channels = (Image.fromarray(picture[..., i].astype(np.float32)) for i in range(picture.shape[-1]))
    resized = [np.asarray(channel.resize((side, side), Image.Resampling.BICUBIC)) for channel in channels]
    return np.stack(resized, axis=-1).clip(0, 255)
