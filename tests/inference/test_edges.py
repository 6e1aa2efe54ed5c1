"""HED on pictures of any size, with random weights."""

import jax
import numpy as np
import pytest

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.importers.layouts import to_variables
from edgeconnect_jax.inference.edges import EdgeDetector
from edgeconnect_jax.models.hed import HED
from tests.importers.keras import hed_state
from tests.importers.originals import entries_of
from tests.synthetic import picture


@pytest.fixture(scope="module")
def variables():
    return to_variables(hed_state(), entries_of("hed", {}))


@pytest.fixture(scope="module")
def detector(variables):
    return EdgeDetector(checkpoints.Weights({"hed": variables}, {"hed": {}}))


def test_runs_the_network_and_crops(detector, variables):
    image, _ = picture(3, 32, 48)
    with jax.default_matmul_precision("highest"):
        whole = np.asarray(jax.jit(HED().apply)(variables, np.float32(image[None]) / 255))[0, ..., 0]
    np.testing.assert_allclose(detector(image), whole, atol=1e-5)
    assert whole.std() > 0.005
    odd = detector(image[:31, :33])  # extended by reflection, to the same program
    assert odd.shape == (31, 33) and odd.dtype == np.float32
    extended = np.pad(image[:31, :33], ((0, 1), (0, 15), (0, 0)), "reflect")
    np.testing.assert_array_equal(odd, detector(extended)[:31, :33])
    gray = image[..., :1]
    np.testing.assert_array_equal(detector(gray), detector(np.repeat(gray, 3, axis=-1)))
    deep = (image.astype(np.uint16) * 257).astype(np.uint16)
    np.testing.assert_allclose(detector(deep), detector(image), atol=1e-5)


def test_known_edges_do_not_see_what_the_hole_hides(detector, rng):
    image, mask = picture(5, 32, 48)
    hole = mask > 0
    known = detector.known(image, hole)
    other = image.copy()
    other[hole] = rng.integers(0, 256, (hole.sum(), 3))
    np.testing.assert_array_equal(detector.known(other, hole), known)
    assert not known[hole].any() and known[~hole].min() > 0
    np.testing.assert_array_equal(detector.known(image, np.zeros_like(hole)), detector(image))
    assert not detector.known(image, np.ones_like(hole)).any()
