"""Decodes picture files losslessly, resizes pictures and writes PNG files.

Pillow decodes everything except 16-bit pictures with several channels, which it would reduce to 8 bits; OpenCV decodes
those.
"""

import io
import os
import pathlib
from collections.abc import Sequence
from typing import IO, NamedTuple

import numpy as np
from PIL import Image, ImageFile

from edgeconnect_jax.host.files import write_whole
from edgeconnect_jax.images import png16
from edgeconnect_jax.images.decoding import RefusedError, name_of, named_errors, opened, orientation_of

IMAGE_SUFFIXES: tuple[str, ...] = (
    ".bmp",
    ".gif",
    ".jpeg",
    ".jpg",
    ".pgm",
    ".png",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
)
# EXIF orientations from this value up swap height and width.
_FIRST_TURNED = 5


class Picture(NamedTuple):
    """A decoded picture with everything needed to write it back.

    Attributes:
        color: [H, W, 3], or [H, W, 1] for a grayscale picture; uint8 or uint16, upright.
        alpha: [H, W, 1] of the same dtype, or None for a picture without transparency.
        icc_profile: the colour profile of the values, or None.
    """

    color: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None


def read_picture(source: str | os.PathLike | bytes, name: str = "") -> Picture:
    """Decodes a picture losslessly: 8 or 16 bits, gray or colour, with transparency, turned upright by EXIF.

    Palettes are expanded to RGB (and alpha), bitmaps become 8-bit gray. CMYK and other colour spaces are converted to
    RGB and their profile is dropped.

    Args:
        source: a path, or the bytes of a file.
        name: name of the picture in error messages; the path by default.

    Returns:
        The picture, see `Picture`.

    Raises:
        ValueError: the file is missing or cannot be decoded, holds several pictures or 32-bit values.
    """
    with named_errors(source, name):
        data = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
        with opened(io.BytesIO(data)) as image:
            stored = stored_as(image)
            image.load()  # also turns a TIFF upright and then drops its orientation tag
            picture = _decode_16(image, data) if ";16" in stored else _decode_8(image, stored)
            orientation = orientation_of(image)
    alpha = None if picture.alpha is None else _upright(picture.alpha, orientation)
    return picture._replace(color=_upright(picture.color, orientation), alpha=alpha)


def picture_size(source: str | os.PathLike | bytes, name: str = "") -> tuple[int, int]:
    """The upright height and width of a picture, read from the header of its file.

    Args:
        source: a path, or the bytes of a file.
        name: name of the picture in error messages; the path by default.

    Raises:
        ValueError: the file is missing, is not a picture or holds several. Corruption after the header is not detected.
    """
    # Opened here because Pillow does not close files that it cannot read.
    with named_errors(source, name), stream_of(source) as file, opened(file) as image:
        orientation = orientation_of(image, head_only=True)
        # Pillow reports the size of a TIFF upright, that of other formats as stored.
        turned = image.format != "TIFF" and orientation >= _FIRST_TURNED
        return (image.width, image.height) if turned else (image.height, image.width)


def stream_of(source: str | os.PathLike | bytes) -> IO[bytes]:
    return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")


def stored_as(image: ImageFile.ImageFile) -> str:
    """The file's storage format in Pillow's terms ("RGB;16B", "L;2"), which is known only before decoding."""
    arguments = image.tile[0].args if image.tile else ""
    arguments = arguments if isinstance(arguments, tuple) else (arguments,)
    if image.format == "PPM" and arguments and arguments[-1] == 65535:
        return f"{arguments[0]};16B"
    return str(arguments[0]) if arguments else ""


def _decode_8(image: Image.Image, stored: str) -> Picture:
    profile = image.info.get("icc_profile")
    key = image.info.get("transparency")
    if image.mode == "L" and isinstance(key, int):
        # Pillow widens 2- and 4-bit grays to 8 bits, but not the gray that marks transparent pixels.
        bits = {"L;2": 2, "L;4": 4}.get(stored, 8)
        image.info["transparency"] = key * 255 // (2**bits - 1)
    if image.mode in ("I", "F", "I;16") or image.mode.startswith("I;"):
        raise RefusedError("stores values of neither 8 nor 16 bits; save it as an 8- or 16-bit PNG")
    transparent = key is not None or image.mode in ("PA", "LA", "La", "RGBA", "RGBa")
    if image.mode in ("1", "L", "LA", "La"):
        image = image.convert("LA" if transparent else "L")
    else:
        profile = profile if image.mode in ("P", "PA", "RGB", "RGBX", "RGBA", "RGBa") else None
        image = image.convert("RGBA" if transparent else "RGB")
    array = np.array(image)
    array = array if array.ndim == 3 else array[..., None]
    return _split(array, transparent, profile)


def _decode_16(image: Image.Image, data: bytes) -> Picture:
    import cv2  # imported here because few pictures have 16 bits

    profile = image.info.get("icc_profile")
    if image.format == "PNG" and not png16.is_whole(data):
        raise RefusedError("truncated or corrupted; replace the file")
    try:
        array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        array = None
    known = image.mode in ("I", "LA", "RGB", "RGBA") or image.mode.startswith("I;16")
    if not known or array is None or array.dtype != np.uint16:
        raise RefusedError("its 16-bit values cannot be decoded; save it as a 16-bit PNG")
    if array.ndim == 2:
        key = image.info.get("transparency")
        alpha = None if key is None else np.where(array == key, 0, 65535).astype(np.uint16)[..., None]
        return Picture(array[..., None], alpha, profile)
    array = np.concatenate([array[..., 2::-1], array[..., 3:]], axis=-1)  # OpenCV's order is BGRA
    if image.format == "PNG" and png16.channels_of(data) == 2:
        array = array[..., [0, 3]]  # both decoders expand gray + alpha to RGBA
    return _split(array, array.shape[-1] in (2, 4), profile)


def _split(array: np.ndarray, transparent: bool, profile: bytes | None) -> Picture:
    if not transparent:
        return Picture(array, None, profile)
    return Picture(array[..., :-1], array[..., -1:], profile)


def _upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Reverts an EXIF orientation (1 to 8, EXIF 2.32, section 4.6.4)."""
    if orientation >= _FIRST_TURNED:
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return np.ascontiguousarray(array)


def read_rgb8(source: str | os.PathLike | bytes, name: str = "") -> np.ndarray:
    """Decodes a picture to 8-bit RGB.

    Gray is replicated, palettes are expanded, 16-bit values are rounded to 8 bits (x / 257). Transparency is dropped:
    transparent pixels get the colour stored for them.

    Returns:
        uint8 [H, W, 3].

    Raises:
        ValueError: see `read_picture`.
    """
    color = to_uint8(read_picture(source, name).color)
    return np.ascontiguousarray(np.broadcast_to(color, (*color.shape[:2], 3)))


def read_gray8(source: str | os.PathLike | bytes, name: str = "") -> np.ndarray:
    """Decodes a mask or an edge map to 8-bit gray; colour is converted to its luminance.

    Returns:
        uint8 [H, W].

    Raises:
        ValueError: see `read_picture`; also if parts of the picture are transparent, because the mask could then be the
            colour or the transparency.
    """
    picture = read_picture(source, name)
    if picture.alpha is not None and (picture.alpha != np.iinfo(picture.alpha.dtype).max).any():
        raise ValueError(f"{name or name_of(source)}: a mask or edge map with transparent parts; save it without alpha")
    color = to_uint8(picture.color)
    if color.shape[-1] == 1:
        return color[..., 0]
    return np.array(Image.fromarray(color).convert("L"))


def to_uint8(array: np.ndarray) -> np.ndarray:
    """Rounds uint16 values to uint8 (65535 becomes 255); returns uint8 unchanged."""
    if array.dtype == np.uint8:
        return array
    return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)


def resize_bilinear(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes with Pillow's bilinear filter, which widens when shrinking and so avoids aliasing.

    Args:
        array: uint8 [H, W] or [H, W, C].
        height: of the result, in pixels.
        width: of the result, in pixels.

    Returns:
        uint8 [height, width] or [height, width, C].
    """
    if array.shape[:2] == (height, width):
        return array
    if array.ndim == 3 and array.shape[-1] != 3:
        channels = [resize_bilinear(array[..., c], height, width) for c in range(array.shape[-1])]
        return np.stack(channels, axis=-1)
    image = Image.fromarray(np.ascontiguousarray(array))
    return np.array(image.resize((width, height), Image.Resampling.BILINEAR))


def centre_square(array: np.ndarray) -> np.ndarray:
    """The largest centred square of [H, W, ...]; an odd remainder leaves the extra line at the bottom or right."""
    height, width = array.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return array[top : top + side, left : left + side]


def list_images(folder: str | os.PathLike, *, recursive: bool = True) -> list[pathlib.Path]:
    """The pictures in a folder, recognized by suffix (case-insensitive), sorted by path.

    Folders and broken links with the suffix of a picture are included, so that reading them raises an error.

    Args:
        folder: folder to search.
        recursive: whether to include sub-folders.

    Raises:
        ValueError: the folder does not exist or holds no picture.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder")
    candidates = folder.rglob("*") if recursive else folder.iterdir()
    found = sorted(p for p in candidates if p.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        where = "" if recursive else " (sub-folders are not searched)"
        raise ValueError(f"{folder}: contains no pictures{where}; known suffixes: {' '.join(IMAGE_SUFFIXES)}")
    return found


def write_png(path: str | os.PathLike, array: np.ndarray, icc_profile: bytes | None = None) -> None:
    """Writes a PNG file, whole or not at all.

    Args:
        path: path of the file, in a folder that exists.
        array: uint8 or uint16, [H, W] or [H, W, C] with C = 1 gray, 2 gray + alpha, 3 RGB, 4 RGBA.
        icc_profile: colour profile to embed.

    Raises:
        ValueError: the array has another shape or dtype.
        OSError: the file cannot be written.
    """
    write_whole(path, encode_png(array, icc_profile))


def write_picture(path: str | os.PathLike, picture: Picture) -> None:
    """Writes a picture as PNG with its own channels, depth, transparency and profile; see `write_png`."""
    write_png(path, _stacked(picture), picture.icc_profile)


def encode_png(array: np.ndarray, icc_profile: bytes | None = None) -> bytes:
    """The contents of the file that `write_png` writes; raises the same ValueError."""
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[-1] not in (1, 2, 3, 4) or array.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"PNG cannot store an array of shape {array.shape} and type {array.dtype}")
    return _encode_8(array, icc_profile) if array.dtype == np.uint8 else png16.encode(array, icc_profile)


def encode_picture(picture: Picture) -> bytes:
    """The contents of the file that `write_picture` writes."""
    return encode_png(_stacked(picture), picture.icc_profile)


def _stacked(picture: Picture) -> np.ndarray:
    layers: Sequence[np.ndarray] = [x for x in (picture.color, picture.alpha) if x is not None]
    return np.concatenate(layers, axis=-1)


def _encode_8(array: np.ndarray, icc_profile: bytes | None) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(array[..., 0] if array.shape[-1] == 1 else np.ascontiguousarray(array))
    image.save(buffer, "PNG", icc_profile=icc_profile)
    return buffer.getvalue()
