"""The options of the service."""

from typing import NamedTuple

Size = tuple[int, int]  # height, width

DEFAULT_MAX_PIXELS = 2048 * 2048
DEFAULT_QUEUE = 32
# The most frequent sizes of people's pictures, and those of scikit-image's photographs.
COMMON_SIZES: tuple[Size, ...] = ((512, 512), (256, 256), (300, 451), (400, 600), (427, 640))

# A pixel of a picture has at most four values of 16 bits, and one of 8 bits in each of three planes beside it.
_BYTES_PER_PIXEL = 4 * 2 + 3
_HEADERS = 2**20  # of the files and the form


class Settings(NamedTuple):
    """How the service is run.

    Attributes:
        max_pixels: of a picture.
        queue: requests that may be read, wait or be computed at once; further ones are refused.
        allow_origin: origins of other pages that may use the service, such as "https://example.org".
        warm_up: sizes to compile for at the start.
        upload_seconds: how long a client may take to send a request.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    queue: int = DEFAULT_QUEUE
    allow_origin: tuple[str, ...] = ()
    warm_up: tuple[Size, ...] = COMMON_SIZES
    upload_seconds: float = 120

    @property
    def max_bytes(self) -> int:
        """The size limit of a request: a form of uncompressed pictures stays below it."""
        return self.max_pixels * _BYTES_PER_PIXEL + _HEADERS
