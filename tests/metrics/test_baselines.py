import cv2
import numpy as np
import pytest

from edgeconnect_jax.metrics.baselines import BASELINES, mean_fill, navier_stokes, telea
from tests.synthetic import picture


@pytest.mark.parametrize("fill", [baseline.fill for baseline in BASELINES.values()])
def test_a_picture_without_known_pixels_is_refused(fill):
    image, _ = picture(3, 20, 24)
    with pytest.raises(ValueError, match="covers the whole picture"):
        fill(image, np.ones((20, 24), bool))


@pytest.mark.parametrize("fill", [baseline.fill for baseline in BASELINES.values()])
def test_known_pixels_stay(fill):
    image, mask = picture(3, 48, 64)
    filled = fill(image, mask)
    assert filled.dtype == np.uint8
    np.testing.assert_array_equal(filled[mask == 0], image[mask == 0])
    assert (filled[mask > 0] != image[mask > 0]).any()


def test_mean_fill_is_the_mean_of_the_known_pixels():
    image, mask = picture(4, 48, 64)
    np.testing.assert_array_equal(np.unique(mean_fill(image, mask)[mask > 0], axis=0), [
        np.rint(image[mask == 0].mean(axis=0))
    ])  # fmt: skip


@pytest.mark.parametrize(("fill", "method"), [(telea, cv2.INPAINT_TELEA), (navier_stokes, cv2.INPAINT_NS)])
def test_two_are_opencvs(fill, method):
    image, mask = picture(5, 48, 64)
    expected = cv2.inpaint(image, (mask > 0).astype(np.uint8), 3.0, method)
    np.testing.assert_array_equal(fill(image, mask)[mask > 0], expected[mask > 0])
