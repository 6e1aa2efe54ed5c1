"""Filling in two steps, with lines between them that a person can look at and change.

Lines are 8-bit gray: uint8 [H, W], 255 = edge. The completion network reads the very bytes that are shown: what the
edge generator drew is rounded to 8 bits before. So the two steps give the same picture whether one follows the other at
once, or the lines were kept in a file and the second is done later.
"""

import pathlib
from collections.abc import Sequence

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.images import arrays
from edgeconnect_jax.images.files import Picture
from edgeconnect_jax.systems.edgeconnect.inference import STAGES, Inpainter


def known_lines(picture: Picture, hole: np.ndarray, sigma: float) -> np.ndarray:
    """Canny's edges outside the hole, see `arrays.known_edges`; uint8 [H, W]."""
    return to_bytes(arrays.known_edges(picture.color, hole, sigma))


def to_bytes(edges: np.ndarray) -> np.ndarray:
    """An edge map of floats in [0, 1], rounded to uint8."""
    return arrays.quantise(edges, np.dtype(np.uint8), truncate=False)


def fill(inpainter: Inpainter, picture: Picture, hole: np.ndarray, lines: np.ndarray) -> Picture:
    """Paints a hole along lines.

    Args:
      inpainter: of stage "inpaint".
      picture: to fill.
      hole: bool [H, W].
      lines: uint8 [H, W]; all of them count, inside the hole and outside.

    Returns:
      The picture; outside the hole, and in its transparency, as it was.
    """
    filled = inpainter(picture.color, hole, lines).image
    assert filled is not None
    return picture._replace(color=filled)


class Steps:
    """Both networks of a checkpoint, loaded and prepared once and run one at a time."""

    def __init__(self, weights: checkpoints.Weights, *, dtype: str = "float32", cache_size: int = 16):
        """Takes both generators from weights in memory; see `Inpainter` for the arguments and errors."""
        both = Inpainter(weights, dtype=dtype, cache_size=cache_size)
        self.sigma = both.sigma
        self._stages = {stage: both.at_stage(stage) for stage in ("edge", "inpaint")}

    def warm_up(self, stage: str, height: int, width: int) -> None:
        """Compiles a stage, "edge" or "inpaint", for pictures of a size."""
        self._stages[stage].warm_up(height, width)

    def predict(self, picture: Picture, hole: np.ndarray, known: np.ndarray, threshold: float = 0) -> np.ndarray:
        """Draws the lines inside a hole.

        Args:
          picture: what surrounds the hole; nothing inside is looked at.
          hole: bool [H, W].
          known: lines outside the hole, uint8 [H, W].
          threshold: 0 = soft lines, as the network draws them; else lines brighter than 255 * threshold become 255
            and all others 0.

        Returns:
          uint8 [H, W]: what was drawn inside the hole, and `known` outside.
        """
        drawn = to_bytes(self._stages["edge"](picture.color, hole, known).edges)
        if threshold:
            drawn = np.where(drawn > 255 * threshold, np.uint8(255), np.uint8(0))
        return np.where(hole, drawn, known)

    def predict_again(
        self, picture: Picture, hole: np.ndarray, lines: np.ndarray, region: np.ndarray, threshold: float = 0
    ) -> np.ndarray:
        """Draws the lines inside a part of a hole anew, so that they go on from those in the rest of it.

        The generator was trained to see a whole picture around its hole, and white where there is none. So the rest of
        the hole is first filled along `lines`, and then the part alone is the hole. Nothing that the picture has under
        its hole is looked at.

        Args:
          picture: what surrounds the hole.
          hole: bool [H, W].
          lines: of the whole picture, uint8 [H, W].
          region: bool [H, W]; of it, what lies in the hole is drawn anew.
          threshold: as of `predict`.

        Returns:
          uint8 [H, W]: `lines`, but for the region.
        """
        part = hole & region
        if not part.any():
            return lines
        around = self.fill(picture, hole, lines) if (hole & ~region).any() else picture
        return self.predict(around, part, lines, threshold)

    def fill(self, picture: Picture, hole: np.ndarray, lines: np.ndarray) -> Picture:
        """Paints a hole along lines, see the function `fill`."""
        return fill(self._stages["inpaint"], picture, hole, lines)


def load(paths: Sequence[str | pathlib.Path]) -> checkpoints.Weights:
    """Reads both generators from checkpoints, see `checkpoints.load_weights`."""
    return checkpoints.load_weights(paths, STAGES["full"])


def fingerprint(weights: checkpoints.Weights) -> str:
    """SHA-256 of the weights of both generators, by which a recipe knows its checkpoint."""
    return checkpoints.fingerprint({name: weights.networks[name] for name in STAGES["full"]})
