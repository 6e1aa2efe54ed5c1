import cv2
import numpy as np
import pytest

from edgeconnect_jax.metrics.baselines import BASELINES, mean_fill, telea
from tests.synthetic import picture


@pytest.mark.parametrize("fill", BASELINES.values())
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


def test_telea_is_opencvs():
    image, mask = picture(5, 48, 64)
    expected = cv2.inpaint(image, (mask > 0).astype(np.uint8), 3.0, cv2.INPAINT_TELEA)
    np.testing.assert_array_equal(telea(image, mask)[mask > 0], expected[mask > 0])
