import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.layers import convolution


def test_reflect_pad_mirrors_without_the_border():
    x = jnp.arange(4.0).reshape(1, 1, 4, 1) * jnp.ones((1, 4, 1, 1))
    padded = convolution.reflect_pad(x, 2)
    np.testing.assert_array_equal(padded[0, 0, :, 0], [2, 1, 0, 1, 2, 3, 2, 1])


@pytest.mark.parametrize("use_bias", [True, False])
def test_layers_start_as_the_original_does(use_bias):
    layer = convolution.Convolution(64, use_bias=use_bias)
    params = layer.init(jax.random.PRNGKey(0), jnp.zeros((1, 8, 8, 32)))["params"]
    assert ("bias" in params) == use_bias
    assert abs(float(params["kernel"].std()) - 0.02) < 1e-3
    assert not use_bias or not params["bias"].any()
