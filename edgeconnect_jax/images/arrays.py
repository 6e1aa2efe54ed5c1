"""Checks picture arrays and converts them to and from the form that networks use, with NumPy only.

A picture is [H, W] or [H, W, 1] gray, or [H, W, 3] RGB, optionally with an extra alpha channel; uint8, uint16 or floats
in [0, 1].
"""

from typing import NamedTuple

import numpy as np

from edgeconnect_jax.images import edges as edge_maps


class Layers(NamedTuple):
    """A picture split into `color` [H, W, 1 or 3] and `alpha` ([H, W, 1] or None), in its original dtype."""

    color: np.ndarray
    alpha: np.ndarray | None


def split_picture(image: np.ndarray) -> Layers:
    """Checks a picture and separates its alpha channel.

    Raises:
        ValueError: the shape, dtype or range is not one of those in the module's docstring.
    """
    array = image[..., None] if image.ndim == 2 else image
    if array.ndim != 3 or array.shape[-1] not in (1, 2, 3, 4) or 0 in array.shape:
        raise ValueError(f"a picture must be [H, W] or [H, W, 1 to 4], not {list(image.shape)}")
    if array.dtype not in (np.uint8, np.uint16) and not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"a picture must be uint8, uint16 or floats in [0, 1], not {array.dtype}")
    # This form of the comparison also rejects NaN.
    if np.issubdtype(array.dtype, np.floating) and not (array.min() >= 0 and array.max() <= 1):
        raise ValueError(f"a picture of floats must lie in [0, 1], not [{array.min()}, {array.max()}]")
    if array.shape[-1] in (2, 4):
        return Layers(array[..., :-1], array[..., -1:])
    return Layers(array, None)


def to_unit(array: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """Converts uint8, uint16, bool or floats in [0, 1] to floats in [0, 1] of the same shape."""
    if np.issubdtype(array.dtype, np.integer):
        return array.astype(dtype) / dtype(np.iinfo(array.dtype).max)
    return array.astype(dtype)


def plane_of(array: np.ndarray, size: tuple[int, int], what: str) -> np.ndarray:
    """Returns [H, W] or [H, W, 1] as [H, W]; raises ValueError, naming `what` it is, unless it has this `size`."""
    plane = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    if plane.shape != size:
        raise ValueError(f"the {what} must be {list(size)} like the picture, not {list(array.shape)}")
    return plane


def rgb_of(color: np.ndarray) -> np.ndarray:
    """[H, W, 1 or 3] -> [H, W, 3]: gray is replicated."""
    return np.broadcast_to(color, (*color.shape[:2], 3))


def quantize(values: np.ndarray, dtype: np.dtype, truncate: bool) -> np.ndarray:
    """Converts floats in [0, 1] to the dtype of a picture, rounding (or truncating) for uint8 and uint16."""
    if np.issubdtype(dtype, np.floating):
        return values.astype(dtype)
    scaled = values.astype(np.float32) * np.float32(np.iinfo(dtype).max)
    return (np.trunc(scaled) if truncate else np.rint(scaled)).astype(dtype)


def merge(color: np.ndarray, generated: np.ndarray, hole: np.ndarray, truncate: bool) -> np.ndarray:
    """Fills the hole of `color` from `generated`; all other values stay bit-identical.

    Args:
        color: [H, W, 1 or 3], see the module's docstring.
        generated: float32 [H, W, 3] RGB in [0, 1]; its luminance is used for gray pictures.
        hole: bool [H, W].
        truncate: whether to truncate to integers instead of rounding.

    Returns:
        A new array of the shape and dtype of `color`.
    """
    if color.shape[-1] == 1:
        generated = edge_maps.to_gray(generated)[..., None]
    result = color.copy()
    result[hole] = quantize(generated[hole], color.dtype, truncate)
    return result
