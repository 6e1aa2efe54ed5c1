"""Sample photographs for the editor, from scikit-image's package, so that nothing is downloaded."""

import enum
import functools

from edgeconnect_jax.images import files


class Sample(enum.StrEnum):
    """Names of scikit-image's pictures."""

    astronaut = "astronaut"
    camera = "camera"
    chelsea = "chelsea"
    coffee = "coffee"
    rocket = "rocket"


@functools.cache
def png(sample: Sample) -> bytes:
    """The PNG file of a sample."""
    import skimage.data

    return files.encode_png(getattr(skimage.data, sample.value)())
