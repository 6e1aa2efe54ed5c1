"""Encodes 16-bit PNG files (W3C Portable Network Graphics, third edition), and inspects files before decoding.

The encoder exists because Pillow cannot encode 16-bit colour, and OpenCV neither gray with alpha nor colour profiles.
"""

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# PNG's colour type for a number of channels: gray, gray + alpha, RGB, RGBA.
_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
# Its offset in a file: after the signature (8 bytes), the length and name of the first chunk (8), the width and height
# (8) and the depth (1).
_COLOR_TYPE_AT = 25
_CHUNK_FRAME = 12  # bytes around the content of a chunk: its length, its name and a checksum
_PROFILE_NAME = b"ICC profile"


def channels_of(data: bytes) -> int | None:
    """The number of channels stored in a PNG file (None for a palette); decoders may return more."""
    return {kind: channels for channels, kind in _COLOR_TYPES.items()}.get(data[_COLOR_TYPE_AT])


def is_whole(data: bytes) -> bool:
    """Whether all chunks of a PNG file lie within the file, up to the last one.

    OpenCV allocates the length that a chunk claims, up to 4 GiB, before checking the length of the file.
    """
    position = len(_SIGNATURE)
    while position + _CHUNK_FRAME <= len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        position += length + _CHUNK_FRAME
        if kind == b"IEND":
            return position <= len(data)
    return False


def encode(array: np.ndarray, icc_profile: bytes | None = None) -> bytes:
    """Encodes the contents of a PNG file.

    Args:
        array: uint16 [H, W, C], C = 1 gray, 2 gray + alpha, 3 RGB, 4 RGBA.
        icc_profile: colour profile to embed.
    """
    height, width, channels = array.shape
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOR_TYPES[channels], 0, 0, 0)
    pixels = array.astype(">u2", order="C").view(np.uint8).reshape(height, width, 2 * channels)
    # Filter 1 ("Sub"): each byte minus the corresponding byte of the pixel to its left, modulo 256.
    pixels[:, 1:] -= pixels[:, :-1].copy()
    rows = np.concatenate([np.ones((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b"")]
    if icc_profile:
        chunks.insert(1, (b"iCCP", _PROFILE_NAME + b"\0\0" + zlib.compress(icc_profile)))
    return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
