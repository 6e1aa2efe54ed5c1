"""What whoever starts the service decides."""

from typing import NamedTuple

DEFAULT_MAX_PIXELS = 2048 * 2048
DEFAULT_QUEUE = 32
# Those that people and the samples of the page have most; (height, width).
COMMON_SIZES = ((512, 512), (256, 256), (300, 451), (400, 600), (427, 640))

# A pixel of a picture has four values of 16 bits at most, one of a mask, of lines and of a region 8 bits.
_BYTES_PER_PIXEL = 4 * 2 + 3
_HEADS = 2**20  # of files and of the form


class Settings(NamedTuple):
    """How the service is run.

    Attributes:
      max_pixels: of a picture.
      queue: requests that may be read, wait or be computed at once; more are sent away.
      allow_origin: origins of other pages that may use the service, such as "https://example.org".
      warm_up: sizes (height, width) to compile for at the start.
      upload_seconds: that a client may take to send a request.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    queue: int = DEFAULT_QUEUE
    allow_origin: tuple[str, ...] = ()
    warm_up: tuple[tuple[int, int], ...] = COMMON_SIZES
    upload_seconds: float = 120

    @property
    def max_bytes(self) -> int:
        """Of a request: no form of pictures that are stored without compression is larger."""
        return self.max_pixels * _BYTES_PER_PIXEL + _HEADS
