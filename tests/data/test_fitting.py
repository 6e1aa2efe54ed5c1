"""Cropping and resizing of pictures and of the maps that belong to them."""

import numpy as np
import pytest
from PIL import Image

from edgeconnect_jax.data import fitting
from edgeconnect_jax.data.fitting import Fit
from tests.synthetic import picture

CENTER, RANDOM, OWN = Fit(24, "center"), Fit(24, "random", short_side=30), Fit(0, "center", multiple=8, smallest=16)


def _ids(height: int, width: int) -> np.ndarray:
    """Every pixel another id, most of them beyond what float32 and uint16 hold."""
    return (np.arange(height * width, dtype=np.int32) * 100_003).reshape(height, width, 1)


@pytest.mark.parametrize(
    ("fit", "size"), [(CENTER, (24, 24)), (RANDOM, (30, 38)), (Fit(24, "random"), (40, 51)), (OWN, (40, 48))]
)
def test_maps_of_any_size_and_kind_come_to_the_size_of_their_picture(fit: Fit, size: tuple[int, int]) -> None:
    image, hole = picture(0, 40, 51)
    fitted = fitting.fit_picture(image, fit, "a")
    assert fitted.shape == (*size, 3)
    for array in (hole, _ids(40, 51), _ids(83, 60)):
        found = fitting.fit_map(array, fit, image, fitted, square=True)
        assert found.shape[:2] == size and found.dtype == array.dtype


def test_ids_are_resized_to_the_nearest_as_pillow_does() -> None:
    ids = _ids(20, 33)
    for height, width in ((7, 11), (20, 33), (41, 50), (1, 1)):
        found = fitting.resize(ids, height, width)
        wanted = Image.fromarray(ids[..., 0]).resize((width, height), Image.Resampling.NEAREST)
        assert found.dtype == np.int32
        np.testing.assert_array_equal(found[..., 0], np.array(wanted))
        assert set(found.flat) <= set(ids.flat)
        np.testing.assert_array_equal(fitting.resize(ids.repeat(2, -1), height, width)[..., 1], found[..., 0])


def test_a_cropped_picture_and_its_ids_are_cropped_alike() -> None:
    image, ids = picture(0, 24, 40)[0], _ids(24, 40)
    fitted = fitting.fit_picture(image, CENTER, "a")
    np.testing.assert_array_equal(fitted, image[:, 8:32])
    np.testing.assert_array_equal(fitting.fit_map(ids, CENTER, image, fitted, square=True), ids[:, 8:32])
    whole = fitting.fit_map(ids, CENTER, image, fitted, square=False)
    assert whole[0, 0] == ids[0, 0] and whole[-1, -1] == ids[-1, -1]


def test_maps_of_a_picture_that_keeps_its_size_are_cut_like_it() -> None:
    image, ids = picture(0, 21, 35)[0], _ids(21, 35)
    fitted = fitting.fit_picture(image, OWN, "a")
    np.testing.assert_array_equal(fitted, image[:16, :32])
    np.testing.assert_array_equal(fitting.fit_map(ids, OWN, image, fitted, square=True), ids[:16, :32])


def test_what_is_too_small() -> None:
    own = OWN._replace(reason="the network")
    assert fitting.size_problem((15, 90), "a", own).startswith("a: 90 x 15 pixels is too small for the network with")
    assert fitting.size_problem((23, 90), "a", Fit(24, "random")).startswith(
        "a: 90 x 23 pixels is too small for a crop"
    )
    for fit in (CENTER, RANDOM):
        assert fitting.enlarges(fit) and not fitting.size_problem((3, 3), "a", fit)
    assert not fitting.enlarges(own) and not fitting.enlarges(Fit(24, "random"))
    with pytest.raises(ValueError, match="a: 90 x 15 pixels"):
        fitting.fit_picture(np.zeros((15, 90, 3), np.uint8), own, "a")
