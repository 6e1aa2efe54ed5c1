import jax
import numpy as np
import pytest
from flax import linen as nn

from edgeconnect_jax.layers.pooling import halve_all_by_maximum, halve_by_maximum


@pytest.mark.parametrize("shape", [(2, 6, 8, 3), (1, 7, 5, 2)])
def test_is_xlas_maximum_with_its_gradient(shape, rng):
    # Few values, so that many are equal.
    x = rng.integers(0, 3, shape).astype(np.float32)
    expected, expected_back = jax.vjp(lambda x: nn.max_pool(x, (2, 2), strides=(2, 2)), x)
    result, back = jax.vjp(halve_by_maximum, x)
    np.testing.assert_array_equal(result, expected)
    weights = rng.random(result.shape, dtype=np.float32)
    np.testing.assert_array_equal(back(weights)[0], expected_back(weights)[0])


@pytest.mark.parametrize("shape", [(2, 6, 8, 3), (1, 7, 5, 2), (1, 1, 2, 1)])
def test_odd_sides_count_where_they_should(shape, rng):
    x = rng.standard_normal(shape).astype(np.float32)
    np.testing.assert_array_equal(halve_all_by_maximum(x), nn.max_pool(x, (2, 2), strides=(2, 2), padding="SAME"))
