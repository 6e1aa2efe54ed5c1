import jax
import numpy as np
import pytest

from edgeconnect_jax.layers import algorithms, direct, gradients
from edgeconnect_jax.layers.direct import DOUBLING, HALVING, Geometry

KINDS = [
    (3, Geometry()),
    (3, Geometry(dilation=2)),
    (3, Geometry(padding=1)),
    (3, Geometry(padding=3)),
    (7, Geometry()),
    (4, Geometry(padding=1)),
    (4, HALVING),
    (4, DOUBLING),
]


def gradients_of(compute, x, kernel):
    def run(x, kernel):
        y, back = jax.vjp(compute, x, kernel)
        return (y, *back(np.cos(np.arange(y.size, dtype=np.float32)).reshape(y.shape)))

    return jax.jit(run)(x, kernel)


@pytest.mark.parametrize(("size", "geometry"), KINDS)
@pytest.mark.parametrize("wide", [False, True])
def test_gradients_are_those_of_the_direct_convolution(size, geometry, wide, rng, monkeypatch):
    monkeypatch.setattr(algorithms, "_pays_in_training", lambda *_: wide)
    x = rng.normal(size=(2, 12, 18, 6)).astype(np.float32)
    kernel = rng.normal(size=(size, size, 6, 5)).astype(np.float32)
    expected = gradients_of(lambda x, kernel: direct.compute(x, kernel, geometry), x, kernel)
    compute = algorithms.for_training(x.shape, kernel.shape, x.dtype, geometry)
    result = gradients_of(compute, x, kernel)
    for a, b in zip(result, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5 * np.abs(b).max())


@pytest.mark.parametrize(("size", "geometry"), [(4, HALVING), (3, Geometry(dilation=2))])
@pytest.mark.parametrize("wide", [False, True])
def test_a_gradient_can_be_differentiated_again(size, geometry, wide, rng, monkeypatch):
    """As a gradient penalty does."""
    monkeypatch.setattr(algorithms, "_pays_in_training", lambda *_: wide)
    x = rng.normal(size=(2, 10, 14, 3)).astype(np.float32)
    kernel = rng.normal(size=(size, size, 3, 2)).astype(np.float32)

    def penalty(compute):
        def norm(kernel):
            return (jax.grad(lambda x: (compute(x, kernel) ** 3).sum())(x) ** 2).sum()

        return jax.jit(jax.grad(norm))(kernel)

    expected = penalty(lambda x, kernel: direct.compute(x, kernel, geometry))
    result = penalty(algorithms.for_training(x.shape, kernel.shape, x.dtype, geometry))
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("x", "size", "geometry"),
    [((1, 9, 8, 3), 4, HALVING), ((1, 8, 8, 3), 3, HALVING), ((1, 8, 8, 3), 11, Geometry(stride=4, padding=2))],
)
def test_others_are_left_to_autodiff(x, size, geometry):
    assert not gradients.supports(x, size, geometry)
