"""Reads the hole of a picture, as booleans, from mask files and arrays."""

import pathlib

import numpy as np

from edgeconnect_jax.images import arrays, files

# 8-bit values above this mean "hole": midway between known and hole, so that JPEG noise is harmless.
MASK_THRESHOLD = 127


def hole_of(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The hole of a mask as booleans.

    Args:
        mask: [H, W] or [H, W, 1]; bool, uint8 (over 127 = hole) or floats in [0, 1] (over 1/2 = hole).
        size: (H, W) of the picture.

    Returns:
        bool [H, W].

    Raises:
        ValueError: another shape or dtype, or integers that are all 0 or 1.
    """
    mask = arrays.plane_of(mask, size, "mask")
    if mask.dtype == np.bool_:
        return mask
    if np.issubdtype(mask.dtype, np.floating):
        return mask > 0.5
    if mask.dtype != np.uint8:
        raise ValueError(f"a mask must be bool, uint8 or floats in [0, 1], not {mask.dtype}")
    if mask.max() == 1:
        raise ValueError("a uint8 mask marks the hole by 255, but the largest value is 1; pass mask.astype(bool)")
    return mask > MASK_THRESHOLD


def read_hole(path: pathlib.Path, size: tuple[int, int], threshold: int, invert: bool) -> np.ndarray:
    """Reads a mask file as booleans.

    Args:
        path: path of the mask.
        size: (height, width) to resize the mask to.
        threshold: 0 to 254; brighter pixels are the hole.
        invert: whether to invert the mask (255 minus its values) first.

    Returns:
        bool [height, width], True = hole.

    Raises:
        ValueError: see `files.read_gray8`.
    """
    values = files.resize_bilinear(files.read_gray8(path), *size)
    return (255 - values if invert else values) > threshold


def nearest_fill(color: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fills the hole with the value of the nearest known pixel (in OpenCV's 5 x 5 approximation of the distance).

    Args:
        color: [H, W, C] of any dtype.
        hole: bool [H, W]; at least one pixel is known.

    Returns:
        [H, W, C]; known pixels unchanged.
    """
    if not hole.any():
        return color
    import cv2  # here, because not every command needs it

    _, found = cv2.distanceTransformWithLabels(
        hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    labels: np.ndarray = found.astype(np.intp)
    # Every known pixel has a label of its own, and every pixel of the hole that of the nearest one.
    of_label = np.zeros((labels.max() + 1, color.shape[-1]), color.dtype)
    of_label[labels[~hole]] = color[~hole]
    return np.where(hole[..., None], of_label[labels], color)
