"""The pictures of a request: checked by their headers, then decoded."""

from typing import NamedTuple

import numpy as np
from fastapi import HTTPException, UploadFile
from PIL import Image

from edgeconnect_jax.images import files, holes
from edgeconnect_jax.serving.settings import Size

# Accepted media types of pictures.
TYPES = ("image/bmp", "image/gif", "image/jpeg", "image/png", "image/tiff", "image/webp", "image/x-portable-pixmap")


class Upload(NamedTuple):
    """A file of a form: the name of its field, its contents and the client's file name."""

    field: str
    data: bytes
    filename: str


async def take(field: str, file: UploadFile | None) -> Upload | None:
    """Reads a file of a form and closes it, so that its contents are in memory only once."""
    if file is None:
        return None
    upload = Upload(field, await file.read(), file.filename or "")
    await file.close()
    return upload


def check(image: Upload, others: list[Upload], max_pixels: int) -> Size:
    """Checks pictures by the headers of their files.

    Args:
        image: the picture.
        others: files that must have the same size, such as a mask.
        max_pixels: maximum number of pixels of a picture.

    Returns:
        (height, width) of all of them.

    Raises:
        HTTPException: 415 for a file that is not a picture, 413 for too many pixels, 400 if a size differs from the
            picture's.
    """
    sizes = {upload.field: _size(upload, max_pixels) for upload in (image, *others)}
    height, width = size = sizes[image.field]
    wrong = [
        f"{field}: {found[1]} x {found[0]} pixels, the picture has {width} x {height}; make them equal"
        for field, found in sizes.items()
        if found != size
    ]
    if wrong:
        raise HTTPException(400, "; ".join(wrong))
    return size


def _size(upload: Upload, max_pixels: int) -> Size:
    try:
        height, width = files.picture_size(upload.data, upload.field)
    except ValueError as error:
        if isinstance(error.__cause__, Image.DecompressionBombError):
            raise _too_many(upload.field, max_pixels) from error
        status = 415 if isinstance(error.__cause__, Image.UnidentifiedImageError) else 400
        raise HTTPException(status, str(error)) from error
    if height * width > max_pixels:
        raise _too_many(upload.field, max_pixels)
    return height, width


def _too_many(field: str, max_pixels: int) -> HTTPException:
    return HTTPException(413, f"{field}: more than {max_pixels} pixels; make the picture smaller")


def picture_of(upload: Upload) -> files.Picture:
    """Decodes a picture; raises HTTPException 400 if it is corrupted."""
    try:
        return files.read_picture(upload.data, upload.field)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error


def gray_of(upload: Upload) -> np.ndarray:
    """Decodes a gray picture to uint8 [H, W]; raises HTTPException 400 if it is corrupted or partly transparent."""
    try:
        return files.read_gray8(upload.data, upload.field)
    except ValueError as error:
        raise HTTPException(400, str(error)) from error


def hole_of(upload: Upload) -> np.ndarray:
    """Decodes a mask to bool [H, W], True = white; raises the same HTTPException as `gray_of`."""
    return gray_of(upload) > holes.MASK_THRESHOLD
