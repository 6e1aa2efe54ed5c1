import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.layers.normalization import instance_norm


@pytest.mark.parametrize(("mean", "deviation"), [(0, 1), (100, 0.01)])
def test_normalises_each_channel_of_each_example(mean, deviation, rng):
    x = rng.normal(mean, deviation, size=(2, 16, 12, 3)).astype(np.float32)
    wide = x.astype(np.float64)
    variance = wide.var(axis=(1, 2), keepdims=True)
    expected = (wide - wide.mean(axis=(1, 2), keepdims=True)) / np.sqrt(variance + 1e-5)
    # At mean 100 a float32 mean is only known to about 1e-4, a hundredth of the deviation; E[x^2] - E[x]^2 would be off
    # by whole deviations.
    np.testing.assert_allclose(instance_norm(jnp.asarray(x)), expected, atol=2e-5 if mean == 0 else 2e-2)


def test_keeps_the_dtype_but_computes_in_float32(rng):
    x = jnp.asarray(rng.normal(50, 1, size=(1, 16, 16, 2)), jnp.bfloat16)
    result = instance_norm(x)
    assert result.dtype == jnp.bfloat16
    np.testing.assert_allclose(result.astype(jnp.float32), instance_norm(x.astype(jnp.float32)), atol=2e-2)
