import numpy as np
import pytest
from skimage.color import rgb2gray

from edgeconnect_jax.images import arrays


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
