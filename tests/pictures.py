"""Small picture files of every format and kind of pixels that is read, as bytes."""

import io
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from edgeconnect_jax.images import png16

HEIGHT, WIDTH = 24, 33


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The file that Pillow makes of a picture."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned() -> Image.Exif:
    """EXIF that says: a quarter turn clockwise shows the picture upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _kinds() -> dict[str, Image.Image]:
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
    color, gray = Image.fromarray(noise[..., :3].copy()), Image.fromarray(noise[..., 3].copy())
    return {
        **{"color": color, "alpha": Image.fromarray(noise), "gray": gray, "gray alpha": Image.merge("LA", [gray] * 2)},
        **{"palette": color.quantize(16), "bitmap": gray.convert("1"), "cmyk": Image.fromarray(noise, "CMYK")},
    }


# What each format is written with.
_OF_PILLOW = {
    "PNG": ("color", "alpha", "gray", "gray alpha", "palette", "bitmap"),
    "JPEG": ("color", "gray", "cmyk"),
    "GIF": ("color", "gray", "palette"),
    "WEBP": ("color", "alpha"),
    "BMP": ("color", "gray", "palette", "bitmap"),
    "PPM": ("color", "gray", "bitmap"),
    "TIFF": ("color", "alpha", "gray", "palette", "bitmap", "cmyk"),
}


def _sixteen_bits() -> dict[str, bytes]:
    rng = np.random.default_rng(1)
    files = {}
    for channels in (1, 2, 3, 4):
        values = rng.integers(0, 2**16, (HEIGHT, WIDTH, channels), dtype=np.uint16)
        files[f"PNG 16 bits x {channels}"] = png16.encode(values)
    for name, shape in (("minisblack", (HEIGHT, WIDTH)), ("rgb", (HEIGHT, WIDTH, 3))):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, rng.integers(0, 2**16, shape, dtype=np.uint16), photometric=name)
        files[f"TIFF 16 bits {name}"] = buffer.getvalue()
    return files | {"PGM 16 bits": b"P5 33 24 65535\n" + rng.bytes(2 * HEIGHT * WIDTH)}


def every_kind() -> dict[str, bytes]:
    """Name -> a file of HEIGHT x WIDTH pixels (some turned by EXIF), and some that hold several pictures."""
    kinds = _kinds()
    files = {f"{kind} {name}": encoded(kinds[name], kind) for kind, names in _OF_PILLOW.items() for name in names}
    color = kinds["color"]
    for kind in ("PNG", "JPEG", "WEBP", "TIFF"):
        files[f"{kind} turned"] = encoded(color, kind, exif=turned())
    files["JPEG progressive"] = encoded(color, "JPEG", progressive=True)
    files["WEBP lossless"] = encoded(kinds["alpha"], "WEBP", lossless=True)
    files["PNG key"] = encoded(kinds["palette"], transparency=2)
    for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        files[f"TIFF {name}"] = encoded(color, "TIFF", compression=name)
    files["TIFF group4"] = encoded(kinds["bitmap"], "TIFF", compression="group4")
    several: dict[str, Any] = {"save_all": True, "append_images": [color.transpose(Image.Transpose.ROTATE_180)]}
    return files | _sixteen_bits() | {kind: encoded(color, kind, **several) for kind in ("GIF", "MPO")}
