"""Every kind of odd input, what each command makes of it, and how it is made: the one table of `test_odd_inputs.py`.

A scene is a folder of two pictures and one of their masks: `good`, and `odd`, which the case changes.
"""

import pathlib
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from edgeconnect_jax.images import files
from tests.pictures import encoded, turned
from tests.synthetic import picture

COMMANDS = ("inpaint", "eval", "prepare_data", "training")
SIZE = (32, 40)

# Outcomes. Where only `odd` is left out, inpaint and eval do the other one and end with status 2; prepare_data and
# training stop by name, and do the other one if they are allowed to leave one out.
RIGHT, LEFT_OUT, REFUSED = "right", "left out", "refused before any work"


SHOWN, HOLE = picture(1, *SIZE)
IMAGE = Image.fromarray(SHOWN)


class Scene:
    """The folders of a case, with both pictures and masks as they should be."""

    def __init__(self, root: pathlib.Path):
        self.pictures, self.masks = root / "pictures", root / "masks"
        for folder in (self.pictures, self.masks):
            folder.mkdir()
        for seed, stem in enumerate(("good", "odd")):
            image, mask = picture(seed, *SIZE)
            files.write_png(self.pictures / f"{stem}.png", image)
            files.write_png(self.masks / f"{stem}.png", mask)

    def picture(self, data: bytes, name: str = "odd.png") -> pathlib.Path:
        """Puts another file in the place of the odd picture."""
        (self.pictures / "odd.png").unlink(missing_ok=True)
        (self.pictures / name).write_bytes(data)
        return self.pictures / name

    def mask(self, array: np.ndarray) -> None:
        """Puts another mask in the place of the odd picture's."""
        files.write_png(self.masks / "odd.png", array)


class Case(NamedTuple):
    """An odd input.

    Attributes:
        make: changes a scene.
        outcomes: of COMMANDS.
        told: what messages say beside the name of the file; one for each command, or one for all.
        shown: the odd picture, uint8 [H, W, 3], as it should be seen.
        stem: of the odd picture.
    """

    make: Callable[[Scene], object]
    outcomes: tuple[str, str, str, str]
    told: str | tuple[str, str, str, str] = ""
    shown: np.ndarray = SHOWN
    stem: str = "odd"


FINE, BAD, CALL = (RIGHT,) * 4, (LEFT_OUT,) * 4, (REFUSED,) * 4


def _frames(scene: Scene) -> None:
    others = [IMAGE.transpose(Image.Transpose.ROTATE_180)]
    scene.picture(encoded(IMAGE, "GIF", save_all=True, append_images=others), "odd.gif")


def _sixteen_bits(scene: Scene) -> None:
    scene.picture(b"")
    files.write_png(scene.pictures / "odd.png", SHOWN.astype(np.uint16) * 257)


def _transparent(scene: Scene) -> None:
    image = IMAGE.copy()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    scene.picture(encoded(image))


def _bomb() -> bytes:
    data = bytearray(encoded(Image.new("L", (8, 8))))
    data[16:24] = struct.pack(">II", 50_000, 50_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def _of_size(height: int, width: int) -> Callable[[Scene], None]:
    def make(scene: Scene) -> None:
        scene.picture(encoded(Image.fromarray(_plain(height, width))))
        mask = np.zeros((height, width), np.uint8)
        mask[:, width // 3 : width // 2] = 255
        scene.mask(mask)

    return make


def _plain(height: int, width: int) -> np.ndarray:
    return picture(1, max(height, 4), max(width, 4))[0][:height, :width]


def _linked_to(target: str) -> Callable[[Scene], None]:
    def make(scene: Scene) -> None:
        scene.picture(b"").unlink()
        (scene.pictures / "odd.png").symlink_to(target)

    return make


def _folder(scene: Scene) -> None:
    scene.picture(b"").unlink()
    (scene.pictures / "odd.png").mkdir()


def _named(stem: str) -> Callable[[Scene], None]:
    def make(scene: Scene) -> None:
        for folder in (scene.pictures, scene.masks):
            (folder / "odd.png").rename(folder / f"{stem}.png")

    return make


def _mask_of(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Scene], None]:
    return lambda scene: scene.mask(change(HOLE))


def _soft(mask: np.ndarray) -> np.ndarray:
    return files.resize_bilinear(files.resize_bilinear(mask, 8, 10), *SIZE)


PATTERN = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8))
OTHERS_SCRIPT = "ein schönes 写真 (1)"
NOT_UTF8 = b"caf\xe9".decode("utf-8", "surrogateescape")
ANOTHER_SIZE = ("--resize_masks", "make them equal", "", "")
CASES: dict[str, Case] = {
    "truncated JPEG": Case(lambda s: s.picture(encoded(PATTERN, "JPEG")[:-400], "odd.jpg"), BAD, "truncated"),
    "truncated PNG": Case(lambda s: s.picture(encoded(PATTERN)[:-2000]), BAD, "truncated|broken"),
    "empty file": Case(lambda s: s.picture(b""), BAD, "not one of BMP"),
    "text named .jpg": Case(lambda s: s.picture(b"a text\n", "odd.jpg"), BAD, "not one of BMP"),
    "animated GIF": Case(_frames, BAD, "holds 2 pictures"),
    "decompression bomb": Case(lambda s: s.picture(_bomb()), BAD, "claims more than"),
    "broken link": Case(_linked_to("nowhere.png"), BAD, "a broken link"),
    "unreadable file": Case(_linked_to("/proc/self/mem"), BAD, "cannot be read"),  # by root, too
    "folder in place of a file": Case(_folder, BAD, "a folder with the suffix of a picture"),
    "16 bits": Case(_sixteen_bits, FINE),
    "CMYK": Case(lambda s: s.picture(encoded(IMAGE.convert("CMYK"), "TIFF"), "odd.tif"), FINE),
    "CMYK JPEG": Case(lambda s: s.picture(encoded(IMAGE.convert("CMYK"), "JPEG", quality=95), "odd.jpg"), FINE),
    "palette": Case(lambda s: s.picture(encoded(IMAGE.quantize(256))), FINE),
    "alpha": Case(_transparent, FINE),
    "turned by EXIF": Case(
        lambda s: s.picture(
            encoded(IMAGE.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=turned()), "odd.jpg"
        ),
        FINE,
    ),
    "1 x 1": Case(_of_size(1, 1), FINE, shown=_plain(1, 1)),
    "3 x 5000": Case(_of_size(3, 5000), FINE, shown=_plain(3, 5000)),
    "spaces and another script": Case(_named(OTHERS_SCRIPT), FINE, stem=OTHERS_SCRIPT),
    "a name that is no UTF-8": Case(_named(NOT_UTF8), FINE, stem=NOT_UTF8),
    "duplicate stems": Case(
        lambda s: (s.pictures / "odd.bmp").write_bytes(encoded(IMAGE, "BMP")),
        CALL, "one stem|several pictures for one mask",
    ),
    "mask of another size": Case(
        _mask_of(lambda m: files.resize_bilinear(m, 48, 60)), (LEFT_OUT, LEFT_OUT, RIGHT, RIGHT), ANOTHER_SIZE
    ),
    "mask of three channels": Case(_mask_of(lambda m: np.repeat(m[..., None], 3, axis=-1)), FINE),
    "soft mask": Case(_mask_of(_soft), FINE),
    "empty mask": Case(_mask_of(np.zeros_like), FINE),
    "full mask": Case(
        _mask_of(lambda m: np.full_like(m, 255)),
        (RIGHT, LEFT_OUT, RIGHT, RIGHT), "the hole covers the whole picture",
    ),
    "corrupted mask": Case(
        lambda s: (s.masks / "odd.png").write_bytes(encoded(PATTERN)[:-2000]), BAD, "truncated|broken"
    ),
    "mask without a picture": Case(
        lambda s: (s.masks / "third.png").write_bytes(encoded(IMAGE)),
        (REFUSED, REFUSED, RIGHT, RIGHT), ("without a picture",) * 2 + ("", ""),
    ),
    "missing mask": Case(lambda s: (s.masks / "odd.png").unlink(), CALL, "no mask"),
}  # fmt: skip
