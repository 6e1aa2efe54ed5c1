import jax
import numpy as np
import pytest

from edgeconnect_jax.layers import direct


def by_definition(x, kernel, stride, padding, dilation):
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
    result = direct.convolve(x, kernel, stride=stride, padding=padding, dilation=dilation)
    np.testing.assert_allclose(result, by_definition(x, kernel, stride, padding, dilation), rtol=1e-4, atol=1e-4)


def test_upsample_convolve_is_the_convolution_over_a_dilated_picture(rng):
    x = rng.normal(size=(2, 5, 6, 3)).astype(np.float32)
    kernel = rng.normal(size=(4, 4, 3, 2)).astype(np.float32)
    dilated = jax.lax.conv_general_dilated(
        x, kernel, (1, 1), ((2, 2), (2, 2)), lhs_dilation=(2, 2), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    np.testing.assert_allclose(direct.upsample_convolve(x, kernel), dilated, rtol=1e-5, atol=1e-5)
