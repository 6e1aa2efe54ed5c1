"""The options of the service."""

from typing import NamedTuple

Size = tuple[int, int]  # height, width

DEFAULT_MAX_PIXELS = 2048 * 2048
DEFAULT_QUEUE = 32
# Common sizes of users' pictures, and the sizes of scikit-image's photographs.
COMMON_SIZES: tuple[Size, ...] = ((512, 512), (256, 256), (300, 451), (400, 600), (427, 640))

_HEADERS = 2**20  # for the headers of the files and the form


class Settings(NamedTuple):
    """The settings of the service.

    Attributes:
        max_pixels: maximum number of pixels of a picture.
        queue: maximum number of requests that are being read, waiting or being computed; further ones are rejected.
        allow_origin: origins of other pages that may use the service, such as "https://example.org".
        warm_up: sizes for which to compile programs at the start.
        upload_seconds: maximum time for a client to send a request.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    queue: int = DEFAULT_QUEUE
    allow_origin: tuple[str, ...] = ()
    warm_up: tuple[Size, ...] = COMMON_SIZES
    upload_seconds: float = 120

    def max_bytes(self, bytes_per_pixel: int) -> int:
        """The size limit of a request: a form of uncompressed pictures stays below it."""
        return self.max_pixels * bytes_per_pixel + _HEADERS
