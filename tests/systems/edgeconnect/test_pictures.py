import numpy as np
import pytest
from skimage.color import rgb2gray
from skimage.feature import canny

from edgeconnect_jax.images import files, holes
from edgeconnect_jax.systems.edgeconnect import pictures
from tests.synthetic import picture


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_known_edges_are_scikit_images_outside_the_hole(dtype):
    image, mask = picture(3, 60, 75)
    hole = mask > 0
    expected = canny(rgb2gray(image), sigma=2, mask=~hole)
    assert expected.any()
    same = {np.uint8: image, np.uint16: image.astype(np.uint16) * 257, np.float64: image / 255}[dtype]
    edges = pictures.known_edges(same, hole, 2.0)
    assert edges.dtype == np.float32
    assert np.mean(edges != expected) == (0 if dtype == np.uint8 else pytest.approx(0, abs=1e-3))
    assert not pictures.known_edges(same, hole, -1).any()
    assert (pictures.known_edges(same, hole, 1.0) != edges).any()


def test_known_edges_of_a_gray_picture():
    gray = picture(3, 60, 75)[0][..., :1]
    edges = pictures.known_edges(gray, np.zeros((60, 75), bool), 2.0)
    np.testing.assert_array_equal(edges, canny(rgb2gray(np.repeat(gray, 3, -1)), sigma=2))


def test_edges_of_keeps_soft_values():
    edges = np.array([[0, 51, 255]], np.uint8)
    np.testing.assert_array_equal(pictures.edges_of(edges, (1, 3)), np.array([[0, 51 / 255, 1]], np.float32))
    np.testing.assert_array_equal(pictures.edges_of(edges[..., None] > 0, (1, 3)), [[0, 1, 1]])
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        pictures.edges_of(np.array([[0, 2.0, 1]]), (1, 3))


def test_threshold_and_inversion(tmp_path):
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    files.write_png(tmp_path / "mask.png", values)

    def hole(threshold, invert):
        return holes.read_hole(tmp_path / "mask.png", (16, 16), threshold, invert)

    np.testing.assert_array_equal(hole(127, False), values > 127)
    np.testing.assert_array_equal(hole(0, False), values > 0)
    np.testing.assert_array_equal(hole(127, True), values < 128)
    np.testing.assert_array_equal(hole(254, True), values == 0)
    for threshold, invert in ((0, False), (127, False), (127, True)):
        original = pictures.read_hole_as_original(tmp_path / "mask.png", (16, 16), threshold, invert)
        np.testing.assert_array_equal(original, hole(threshold, invert))


def test_the_originals_resizing_keeps_faint_borders_and_colours(tmp_path):
    """Of a resized mask everything but black is a hole there, ours is cut in the middle."""
    mask = np.zeros((8, 8, 3), np.uint8)
    mask[:4, :, 2] = 1
    files.write_png(tmp_path / "blue.png", mask)
    np.testing.assert_array_equal(
        pictures.read_hole_as_original(tmp_path / "blue.png", (8, 8), 0, False), mask[..., 2] > 0
    )
    assert not holes.read_hole(tmp_path / "blue.png", (8, 8), 0, False).any()
    files.write_png(tmp_path / "white.png", mask[..., 2] * 255)
    original = pictures.read_hole_as_original(tmp_path / "white.png", (32, 32), 0, False)
    ours = holes.read_hole(tmp_path / "white.png", (32, 32), 127, False)
    assert original.sum() > ours.sum() == 16 * 32
    np.testing.assert_array_equal(ours[:16], True)
