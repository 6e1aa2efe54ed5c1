"""The page's own PNG files, against Pillow's."""

import base64
import io
import struct
import zlib

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

ROUND_TRIP = """async ([name, base64, width, height]) => {
  const {encodeGray, decodeGray} = await import('/static/shared/png.js');
  const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt(0));
  const text = plane => plane.reduce((all, value) => all + String.fromCharCode(value), '');
  if (name === 'decode') {
    const gray = await decodeGray(bytes.buffer);
    return gray && [gray.width, gray.height, btoa(text(gray.plane))];
  }
  const file = await encodeGray(bytes, width, height);
  return btoa(text(new Uint8Array(await file.arrayBuffer())));
}"""


def encoded(page, plane):
    height, width = plane.shape
    given = base64.b64encode(plane.tobytes()).decode()
    return base64.b64decode(page.evaluate(ROUND_TRIP, ["encode", given, width, height]))


def decoded(page, content):
    answer = page.evaluate(ROUND_TRIP, ["decode", base64.b64encode(content).decode(), 0, 0])
    if answer is None:
        return None
    width, height, plane = answer
    return np.frombuffer(base64.b64decode(plane), np.uint8).reshape(height, width)


def test_what_the_page_writes_pillow_and_the_page_read(page, rng):
    for shape in ((1, 1), (5, 3), (40, 57)):
        plane = rng.integers(0, 256, shape, np.uint8)
        content = encoded(page, plane)
        image = Image.open(io.BytesIO(content))
        assert image.mode == "L"
        image.verify()  # the checksums
        np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(content))), plane)
        np.testing.assert_array_equal(decoded(page, content), plane)


def test_what_others_write_the_page_reads(page, rng):
    y, x = np.mgrid[:61, :83]
    for plane in ((np.hypot(y, x) * 2).astype(np.uint8), rng.integers(0, 256, (61, 83), np.uint8)):
        buffer, text = io.BytesIO(), PngInfo()
        text.add_text("comment", "a chunk that is skipped")
        Image.fromarray(plane).save(buffer, "PNG", pnginfo=text)
        np.testing.assert_array_equal(decoded(page, buffer.getvalue()), plane)
    plane, content = with_every_filter(rng)
    np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(content))), plane)
    np.testing.assert_array_equal(decoded(page, content), plane)
    for mode in ("RGB", "P", "1", "LA", "I;16"):  # left to the browser
        buffer = io.BytesIO()
        Image.new(mode, (8, 8)).save(buffer, "PNG")
        assert decoded(page, buffer.getvalue()) is None, mode


def with_every_filter(rng):
    """A file whose rows have filters 0 to 4, in the words of the specification, and its values."""
    plane = rng.integers(0, 256, (5, 7), np.uint8).astype(int)
    left, above = np.pad(plane, ((0, 0), (1, 0)))[:, :-1], np.pad(plane, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(plane, ((1, 0), (1, 0)))[:-1, :-1]
    p = left + above - corner
    distances = np.abs(np.stack([p - left, p - above, p - corner]))
    paeth = np.choose(distances.argmin(axis=0), [left, above, corner])
    predictions = [np.zeros_like(plane), left, above, (left + above) // 2, paeth]
    rows = b"".join(bytes([f]) + bytes((plane[f] - predictions[f][f]).astype(np.uint8)) for f in range(5))

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 5, 8, 0, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return plane, content
