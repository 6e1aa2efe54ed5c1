import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.layers import direct, winograd
from edgeconnect_jax.layers.direct import DOUBLING, HALVING, Geometry

KINDS = [(3, Geometry()), (3, Geometry(padding=1)), (3, Geometry(dilation=2)), (4, HALVING), (4, DOUBLING)]


@pytest.mark.parametrize(("size", "geometry"), KINDS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 21, 14)])
def test_gives_what_the_direct_convolution_gives(size, geometry, shape, rng):
    x = rng.normal(size=(*shape, 24)).astype(np.float32)
    kernel = rng.normal(size=(size, size, 24, 5)).astype(np.float32)
    expected = np.asarray(direct.compute(x, kernel, geometry))
    result = jax.jit(lambda x, k: winograd.compute(x, winograd.transform(k, geometry), geometry))(x, kernel)
    np.testing.assert_allclose(result, expected, atol=1e-5 * np.abs(expected).max())


def test_is_exact_but_for_rounding(rng):
    """In float64 the transforms themselves are seen to be right."""
    with jax.enable_x64(True):
        x, kernel = rng.normal(size=(1, 10, 12, 3)), rng.normal(size=(3, 3, 3, 2))
        result = winograd.compute(x, winograd.transform(jnp.asarray(kernel), Geometry()), Geometry())
        np.testing.assert_allclose(result, direct.convolve(x, kernel), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("size", "geometry"), KINDS)
def test_supports_what_it_can_compute(size, geometry):
    assert winograd.supports(size, geometry)


@pytest.mark.parametrize(
    ("size", "geometry"),
    [(7, Geometry()), (1, Geometry()), (3, HALVING), (4, Geometry(padding=1)), (4, Geometry(stride=2, dilation=2))],
)
def test_supports_nothing_else(size, geometry):
    assert not winograd.supports(size, geometry)
