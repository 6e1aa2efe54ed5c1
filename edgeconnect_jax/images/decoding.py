"""Opens picture files with Pillow; any problem becomes a ValueError that names the file."""

import contextlib
import os
import threading
import warnings
from collections.abc import Iterator
from typing import IO

from PIL import Image, ImageFile

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_EXIF_ORIENTATION = 0x0112
_UPRIGHT = 1
_REPLACE = "replace the file or save it again as PNG"
_LONGEST_CAUSE = 120  # characters of a decoder's message


class RefusedError(ValueError):
    """A picture that can be decoded but not used; the message is reported unchanged."""


class _Quiet:
    """Suppresses Pillow's warnings about metadata, which do not name the file, while any thread is reading.

    `warnings.catch_warnings` alone is not enough: overlapping threads would restore each other's filters.
    """

    def __init__(self):
        self._lock, self._readers = threading.Lock(), 0
        self._before: warnings.catch_warnings | None = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._readers:
                self._before = warnings.catch_warnings()
                self._before.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL\.")
            self._readers += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._readers -= 1
            if not self._readers and self._before is not None:
                self._before.__exit__(None, None, None)


_quiet = _Quiet()


@contextlib.contextmanager
def named_errors(source: str | os.PathLike | bytes, name: str) -> Iterator[None]:
    """Turns any error into a ValueError that names the file.

    On corrupted files Pillow, its codecs and OpenCV raise errors of nearly every kind.
    """
    try:
        yield
    except Exception as error:
        raise ValueError(f"{name or name_of(source)}: {_explain(error, source)}") from error


def name_of(source: str | os.PathLike | bytes) -> str:
    """The name of a source in error messages."""
    return "<bytes>" if isinstance(source, bytes) else os.fspath(source)


@contextlib.contextmanager
def opened(source: IO[bytes]) -> Iterator[ImageFile.ImageFile]:
    """Opens a picture in one of FORMATS; decode it within the context.

    Files that claim more than twice `PIL.Image.MAX_IMAGE_PIXELS` pixels (179 million) are not decoded.

    Raises:
        RefusedError: the file holds several pictures.
        Exception: of any kind for a corrupted file, see `named_errors`.
    """
    with _quiet, Image.open(source, formats=FORMATS) as image:
        # Some cameras write MPO: its first picture is the photograph, the others are previews.
        frames = getattr(image, "n_frames", 1)
        if frames > 1 and image.format != "MPO":
            raise RefusedError(f"holds {frames} pictures; save the one to use in a separate file")
        yield image


def orientation_of(image: ImageFile.ImageFile, *, head_only: bool = False) -> int:
    """The EXIF orientation, 1 to 8; 1 if it is missing or unreadable.

    With `head_only` a PNG file is not decoded to find EXIF that follows the pixels.
    """
    try:
        exif = Image.Image.getexif(image) if head_only else image.getexif()
        orientation = exif.get(_EXIF_ORIENTATION, _UPRIGHT)
    except Exception:  # like other software, ignore corrupted EXIF
        return _UPRIGHT
    return orientation if orientation in range(1, 9) else _UPRIGHT


def _explain(error: Exception, source: object) -> str:
    """What is wrong, and the remedy."""
    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        linked = not isinstance(source, bytes) and os.path.islink(os.fspath(source))  # pyright: ignore[reportArgumentType, reportCallIssue]
        return "a broken link; repair or remove it" if linked else "no such file"
    if isinstance(error, IsADirectoryError):
        return "a folder with the suffix of a picture; rename or move it"
    if isinstance(error, PermissionError):
        return f"cannot be read ({error.strerror}); change its permissions or leave it out"
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be read ({error.strerror}); copy it again or leave it out"
    if isinstance(error, Image.DecompressionBombError):
        return f"claims more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels; shrink it"
    if isinstance(error, MemoryError):
        return "too large for the available memory; shrink it"
    return f"not a picture that can be decoded ({_cause(error)}); {_REPLACE}"


def _cause(error: Exception) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "not one of " + ", ".join(FORMATS)
    return (str(error) or type(error).__name__).splitlines()[0][:_LONGEST_CAUSE]
