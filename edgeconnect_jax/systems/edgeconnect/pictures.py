"""Prepares a picture's arrays and files for EdgeConnect's networks, with NumPy only."""

import pathlib

import numpy as np

from edgeconnect_jax.images import arrays, files
from edgeconnect_jax.images import edges as edge_maps

# Above the rounding error of a gray computed in float64, below the faintest colour (blue 1: gray 0.07).
_ROUNDING = 1e-6


def edges_of(edges: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Converts a binary or soft edge map of bool, uint8 or floats in [0, 1] to float32.

    Args:
        edges: [H, W] or [H, W, 1].
        size: (H, W) of the picture.

    Returns:
        float32 [H, W] in [0, 1].

    Raises:
        ValueError: the shape, dtype or range is invalid.
    """
    plane = arrays.to_unit(arrays.plane_of(edges, size, "edge map"))
    if not (plane.min() >= 0 and plane.max() <= 1):
        raise ValueError(f"an edge map of floats must lie in [0, 1], not [{plane.min()}, {plane.max()}]")
    return plane


def known_edges(color: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
    """Canny's edges of a picture outside its hole, without edges along the hole's border.

    Args:
        color: [H, W, 1 or 3], see `images.arrays`.
        hole: bool [H, W].
        sigma: of Canny's Gaussian, in pixels; -1 = no edges.

    Returns:
        float32 [H, W], 0 or 1.
    """
    return arrays.to_unit(edge_maps.canny_edges(_gray_of(color), sigma, mask=~hole))


def thin_edges(edge: np.ndarray, color: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
    """Thins an external edge map to Canny's lines outside the hole, with 0 elsewhere, as in the original's test mode.

    Args:
        edge: uint8 [H, W], 255 = edge.
        color: [H, W, 1 or 3], see `images.arrays`.
        hole: bool [H, W].
        sigma: of Canny's Gaussian, see `images.edges.thin`.

    Returns:
        uint8 [H, W].
    """
    return edge_maps.thin(edge, _gray_of(color), sigma, mask=~hole)


def _gray_of(color: np.ndarray) -> np.ndarray:
    rgb = arrays.rgb_of(color)
    return edge_maps.to_gray(rgb if np.issubdtype(rgb.dtype, np.integer) else rgb.astype(np.float64))


def read_hole_as_original(path: pathlib.Path, size: tuple[int, int], threshold: int, invert: bool) -> np.ndarray:
    """`images.holes.read_hole` as in the original's test script: resizes colours before converting them to gray.

    A faint colour that rounds to black in 8-bit gray then still counts as hole.
    """
    rgb = files.resize_bilinear(files.read_rgb8(path), *size)
    gray = edge_maps.to_gray(255 - rgb if invert else rgb) * 255
    return gray > threshold + _ROUNDING
