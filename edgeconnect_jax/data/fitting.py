"""The deterministic part of cropping and resizing pictures and their maps."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from edgeconnect_jax.images.files import centre_square, resize_bilinear

Size = tuple[int, int]

CROPS = ("center", "random")  # values of `Fit.crop`


class Fit(NamedTuple):
    """How pictures are fitted.

    Attributes:
        side: height and width of the square examples, in pixels; 0 = each picture keeps its own size.
        crop: "center" = resize the largest centred square; "random" = keep the whole picture, to be cropped later.
        short_side: shorter side of the picture before a random crop, in pixels; 0 = unchanged.
        multiple: pictures that keep their size are cropped at the bottom and right to multiples of this.
        smallest: minimum side of pictures that keep their size, in pixels.
        reason: what a smaller picture is too small for, for messages.
    """

    side: int
    crop: str
    short_side: int = 0
    multiple: int = 1
    smallest: int = 1
    reason: str = ""


def resize(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes values bilinearly, and labels and ids by nearest neighbour so that no new values appear.

    Args:
        array: uint8 (values) or int32 (labels, ids), [H, W] or [H, W, C].
        height: of the result, in pixels.
        width: of the result, in pixels.

    Returns:
        [height, width] or [height, width, C] of the same dtype.
    """
    return (_resize_nearest if array.dtype == np.int32 else resize_bilinear)(array, height, width)


def _resize_nearest(array: np.ndarray, height: int, width: int) -> np.ndarray:
    if array.shape[:2] == (height, width):
        return array
    if array.ndim == 3:
        return np.stack([_resize_nearest(array[..., c], height, width) for c in range(array.shape[-1])], axis=-1)
    image = Image.fromarray(np.ascontiguousarray(array))
    return np.array(image.resize((width, height), Image.Resampling.NEAREST))


def fit_picture(picture: np.ndarray, fit: Fit, name: str) -> np.ndarray:
    """Applies the deterministic part of cropping and resizing to a picture.

    Args:
        picture: [H, W, C].
        fit: how pictures are fitted.
        name: name of the picture in error messages.

    Returns:
        [h, w, C]; before a random crop, both sides are at least `fit.side`.

    Raises:
        ValueError: the picture is too small.
    """
    height, width = picture.shape[:2]
    wrong = size_problem((height, width), name, fit)
    if wrong:
        raise ValueError(wrong)
    if fit.side == 0:
        return picture[: height - height % fit.multiple, : width - width % fit.multiple]
    if fit.crop == "center":
        return resize(centre_square(picture), fit.side, fit.side)
    return resize(picture, *_scaled((height, width), fit.short_side))


def fit_map(array: np.ndarray, fit: Fit, picture: np.ndarray, fitted: np.ndarray, *, square: bool) -> np.ndarray:
    """Fits a map of any size to its picture.

    Args:
        array: [h, w] or [h, w, C].
        fit: how the picture was fitted.
        picture: [H, W, ...], before it was fitted.
        fitted: [H', W', ...], the fitted picture.
        square: whether to crop the map to its centred square if its picture is; otherwise the whole map is resized.

    Returns:
        [H', W'] or [H', W', C].
    """
    if square and fit.side and fit.crop == "center":
        array = centre_square(array)
    # A picture that keeps its size was cropped at the bottom and right; crop a map of its full size likewise.
    full = fitted.shape[:2] if fit.side else picture.shape[:2]
    return resize(array, *full)[: fitted.shape[0], : fitted.shape[1]]


def enlarges(fit: Fit) -> bool:
    """Whether pictures of any size become large enough."""
    return fit.side > 0 and (fit.crop == "center" or fit.short_side > 0)


def size_problem(size: Size, name: str, fit: Fit) -> str:
    """The problem with a picture `name` of (height, width) `size`; "" if there is none."""
    if fit.side == 0:
        if min(size) >= fit.smallest:
            return ""
        return (
            f"{name}: {_shown(size)} pixels is too small for {fit.reason} with data.image_size=0; leave out "
            f"pictures with a side under {fit.smallest}, or set data.image_size"
        )
    scaled = _scaled(size, fit.short_side)
    if fit.crop == "center" or min(scaled) >= fit.side:
        return ""
    return (
        f"{name}: {_shown(scaled)} pixels is too small for a crop of data.image_size={fit.side}; "
        f"set data.short_side to {fit.side} or more, or leave the picture out"
    )


def _scaled(size: Size, short_side: int) -> Size:
    if not short_side:
        return size
    scale = short_side / min(size)
    return round(size[0] * scale), round(size[1] * scale)


def _shown(size: Size) -> str:
    return f"{size[1]} x {size[0]}"
