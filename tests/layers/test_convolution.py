import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.layers import convolution


def direct(x, kernel, stride, padding, dilation):
    """Cross-correlation by its definition, in float64."""
    x = np.pad(x.astype(np.float64), ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    size = kernel.shape[0]
    reach = dilation * (size - 1) + 1
    rows, columns = ((n - reach) // stride + 1 for n in x.shape[1:3])
    out = np.zeros((len(x), rows, columns, kernel.shape[-1]))
    for i in range(rows):
        for j in range(columns):
            window = x[:, i * stride : i * stride + reach : dilation, j * stride : j * stride + reach : dilation]
            out[:, i, j] = np.einsum("bhwi,hwio->bo", window, kernel)
    return out


@pytest.mark.parametrize(
    ("size", "stride", "padding", "dilation"),
    [(7, 1, 0, 1), (4, 2, 1, 1), (3, 1, 0, 2), (3, 1, 1, 1), (4, 1, 1, 1)],
)
def test_convolve_is_the_definition(size, stride, padding, dilation, rng):
    x = rng.normal(size=(2, 11, 9, 3)).astype(np.float32)
    kernel = rng.normal(size=(size, size, 3, 4)).astype(np.float32)
    result = convolution.convolve(x, kernel, stride=stride, padding=padding, dilation=dilation)
    np.testing.assert_allclose(result, direct(x, kernel, stride, padding, dilation), rtol=1e-4, atol=1e-4)


def test_upsample_convolve_is_the_convolution_over_a_dilated_picture(rng):
    x = rng.normal(size=(2, 5, 6, 3)).astype(np.float32)
    kernel = rng.normal(size=(4, 4, 3, 2)).astype(np.float32)
    dilated = jax.lax.conv_general_dilated(
        x, kernel, (1, 1), ((2, 2), (2, 2)), lhs_dilation=(2, 2), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    np.testing.assert_allclose(convolution.upsample_convolve(x, kernel), dilated, rtol=1e-5, atol=1e-5)


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
