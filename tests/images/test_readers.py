"""Readers of pictures and masks on anything: a clean array, or a ValueError that names the source."""

import pathlib
import resource
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from edgeconnect_jax.images import files
from tests.pictures import encoded, every_kind

# The same cases everywhere, at all times; a time limit would fail on a slow machine.
FIXED = {
    **{"derandomize": True, "database": None, "deadline": None, "suppress_health_check": list(HealthCheck)},
    **{"print_blob": False},
}
FILES = every_kind()
STARTS = sorted({data[:length] for data in FILES.values() for length in (2, 4, 8, 16)})
# Bytes that sizes, offsets and counts are made wrong with.
ENDS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\x10\0", b"\0\x10\0\0")
MOST_PIXELS = 2**19
MOST_MEMORY = 192 * 2**20  # bytes that all cases of this file may add


@pytest.fixture(scope="module", autouse=True)
def bounds() -> Iterator[None]:
    """A bound on pixels that small memory can hold, and one on memory."""
    limit, before = Image.MAX_IMAGE_PIXELS, _most_memory()
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2
    yield
    Image.MAX_IMAGE_PIXELS = limit
    assert _most_memory() - before < MOST_MEMORY


def _most_memory() -> int:
    """The most that this process ever held, in bytes; macOS counts in bytes, others in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def check(data: bytes) -> np.ndarray | None:
    """Reads in every way; returns what the picture is, or None where it is refused."""
    try:
        picture = files.read_picture(data, "a file")
    except ValueError as error:
        _check_refusal(error)
        for read in (files.read_rgb8, files.read_gray8):
            with pytest.raises(ValueError, match=r"^a file: "):
                read(data, "a file")
        return None
    color, alpha = picture.color, picture.alpha
    assert color.dtype in (np.uint8, np.uint16) and color.ndim == 3 and color.shape[-1] in (1, 3)
    assert 0 < color[..., 0].size <= MOST_PIXELS
    assert alpha is None or (alpha.shape == (*color.shape[:2], 1) and alpha.dtype == color.dtype)
    assert files.picture_size(data, "a file") == color.shape[:2]
    assert files.read_rgb8(data, "a file").shape == (*color.shape[:2], 3)
    try:
        mask = files.read_gray8(data, "a file")
        assert mask.shape == color.shape[:2] and mask.dtype == np.uint8
    except ValueError as error:
        _check_refusal(error)
        assert alpha is not None and "transparent" in str(error)
    return color


def _check_refusal(error: ValueError) -> None:
    """One line that names the file and, after the last semicolon, the remedy."""
    assert type(error) is ValueError and str(error).startswith("a file: ")
    assert "; " in str(error) and "\n" not in str(error)


@settings(max_examples=500, **FIXED)
@given(st.sampled_from((b"", *STARTS)), st.binary(max_size=300))
def test_random_bytes(start: bytes, rest: bytes) -> None:
    check(start + rest)


@st.composite
def corrupted(draw: st.DrawFn) -> bytes:
    """A file of one of the formats with up to four places overwritten, cut out, put in, or cut short."""
    data = bytearray(FILES[draw(st.sampled_from(sorted(FILES)))])
    for _ in range(draw(st.integers(1, 4))):
        # Heads are short and matter most.
        near = draw(st.sampled_from((32, 128, 512, len(data))))
        place = draw(st.integers(0, max(0, min(near, len(data)) - 1)))
        change = draw(st.sampled_from(("flip", "overwrite", "remove", "insert", "end")))
        if change == "flip":
            data[place : place + 1] = bytes(value ^ (1 << draw(st.integers(0, 7))) for value in data[place : place + 1])
        elif change == "overwrite":
            data[place : place + 4] = draw(st.one_of(st.sampled_from(ENDS), st.binary(min_size=1, max_size=4)))
        elif change == "remove":
            del data[place : place + draw(st.sampled_from((1, 2, 4, 64)))]
        elif change == "insert":
            data[place:place] = draw(st.binary(min_size=1, max_size=16))
        else:
            del data[place:]
    return bytes(data)


@settings(max_examples=1200, **FIXED)
@given(corrupted())
def test_corrupted_files_of_every_format(data: bytes) -> None:
    check(data)


MODES = {"1": 1, "L": 1, "LA": 2, "P": 1, "RGB": 3, "RGBA": 4, "CMYK": 4, "I;16": 1, "I": 1, "F": 1}


@settings(max_examples=400, **FIXED)
@given(st.sampled_from(sorted(MODES)), st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_shapes_and_modes(mode: str, height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    array = rng.integers(0, 256, (height, width, MODES[mode]), dtype=np.uint8)
    plane = {"I;16": np.uint16, "I": np.int32, "F": np.float32}.get(mode)
    if plane is not None:
        image = Image.fromarray(array[..., 0].astype(plane))
    elif mode in ("1", "P"):
        image = Image.fromarray(array[..., 0]).convert(mode)
    else:
        image = Image.fromarray(array[..., 0] if mode == "L" else array, mode)
    color = check(encoded(image, "TIFF" if mode in ("CMYK", "F", "I") else "PNG"))
    if mode in ("I", "F"):
        assert color is None
        return
    assert color is not None and color.shape[:2] == (height, width)
    if mode in ("L", "LA", "RGB", "RGBA", "I;16"):
        np.testing.assert_array_equal(color, array[..., : color.shape[-1]])


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_kind_is_read_or_said_to_hold_several(name: str) -> None:
    assert (check(FILES[name]) is None) == (name == "GIF")


def test_a_chunk_that_claims_gigabytes_is_not_believed() -> None:
    """OpenCV would allocate four of them."""
    data = bytearray(FILES["PNG 16 bits x 3"])
    data[data.index(b"IDAT") - 4 : data.index(b"IDAT")] = b"\xff\xff\xff\xff"
    assert check(bytes(data)) is None


def test_a_broken_link_and_a_folder_are_listed_and_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "gone.png")
    (tmp_path / "b.png").mkdir()
    assert files.list_images(tmp_path) == [tmp_path / "a.png", tmp_path / "b.png"]
    for name, told in (("a.png", "a broken link; "), ("b.png", "a folder .*; rename")):
        for read in (files.read_picture, files.picture_size):
            with pytest.raises(ValueError, match=rf"{name}: {told}"):
                read(tmp_path / name)
