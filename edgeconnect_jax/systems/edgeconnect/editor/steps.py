"""Fills in two steps, with lines between them that users can see and change.

Lines are 8-bit gray: uint8 [H, W], 255 = edge. The output of the edge generator is rounded to 8 bits, so the completion
network reads exactly the values that are shown. The two steps therefore give the same picture whether they run together
or the lines are saved to a file in between.
"""

import pathlib
from collections.abc import Sequence

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.images import arrays
from edgeconnect_jax.images.files import Picture
from edgeconnect_jax.systems.edgeconnect import pictures
from edgeconnect_jax.systems.edgeconnect.inference import STEPS, Inpainter
from edgeconnect_jax.systems.edgeconnect.known import OPTIONAL

IN_TURN = ("edge", "inpaint")


def known_lines(picture: Picture, hole: np.ndarray, sigma: float) -> np.ndarray:
    """Canny's edges outside the hole, see `pictures.known_edges`; uint8 [H, W]."""
    return to_bytes(pictures.known_edges(picture.color, hole, sigma))


def to_bytes(edges: np.ndarray) -> np.ndarray:
    """An edge map of floats in [0, 1], rounded to uint8."""
    return arrays.quantize(edges, np.dtype(np.uint8), truncate=False)


def fill(inpainter: Inpainter, picture: Picture, hole: np.ndarray, lines: np.ndarray) -> Picture:
    """Fills a hole along lines.

    Args:
        inpainter: runs the completion network alone.
        picture: the picture to fill.
        hole: bool [H, W].
        lines: uint8 [H, W]; used inside and outside the hole.

    Returns:
        The picture; unchanged outside the hole and in its transparency.
    """
    filled = inpainter(picture.color, hole, lines).image
    assert filled is not None
    return picture._replace(color=filled)


class Steps:
    """Both networks of a checkpoint, prepared once and run separately."""

    def __init__(self, weights: checkpoints.Weights, *, dtype: str = "float32", cache_size: int = 16):
        """Takes both generators from weights in memory; see `Inpainter` for the arguments and errors."""
        both = Inpainter(weights, dtype=dtype, cache_size=cache_size)
        self.sigma = both.sigma
        self.known = both.known
        if self.known.by_network:
            _ = self.known.detector  # loaded now, so that missing weights are reported before a picture comes
        self._steps = {step: both.with_steps(step) for step in IN_TURN}

    def warm_up(self, step: str, height: int, width: int) -> None:
        """Compiles one of `IN_TURN` for pictures of a size, the first of them with the network of the known lines."""
        if step == IN_TURN[0] and self.known.by_network:
            self.known.detector.warm_up(height, width)
        self._steps[step].warm_up(height, width)

    def predict(self, picture: Picture, hole: np.ndarray, known: np.ndarray, threshold: float = 0) -> np.ndarray:
        """Predicts the lines inside a hole.

        Args:
            picture: the picture around the hole; pixels inside the hole are ignored.
            hole: bool [H, W].
            known: lines outside the hole, uint8 [H, W].
            threshold: 0 = soft lines, as predicted; otherwise lines over 255 * threshold become 255 and others 0.

        Returns:
            uint8 [H, W]: predicted lines inside the hole, and `known` outside.
        """
        drawn = to_bytes(self._steps["edge"](picture.color, hole, known).edges)
        if threshold:
            drawn = np.where(drawn > 255 * threshold, np.uint8(255), np.uint8(0))
        return np.where(hole, drawn, known)

    def predict_again(
        self, picture: Picture, hole: np.ndarray, lines: np.ndarray, region: np.ndarray, threshold: float = 0
    ) -> np.ndarray:
        """Predicts the lines inside a part of a hole again, to match those in the rest of it.

        The generator was trained with complete pictures around the hole. Therefore the rest of the hole is first filled
        along `lines`, and only the part remains as the hole. Pixels of `picture` inside the hole are ignored.

        Args:
            picture: the picture around the hole.
            hole: bool [H, W].
            lines: lines of the whole picture, uint8 [H, W].
            region: bool [H, W]; its part inside the hole is predicted again.
            threshold: see `predict`.

        Returns:
            uint8 [H, W]: `lines`, with new ones in the region.
        """
        part = hole & region
        if not part.any():
            return lines
        around = self.fill(picture, hole, lines) if (hole & ~region).any() else picture
        return self.predict(around, part, lines, threshold)

    def fill(self, picture: Picture, hole: np.ndarray, lines: np.ndarray) -> Picture:
        """Fills a hole along lines, see the function `fill`."""
        return fill(self._steps["inpaint"], picture, hole, lines)


def load(paths: Sequence[str | pathlib.Path]) -> checkpoints.Weights:
    """Reads both generators, and the network of the known lines if it is there, see `checkpoints.load_weights`."""
    return checkpoints.load_weights(paths, STEPS["full"], optional=OPTIONAL)


def fingerprint(weights: checkpoints.Weights) -> str:
    """SHA-256 of the weights of both generators, by which a recipe identifies its checkpoint."""
    return checkpoints.fingerprint({name: weights.networks[name] for name in STEPS["full"]})
