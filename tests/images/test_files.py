"""Decoding and writing of pictures: nothing may change on the way that was not asked to."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
import skimage.data
import tifffile
from PIL import Image, ImageCms

from edgeconnect_jax.images import files

HEIGHT, WIDTH = 6, 9


def noise(channels, dtype: type = np.uint8, seed=0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, np.iinfo(dtype).max + 1, (HEIGHT, WIDTH, channels), dtype=dtype)


def alpha_of(picture: files.Picture) -> np.ndarray:
    assert picture.alpha is not None
    return picture.alpha


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_written_picture_reads_back_bit_for_bit(tmp_path, channels, dtype):
    array = noise(channels, dtype)
    files.write_png(tmp_path / "a.png", array)
    picture = files.read_picture(tmp_path / "a.png")
    assert picture.color.dtype == dtype
    np.testing.assert_array_equal(picture.color, array[..., : 1 if channels < 3 else 3])
    if channels in (2, 4):
        np.testing.assert_array_equal(alpha_of(picture), array[..., -1:])
    else:
        assert picture.alpha is None


def test_16_bit_png_is_what_another_decoder_expects(tmp_path):
    array = noise(3, np.uint16)
    files.write_png(tmp_path / "a.png", array)
    decoded = np.asarray(Image.open(tmp_path / "a.png"))  # Pillow keeps the high byte
    np.testing.assert_array_equal(decoded, array >> 8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colour_profile_survives(tmp_path, dtype):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = files.Picture(noise(3, dtype), noise(1, dtype), profile)
    files.write_picture(tmp_path / "a.png", picture)
    back = files.read_picture(tmp_path / "a.png")
    assert back.icc_profile == profile
    np.testing.assert_array_equal(back.color, picture.color)
    np.testing.assert_array_equal(alpha_of(back), alpha_of(picture))


def oriented(array, orientation):
    """The stored array that shows as `array` under an EXIF orientation, by Pillow's own operations."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = Image.fromarray(array)
    return image.transpose(undo[orientation]) if orientation in undo else image


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation, kind):
    array = noise(4)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    (tmp_path / "a").write_bytes(encoded(oriented(array, orientation), kind, exif=exif, **options))
    assert files.picture_size(tmp_path / "a") == (HEIGHT, WIDTH)
    picture = files.read_picture(tmp_path / "a")
    np.testing.assert_array_equal(picture.color, array[..., :3])
    np.testing.assert_array_equal(alpha_of(picture), array[..., 3:])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_a_16_bit_tiff(tmp_path, orientation):
    array = noise(3, np.uint16)
    stored = np.stack(
        [np.asarray(oriented(array[..., c].astype(np.int32), orientation)) for c in range(3)], axis=-1
    ).astype(np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, stored, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    (tmp_path / "a.tif").write_bytes(buffer.getvalue())
    assert files.picture_size(tmp_path / "a.tif") == (HEIGHT, WIDTH)
    np.testing.assert_array_equal(files.read_picture(tmp_path / "a.tif").color, array)


def test_jpeg_photograph_turned_by_exif():
    photo = np.ascontiguousarray(skimage.data.astronaut()[:64, :96])
    exif = Image.Exif()
    exif[0x0112] = 6
    color = files.read_picture(encoded(oriented(photo, 6), "JPEG", quality=95, exif=exif)).color
    assert color.shape == photo.shape
    assert np.abs(color.astype(int) - photo).mean() < 6


def test_palette_with_transparency_is_expanded():
    palette_image = Image.fromarray(noise(1)[..., 0] % 4).convert("P")
    palette_image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120])
    index = np.asarray(palette_image)
    picture = files.read_picture(encoded(palette_image, transparency=2))
    np.testing.assert_array_equal(
        picture.color, np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90], [100, 110, 120]])[index]
    )
    np.testing.assert_array_equal(alpha_of(picture)[..., 0], np.where(index == 2, 0, 255))
    assert files.read_picture(encoded(palette_image)).alpha is None


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_narrow_gray_with_a_transparent_value(bits):
    level = (noise(1)[..., 0] % 2**bits).astype(np.uint8)
    packed = np.stack([np.packbits(np.unpackbits(r[:, None], axis=1)[:, -bits:].ravel()) for r in level])
    data = _narrow_png(packed, bits, transparent=1)
    picture = files.read_picture(data)
    np.testing.assert_array_equal(picture.color[..., 0], level * (255 // (2**bits - 1)))
    np.testing.assert_array_equal(alpha_of(picture)[..., 0], np.where(level == 1, 0, 255))


def _narrow_png(packed, bits, transparent):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = np.concatenate([np.zeros((HEIGHT, 1), np.uint8), packed], axis=1)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"tRNS", struct.pack(">H", transparent))
        + chunk(b"IDAT", zlib.compress(rows.tobytes()))
        + chunk(b"IEND", b"")
    )


def test_16_bit_gray_with_a_transparent_value():
    array = noise(1, np.uint16)[..., 0]
    key = int(array[2, 3])
    data = encoded(Image.fromarray(array), transparency=key)
    picture = files.read_picture(data)
    np.testing.assert_array_equal(picture.color[..., 0], array)
    np.testing.assert_array_equal(alpha_of(picture)[..., 0], np.where(array == key, 0, 65535))


def test_bitmap_becomes_gray():
    bitmap = noise(1)[..., 0] > 127
    color = files.read_picture(encoded(Image.fromarray(bitmap))).color
    np.testing.assert_array_equal(color[..., 0], bitmap * 255)


def test_cmyk_becomes_rgb():
    picture = files.read_picture(encoded(Image.fromarray(noise(4), "CMYK"), "TIFF"))
    assert picture.color.shape == (HEIGHT, WIDTH, 3) and picture.alpha is None


def test_16_bits_round_to_8(tmp_path):
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    files.write_png(tmp_path / "a.png", values)
    expected = np.rint(values / 257).astype(np.uint8)
    np.testing.assert_array_equal(files.read_gray8(tmp_path / "a.png"), expected)
    np.testing.assert_array_equal(files.read_rgb8(tmp_path / "a.png"), np.stack([expected] * 3, -1))


def test_rgb8_drops_alpha_and_keeps_the_colours_under_it(tmp_path):
    array = noise(4)
    array[..., 3] = 0
    files.write_png(tmp_path / "a.png", array)
    np.testing.assert_array_equal(files.read_rgb8(tmp_path / "a.png"), array[..., :3])


def test_gray8_of_a_three_channel_mask(tmp_path):
    mask = noise(1)
    files.write_png(tmp_path / "a.png", np.repeat(mask, 3, axis=-1))
    np.testing.assert_array_equal(files.read_gray8(tmp_path / "a.png"), mask[..., 0])


def test_gray8_refuses_a_transparent_mask_but_not_an_opaque_one(tmp_path):
    array = noise(2)
    array[..., 1] = 255
    files.write_png(tmp_path / "a.png", array)
    np.testing.assert_array_equal(files.read_gray8(tmp_path / "a.png"), array[..., 0])
    array[0, 0, 1] = 254
    files.write_png(tmp_path / "a.png", array)
    with pytest.raises(ValueError, match=r"a\.png: .*transparent"):
        files.read_gray8(tmp_path / "a.png")


def truncated():
    return encoded(Image.fromarray(skimage.data.astronaut()), "JPEG")[:20_000]


def animated():
    frames = [Image.fromarray(noise(3, seed=s)) for s in range(3)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"not a picture", "cannot|not a picture"),
        (b"", "not a picture"),
        (truncated(), "truncated"),
        (animated(), "holds 3 pictures"),
        (encoded(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF"), "neither 8 nor 16 bits"),
    ],
)
def test_undecodable_files_are_named(tmp_path, data, message):
    (tmp_path / "broken.png").write_bytes(data)
    with pytest.raises(ValueError, match=rf"broken\.png: .*({message})"):
        files.read_picture(tmp_path / "broken.png")
    with pytest.raises(ValueError, match=rf"^shown: .*({message})"):
        files.read_picture(data, "shown")


@pytest.mark.parametrize(("data", "message"), [(b"text", "not a picture"), (animated(), "holds 3 pictures")])
def test_size_of_what_is_no_picture(tmp_path, data, message):
    (tmp_path / "broken.png").write_bytes(data)
    with pytest.raises(ValueError, match=rf"broken\.png: .*{message}"):
        files.picture_size(tmp_path / "broken.png")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere\.png: no such file"):
        files.read_picture(tmp_path / "nowhere.png")


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (5, 7, 4)])
def test_resize_is_pillows(shape):
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    resized = files.resize_bilinear(array, 3, 11)
    assert resized.shape == (3, 11, *shape[2:])
    plain = array[..., 0] if array.ndim == 3 else array
    expected = np.asarray(Image.fromarray(plain).resize((11, 3), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(resized[..., 0] if array.ndim == 3 else resized, expected)


@pytest.mark.parametrize(("shape", "rows", "columns"), [((5, 8), (0, 5), (1, 6)), ((9, 4), (2, 6), (0, 4))])
def test_centre_square(shape, rows, columns):
    array = np.arange(np.prod(shape)).reshape(shape)
    np.testing.assert_array_equal(files.centre_square(array), array[slice(*rows), slice(*columns)])


def test_list_images_is_sorted_recursive_and_ignores_case(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.PNG", "a.jpg", "sub/c.webp", "notes.txt"):
        (tmp_path / name).touch()
    assert files.list_images(tmp_path) == [tmp_path / n for n in ("a.jpg", "b.PNG", "sub/c.webp")]


def test_list_images_of_one_folder_alone(tmp_path):
    (tmp_path / "sub").mkdir()
    files.write_png(tmp_path / "sub/c.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="sub-folders are not searched"):
        files.list_images(tmp_path, recursive=False)
    files.write_png(tmp_path / "a.png", np.zeros((4, 4), np.uint8))
    assert files.list_images(tmp_path, recursive=False) == [tmp_path / "a.png"]


def test_list_images_of_nothing_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="contains no pictures"):
        files.list_images(tmp_path)
    with pytest.raises(ValueError, match="no such folder"):
        files.list_images(tmp_path / "nowhere")


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    files.write_png(tmp_path / "a.png", noise(3))
    before = (tmp_path / "a.png").read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write_png(tmp_path / "a.png", noise(3, seed=1))
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before


@pytest.mark.parametrize("array", [np.zeros((4, 4, 5), np.uint8), np.zeros((4, 4), np.float32)])
def test_write_refuses_what_png_cannot_hold(tmp_path, array):
    with pytest.raises(ValueError, match="PNG cannot store"):
        files.write_png(tmp_path / "a.png", array)


def test_writing_leaves_the_array_alone(tmp_path):
    array = noise(3, np.uint16)
    before = array.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files.write_png(tmp_path / "a.png", array)
    np.testing.assert_array_equal(array, before)
