"""Random augmentation shared by systems: crops, mirroring, colours. Fields are arrays [H, W, C]."""

from collections.abc import Mapping

import cv2
import numpy as np

from edgeconnect_jax.data.reader import Example

_CV_TYPES = (np.uint8, np.int32)  # the dtypes that OpenCV can mirror


def random_crop(rng: np.random.Generator, fields: Mapping[str, np.ndarray], size: int) -> Example:
    """Crops the same size x size square from every field; draws its top, then its left."""
    height, width = fields["image"].shape[:2]
    top, left = rng.integers(height - size + 1), rng.integers(width - size + 1)
    return {name: array[top : top + size, left : left + size] for name, array in fields.items()}


def mirrored(fields: Mapping[str, np.ndarray]) -> Example:
    """Mirrors every field horizontally into contiguous arrays, because stacking views is many times slower."""
    return {name: _mirrored(array) for name, array in fields.items()}


def _mirrored(array: np.ndarray) -> np.ndarray:
    if array.dtype.type in _CV_TYPES and 0 < array.shape[-1] <= 4:
        return cv2.flip(array, 1).reshape(array.shape)
    return np.ascontiguousarray(array[:, ::-1])


def jittered(rng: np.random.Generator, image: np.ndarray, amount: float) -> np.ndarray:
    """Scales each channel by its own factor in 1 +- amount, and shifts all of them by up to +- amount / 4 of 255.

    Args:
        rng: draws the factors, then the shift.
        image: uint8 [H, W, 3].
        amount: from 0 to 1.

    Returns:
        uint8 [H, W, 3].
    """
    factors, shift = rng.uniform(1 - amount, 1 + amount, 3), rng.uniform(-amount, amount) * 255 / 4
    return np.clip(np.rint(image * factors + shift), 0, 255).astype(np.uint8)
