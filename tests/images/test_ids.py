import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from edgeconnect_jax.images import files
from edgeconnect_jax.images.ids import read_ids


def test_8_and_16_bits_are_the_numbers_in_the_file(tmp_path, rng):
    for dtype in (np.uint8, np.uint16):
        ids = rng.integers(0, np.iinfo(dtype).max + 1, (5, 7), dtype=dtype)
        files.write_png(tmp_path / "ids.png", ids)
        found = read_ids(tmp_path / "ids.png")
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found, ids)
        np.testing.assert_array_equal(read_ids((tmp_path / "ids.png").read_bytes()), ids)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_a_palette_is_read_by_its_indices(tmp_path, bits):
    ids = np.arange(4, dtype=np.uint8).reshape(2, 2)
    image = Image.new("P", (2, 2))
    image.putpalette([value for index in range(256) for value in (255 - index, 7 * index % 256, 3)])
    image.putdata(ids.ravel().tolist())
    image.save(tmp_path / "ids.png", bits=bits)
    np.testing.assert_array_equal(read_ids(tmp_path / "ids.png"), ids)


def test_grays_of_few_bits_are_not_widened(tmp_path):
    ids = np.arange(4, dtype=np.uint8).reshape(2, 2)
    header = b"\x89PNG\r\n\x1a\n"

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    for bits, rows in ((2, b"\x00\x10\x00\xb0"), (4, b"\x00\x01\x00\x23")):
        head = struct.pack(">IIBBBBB", 2, 2, bits, 0, 0, 0, 0)
        data = header + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
        np.testing.assert_array_equal(read_ids(data, "ids"), ids)


def test_colours_are_refused(tmp_path):
    files.write_png(tmp_path / "colours.png", np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match=r"colours\.png: holds colours \(RGB\)"):
        read_ids(tmp_path / "colours.png")
