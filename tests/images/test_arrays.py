import numpy as np
import pytest
from skimage.color import rgb2gray
from skimage.feature import canny

from edgeconnect_jax.images import arrays
from tests.synthetic import picture


@pytest.mark.parametrize(
    ("size", "padded"),
    [
        ((16, 16), (16, 16)),
        ((17, 20), (20, 20)),
        ((15, 33), (16, 36)),
        ((1, 1), (16, 16)),
        ((64, 63), (64, 64)),
        ((18, 7), (20, 16)),
    ],
)
def test_pad_goes_to_16_and_to_the_next_multiple_of_4_and_no_further(size, padded):
    array = np.random.default_rng(0).random((*size, 3))
    result = arrays.pad(array)
    assert arrays.padded_size(*size) == padded
    assert result.shape == (*padded, 3)
    np.testing.assert_array_equal(result[: size[0], : size[1]], array)


def test_pad_reflects_sides_of_16_and_repeats_the_last_line_of_smaller_ones():
    rows = np.arange(18.0)[:, None, None] + np.zeros((18, 16, 1))
    np.testing.assert_array_equal(arrays.pad(rows)[16:, 0, 0], [16, 17, 16, 15])
    np.testing.assert_array_equal(arrays.pad(rows[:13])[12:, 0, 0], [12, 12, 12, 12])
    columns = rows.swapaxes(0, 1)
    np.testing.assert_array_equal(arrays.pad(columns)[0, 16:, 0], [16, 17, 16, 15])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_known_edges_are_scikit_images_outside_the_hole(dtype):
    image, mask = picture(3, 60, 75)
    hole = mask > 0
    expected = canny(rgb2gray(image), sigma=2, mask=~hole)
    assert expected.any()
    same = {np.uint8: image, np.uint16: image.astype(np.uint16) * 257, np.float64: image / 255}[dtype]
    edges = arrays.known_edges(same, hole, 2.0)
    assert edges.dtype == np.float32
    assert np.mean(edges != expected) == (0 if dtype == np.uint8 else pytest.approx(0, abs=1e-3))
    assert not arrays.known_edges(same, hole, -1).any()
    assert (arrays.known_edges(same, hole, 1.0) != edges).any()


def test_known_edges_of_a_gray_picture():
    gray = picture(3, 60, 75)[0][..., :1]
    edges = arrays.known_edges(gray, np.zeros((60, 75), bool), 2.0)
    np.testing.assert_array_equal(edges, canny(rgb2gray(np.repeat(gray, 3, -1)), sigma=2))


def test_hole_of_each_kind_of_mask():
    hole = np.array([[True, False, True], [False, True, False]])
    for mask in (
        hole,
        hole[..., None],
        hole.astype(np.uint8) * 255,
        np.where(hole, 128, 127).astype(np.uint8),
        np.where(hole, 0.6, 0.4),
        hole.astype(np.float32),
    ):
        np.testing.assert_array_equal(arrays.hole_of(mask, (2, 3)), hole)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((3, 2), bool), r"\[2, 3\] like the picture, not \[3, 2\]"),
        (np.zeros((2, 3, 3), np.uint8), r"not \[2, 3, 3\]"),
        (np.eye(2, 3, dtype=np.uint8), "255 for the hole"),
        (np.zeros((2, 3), np.int64), "int64"),
    ],
)
def test_masks_that_are_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        arrays.hole_of(mask, (2, 3))


def test_edges_of_keeps_soft_values():
    edges = np.array([[0, 51, 255]], np.uint8)
    np.testing.assert_array_equal(arrays.edges_of(edges, (1, 3)), np.array([[0, 51 / 255, 1]], np.float32))
    np.testing.assert_array_equal(arrays.edges_of(edges[..., None] > 0, (1, 3)), [[0, 1, 1]])
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        arrays.edges_of(np.array([[0, 2.0, 1]]), (1, 3))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 5), np.uint8), r"\[4, 4, 5\]"),
        (np.zeros((4,), np.uint8), r"\[4\]"),
        (np.zeros((0, 4, 3), np.uint8), r"\[0, 4, 3\]"),
        (np.zeros((4, 4, 3), np.int32), "int32"),
        (np.full((4, 4, 3), 1.5), r"\[0, 1\]"),
        (np.full((4, 4, 3), np.nan), r"\[0, 1\]"),
    ],
)
def test_pictures_that_are_refused(image, message):
    with pytest.raises(ValueError, match=message):
        arrays.split_picture(image)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_split_picture_finds_alpha(channels):
    image = np.random.default_rng(0).integers(0, 256, (4, 5, channels), dtype=np.uint8)
    color, alpha = arrays.split_picture(image)
    assert color.shape[-1] == (1 if channels < 3 else 3)
    if channels in (2, 4):
        assert alpha is not None
        np.testing.assert_array_equal(alpha, image[..., -1:])
    else:
        assert alpha is None


def test_quantize_rounds_or_truncates():
    values = np.array([0, 0.4999 / 255, 0.5001 / 255, 0.9999, 1], np.float32)
    np.testing.assert_array_equal(arrays.quantize(values, np.dtype(np.uint8), False), [0, 0, 1, 255, 255])
    np.testing.assert_array_equal(arrays.quantize(values, np.dtype(np.uint8), True), [0, 0, 0, 254, 255])
    half = np.array([0.5], np.float32)
    np.testing.assert_array_equal(arrays.quantize(half, np.dtype(np.uint16), False), [32768])
    assert arrays.quantize(values, np.dtype(np.float64), True).dtype == np.float64


def test_every_8_bit_value_survives_truncation():
    """The original's truncation moves no known pixel: k / 255 * 255 is k in float32."""
    levels = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(arrays.quantize(arrays.to_unit(levels), np.dtype(np.uint8), True), levels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_merge_changes_the_hole_alone(channels, dtype):
    rng = np.random.default_rng(0)
    color = rng.random((6, 7, channels))
    color = color.astype(dtype) if dtype == np.float32 else (color * np.iinfo(dtype).max).astype(dtype)
    before = color.copy()
    generated = rng.random((6, 7, 3)).astype(np.float32)
    hole = rng.random((6, 7)) > 0.5
    result = arrays.merge(color, generated, hole, truncate=False)
    assert result.dtype == dtype
    np.testing.assert_array_equal(color, before)
    np.testing.assert_array_equal(result[~hole], color[~hole])
    expected = generated if channels == 3 else rgb2gray(generated)[..., None]
    scale = 1 if dtype == np.float32 else np.iinfo(dtype).max
    np.testing.assert_allclose(result[hole] / scale, expected[hole], atol=0.5001 / scale if scale > 1 else 1e-6)
