"""Edge maps: scikit-image's Canny with the original's arguments, and what is made of other maps.

OpenCV's Canny gives different maps, that is, different inputs from those that published weights were trained on.
scikit-image is imported lazily because the import takes a quarter of a second.
"""

import numpy as np

# Standard deviations from which each example draws one if the option `edges.sigma` is 0.
RANDOM_SIGMAS = (1, 2, 3, 4)


def to_gray(image: np.ndarray) -> np.ndarray:
    """Luminance as defined by scikit-image's `rgb2gray`: 0.2125 R + 0.7154 G + 0.0721 B.

    Args:
        image: uint8 [H, W, 3].

    Returns:
        float64 [H, W] in [0, 1].
    """
    from skimage.color import rgb2gray

    # Contiguous, because matrix products may round differently for other memory layouts.
    return rgb2gray(np.ascontiguousarray(image))


def canny_edges(gray: np.ndarray, sigma: float, mask: np.ndarray | None = None) -> np.ndarray:
    """Canny's edge map ("A Computational Approach to Edge Detection", 1986) with scikit-image's thresholds.

    Args:
        gray: float [H, W] in [0, 1].
        sigma: standard deviation of the Gaussian in pixels, 0 for no smoothing; -1 gives a map without edges.
        mask: bool [H, W], True where edges are allowed (there are none elsewhere or next to it); None = everywhere.

    Returns:
        uint8 [H, W], 255 = edge, else 0.
    """
    if sigma == -1:
        return np.zeros(gray.shape, np.uint8)
    from skimage.feature import canny

    return canny(gray, sigma=sigma, mask=mask).astype(np.uint8) * np.uint8(255)


def canny_maps(gray: np.ndarray, sigma: float) -> np.ndarray:
    """The candidate maps from which an example draws one, according to the option `edges.sigma`.

    Args:
        gray: float [H, W] in [0, 1].
        sigma: standard deviation in pixels; 0 = one map for each of RANDOM_SIGMAS; -1 = no edges.

    Returns:
        uint8 [H, W, K], 255 = edge: K is 1, len(RANDOM_SIGMAS) for sigma 0, and 0 for sigma -1.
    """
    several: dict[float, tuple[float, ...]] = {0: RANDOM_SIGMAS, -1: ()}
    sigmas = several.get(sigma, (sigma,))
    maps = np.zeros((*gray.shape, len(sigmas)), np.uint8)
    for k, value in enumerate(sigmas):
        maps[..., k] = canny_edges(gray, value)
    return maps


def above(probability: np.ndarray, threshold: float) -> np.ndarray:
    """The edges of a map of probabilities.

    Args:
        probability: uint8 [H, W], 255 = certainly an edge.
        threshold: 0 = the map itself, a soft one; otherwise 255 where the probability is above it, else 0.

    Returns:
        uint8 [H, W].
    """
    return np.where(probability > 255 * threshold, np.uint8(255), np.uint8(0)) if threshold else probability


def thin(edge: np.ndarray, gray: np.ndarray, sigma: float, mask: np.ndarray | None = None) -> np.ndarray:
    """Non-maximum suppression of an external edge map: its values on Canny's lines, 0 elsewhere.

    As in the original, sigma is only a standard deviation here: 0 and -1 both mean no smoothing (SciPy's Gaussian,
    which the original's Canny used, leaves the picture unchanged at sigma <= 0).

    Args:
        edge: uint8 [H, W], 255 = edge.
        gray: float [H, W] in [0, 1], the picture that the map belongs to.
        sigma: standard deviation in pixels.
        mask: bool [H, W], True where lines are allowed, see `canny_edges`.

    Returns:
        uint8 [H, W].
    """
    return np.where(canny_edges(gray, max(sigma, 0), mask) > 0, edge, np.uint8(0))
