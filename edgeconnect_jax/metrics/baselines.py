"""Ways to fill a hole without learning, to compare a model with."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

_RADIUS = 3.0  # pixels; as in OpenCV's own example


def mean_fill(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fills the hole with the mean colour of the known pixels.

    Args:
        image: [H, W, 3] uint8.
        mask: [H, W] uint8 or bool, above 0 = hole.

    Returns:
        [H, W, 3] uint8; known pixels unchanged.

    Raises:
        ValueError: no pixel is known.
    """
    hole = _hole_of(mask)
    filled = image.copy()
    filled[hole] = np.rint(image[~hole].mean(axis=0)).astype(np.uint8)
    return filled


def telea(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fills the hole by fast marching (Telea 2004), with OpenCV. As `mean_fill` otherwise."""
    return _opencv(image, mask, "INPAINT_TELEA")


def navier_stokes(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Continues isophotes by fluid dynamics (Bertalmio et al. 2001), with OpenCV. As `mean_fill` otherwise."""
    return _opencv(image, mask, "INPAINT_NS")


def _hole_of(mask: np.ndarray) -> np.ndarray:
    hole = mask > 0
    if hole.all():
        raise ValueError("the hole covers the whole picture, and there is nothing to fill it from; leave it out")
    return hole


def _opencv(image: np.ndarray, mask: np.ndarray, method: str) -> np.ndarray:
    import cv2  # here, because tasks import the baselines, and a training step alone needs no OpenCV

    hole = _hole_of(mask)
    filled = cv2.inpaint(image, hole.astype(np.uint8), _RADIUS, getattr(cv2, method))
    return np.where(hole[..., None], filled, image)


class Baseline(NamedTuple):
    """A way to fill a hole: its name in tables, and the function."""

    title: str
    fill: Callable[[np.ndarray, np.ndarray], np.ndarray]


BASELINES = {
    "mean": Baseline("mean of known pixels", mean_fill),
    "telea": Baseline("OpenCV Telea", telea),
    "navier_stokes": Baseline("OpenCV Navier-Stokes", navier_stokes),
}
