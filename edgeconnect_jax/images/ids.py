"""Maps of labels and ids in files: whole numbers, which are neither colours nor brightness."""

import os

import numpy as np

from edgeconnect_jax.images.decoding import RefusedError, named_errors, opened
from edgeconnect_jax.images.files import stored_as, stream_of

# What Pillow multiplies grays of fewer than 8 bits by.
_WIDENED = {"L;2": 85, "L;4": 17}


def read_ids(source: str | os.PathLike | bytes, name: str = "") -> np.ndarray:
    """Decodes a map of labels or ids: the numbers in the file, be they indices of a palette, of 8 or of 16 bits.

    Returns:
        int32 [H, W].

    Raises:
        ValueError: the file cannot be decoded, or holds colours; names it.
    """
    with named_errors(source, name), stream_of(source) as stream, opened(stream) as image:
        stored = stored_as(image)
        if image.mode not in ("L", "P", "I") and not image.mode.startswith("I;16"):
            raise RefusedError(f"holds colours ({image.mode}); a map of labels or ids is gray or has a palette")
        return np.array(image).astype(np.int32) // _WIDENED.get(stored, 1)
