"""Ways to fill a hole without learning, to compare a model with."""

import cv2
import numpy as np

_TELEA_RADIUS = 3.0  # pixels; the neighbourhood OpenCV's own example uses


def mean_fill(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fills the hole with the mean colour of the known pixels.

    Args:
        image: [H, W, 3] uint8.
        mask: [H, W] uint8 or bool, above 0 = hole; some pixel must be known.

    Returns:
        [H, W, 3] uint8; known pixels unchanged.
    """
    hole = mask > 0
    filled = image.copy()
    filled[hole] = np.rint(image[~hole].mean(axis=0)).astype(np.uint8)
    return filled


def telea(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fills the hole by fast marching (Telea 2004), with OpenCV. Arguments and result as in `mean_fill`."""
    hole = mask > 0
    filled = cv2.inpaint(image, hole.astype(np.uint8), _TELEA_RADIUS, cv2.INPAINT_TELEA)
    return np.where(hole[..., None], filled, image)


BASELINES = {"mean of known pixels": mean_fill, "OpenCV Telea": telea}
