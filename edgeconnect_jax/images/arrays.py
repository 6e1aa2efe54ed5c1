"""What happens to a picture's array around the networks: checks, padding, conversion there and back.

NumPy only. A picture is [H, W] or [H, W, 1] gray, or [H, W, 3] RGB, either with one more channel for alpha;
uint8, uint16 or floats in [0, 1].
"""

from typing import NamedTuple

import numpy as np

from edgeconnect_jax.data.records import SIDE_MULTIPLE
from edgeconnect_jax.images import edges as edge_maps

# Smaller sides leave the residual blocks too few lines to reflect.
SMALLEST_SIDE = 16
# Where an 8-bit mask begins to mean "hole": the nearer of the two ends, so that JPEG's noise does no harm.
MASK_THRESHOLD = 127


class Layers(NamedTuple):
    """A picture taken apart: `color` [H, W, 1 or 3], `alpha` [H, W, 1] or None, dtype as it was."""

    color: np.ndarray
    alpha: np.ndarray | None


def split_picture(image: np.ndarray) -> Layers:
    """Checks a picture and separates its alpha channel.

    Raises:
      ValueError: its shape, dtype or range is none of those that the module's docstring names.
    """
    array = image[..., None] if image.ndim == 2 else image
    if array.ndim != 3 or array.shape[-1] not in (1, 2, 3, 4) or 0 in array.shape:
        raise ValueError(f"a picture must be [H, W] or [H, W, 1 to 4], not {list(image.shape)}")
    if array.dtype not in (np.uint8, np.uint16) and not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"a picture must be uint8, uint16 or floats in [0, 1], not {array.dtype}")
    # Written so that NaN fails too.
    if np.issubdtype(array.dtype, np.floating) and not (array.min() >= 0 and array.max() <= 1):
        raise ValueError(f"a picture in floats must lie in [0, 1], not [{array.min()}, {array.max()}]")
    if array.shape[-1] in (2, 4):
        return Layers(array[..., :-1], array[..., -1:])
    return Layers(array, None)


def to_unit(array: np.ndarray, dtype: type = np.float32) -> np.ndarray:
    """uint8, uint16, bool or floats in [0, 1] -> floats in [0, 1]; the same shape."""
    if np.issubdtype(array.dtype, np.integer):
        return array.astype(dtype) / dtype(np.iinfo(array.dtype).max)
    return array.astype(dtype)


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
    mask = _plane(mask, size, "mask")
    if mask.dtype == np.bool_:
        return mask
    if np.issubdtype(mask.dtype, np.floating):
        return mask > 0.5
    if mask.dtype != np.uint8:
        raise ValueError(f"a mask must be bool, uint8 or floats in [0, 1], not {mask.dtype}")
    if mask.max() == 1:
        raise ValueError("a uint8 mask has 255 for the hole, this one's largest value is 1; pass mask.astype(bool)")
    return mask > MASK_THRESHOLD


def edges_of(edges: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An edge map of bool, uint8 or floats in [0, 1], soft or not, as float32.

    Args:
      edges: [H, W] or [H, W, 1].
      size: (H, W) of the picture.

    Returns:
      float32 [H, W] in [0, 1].

    Raises:
      ValueError: another shape, dtype or range.
    """
    plane = to_unit(_plane(edges, size, "edge map"))
    if not (plane.min() >= 0 and plane.max() <= 1):
        raise ValueError(f"an edge map in floats must lie in [0, 1], not [{plane.min()}, {plane.max()}]")
    return plane


def _plane(array: np.ndarray, size: tuple[int, int], what: str) -> np.ndarray:
    plane = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    if plane.shape != size:
        raise ValueError(f"the {what} must be {list(size)} like the picture, not {list(array.shape)}")
    return plane


def rgb_of(color: np.ndarray) -> np.ndarray:
    """[H, W, 1 or 3] -> [H, W, 3]: gray is replicated."""
    return np.broadcast_to(color, (*color.shape[:2], 3))


def known_edges(color: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
    """Canny's edges of a picture outside its hole, with no edge along the hole's border.

    Args:
      color: [H, W, 1 or 3], see the module's docstring.
      hole: bool [H, W].
      sigma: of Canny's Gaussian, in pixels; -1 = no edges.

    Returns:
      float32 [H, W], 0 or 1.
    """
    return to_unit(edge_maps.canny_edges(_gray_of(color), sigma, mask=~hole))


def thin_edges(edge: np.ndarray, color: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
    """An external edge map on Canny's lines outside the hole, 0 elsewhere, as the original's test mode has it.

    Args:
      edge: uint8 [H, W], 255 = edge.
      color: [H, W, 1 or 3], see the module's docstring.
      hole: bool [H, W].
      sigma: of Canny's Gaussian, see `data.edges.thin`.

    Returns:
      uint8 [H, W].
    """
    return edge_maps.thin(edge, _gray_of(color), sigma, mask=~hole)


def _gray_of(color: np.ndarray) -> np.ndarray:
    rgb = rgb_of(color)
    return edge_maps.to_gray(rgb if np.issubdtype(rgb.dtype, np.integer) else rgb.astype(np.float64))


def padded_size(height: int, width: int) -> tuple[int, int]:
    """The sides that a picture is given to the networks with: at least 16, and the next multiple of 4."""
    rows, columns = (-(-max(side, SMALLEST_SIDE) // SIDE_MULTIPLE) * SIDE_MULTIPLE for side in (height, width))
    return rows, columns


def pad(array: np.ndarray) -> np.ndarray:
    """Grows [H, W, C] to `padded_size` on the right and at the bottom.

    A side under 16 repeats its last line up to 16; any other is reflected, its last line not repeated.
    """
    for axis, (side, target) in enumerate(zip(array.shape, padded_size(*array.shape[:2]), strict=False)):
        widths = [(0, 0)] * array.ndim
        widths[axis] = (0, target - side)
        array = np.pad(array, widths, mode="edge" if side < SMALLEST_SIDE else "reflect")
    return array


def quantize(values: np.ndarray, dtype: np.dtype, truncate: bool) -> np.ndarray:
    """Floats in [0, 1] in the dtype of a picture: rounded (or truncated) if that is uint8 or uint16."""
    if np.issubdtype(dtype, np.floating):
        return values.astype(dtype)
    scaled = values.astype(np.float32) * np.float32(np.iinfo(dtype).max)
    return (np.trunc(scaled) if truncate else np.rint(scaled)).astype(dtype)


def merge(color: np.ndarray, generated: np.ndarray, hole: np.ndarray, truncate: bool) -> np.ndarray:
    """`color` with the hole painted from `generated`; every other value is left bit for bit.

    Args:
      color: [H, W, 1 or 3], see the module's docstring.
      generated: float32 [H, W, 3] RGB in [0, 1]; its luminance is used for gray pictures.
      hole: bool [H, W].
      truncate: to integers instead of rounding.

    Returns:
      A new array of the shape and dtype of `color`.
    """
    if color.shape[-1] == 1:
        generated = edge_maps.to_gray(generated)[..., None]
    result = color.copy()
    result[hole] = quantize(generated[hole], color.dtype, truncate)
    return result
