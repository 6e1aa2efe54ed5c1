"""Edge maps against scikit-image."""

import numpy as np
import pytest
import skimage.color
import skimage.data
import skimage.feature

from edgeconnect_jax.images import edges
from tests.synthetic import picture


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return skimage.data.astronaut()[100:228, 150:310]


def test_to_gray_equals_skimage_bit_for_bit(image: np.ndarray) -> None:
    gray = edges.to_gray(image)
    assert gray.dtype == np.float64
    np.testing.assert_array_equal(gray, skimage.color.rgb2gray(np.ascontiguousarray(image)))
    np.testing.assert_allclose(gray, image / 255 @ [0.2125, 0.7154, 0.0721], atol=1e-12)


def test_to_gray_does_not_depend_on_the_memory_layout(image: np.ndarray) -> None:
    np.testing.assert_array_equal(edges.to_gray(np.asfortranarray(image)), edges.to_gray(image.copy()))


@pytest.mark.parametrize("sigma", [0, 0.7, 2, 3.5])
def test_canny_edges_equal_skimage(image: np.ndarray, sigma: float) -> None:
    gray = edges.to_gray(image)
    found = edges.canny_edges(gray, sigma)
    assert found.dtype == np.uint8
    assert 0 < np.count_nonzero(found) < found.size / 2
    np.testing.assert_array_equal(found, 255 * skimage.feature.canny(gray, sigma=sigma))


def test_sigma_minus_one_has_no_edges(image: np.ndarray) -> None:
    assert not edges.canny_edges(edges.to_gray(image), -1).any()
    assert edges.canny_maps(edges.to_gray(image), -1).shape == (128, 160, 0)


def test_mask_keeps_the_border_of_the_hole_out() -> None:
    image, hole = picture(101, 96, 128)
    image[hole > 0] = 255
    known = hole == 0
    gray = edges.to_gray(image)
    masked = edges.canny_edges(gray, 2, mask=known)
    np.testing.assert_array_equal(masked, 255 * skimage.feature.canny(gray, sigma=2, mask=known))
    assert not masked[~known].any()
    assert np.count_nonzero(masked) < np.count_nonzero(edges.canny_edges(gray, 2))


def test_canny_maps_hold_one_map_a_sigma(image: np.ndarray) -> None:
    gray = edges.to_gray(image)
    maps = edges.canny_maps(gray, 0)
    assert maps.shape == (128, 160, 4)
    for k, sigma in enumerate((1, 2, 3, 4)):
        np.testing.assert_array_equal(maps[..., k], edges.canny_edges(gray, sigma))
    np.testing.assert_array_equal(edges.canny_maps(gray, 1.5)[..., 0], edges.canny_edges(gray, 1.5))


@pytest.mark.parametrize(("sigma", "meant"), [(2, 2), (0, 0), (-1, 0)])
def test_thin_keeps_soft_values_on_canny_lines(image: np.ndarray, sigma: float, meant: float) -> None:
    gray = edges.to_gray(image)
    soft = np.random.default_rng(0).integers(1, 255, gray.shape, np.uint8)
    thinned = edges.thin(soft, gray, sigma)
    lines = skimage.feature.canny(gray, sigma=meant)
    np.testing.assert_array_equal(thinned, soft * lines)


def test_probabilities_above_a_threshold_are_edges() -> None:
    levels = np.array([[0, 127, 128, 255]], np.uint8)
    assert edges.above(levels, 0) is levels
    np.testing.assert_array_equal(edges.above(levels, 0.5), np.uint8([[0, 0, 255, 255]]))
