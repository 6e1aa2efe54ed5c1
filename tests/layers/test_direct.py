import numpy as np
import pytest

from edgeconnect_jax.layers import cpu, direct


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
@pytest.mark.parametrize("written", [direct, cpu])
def test_convolve_is_the_definition(written, size, stride, padding, dilation, rng):
    x = rng.normal(size=(2, 11, 9, 3)).astype(np.float32)
    kernel = rng.normal(size=(size, size, 3, 4)).astype(np.float32)
    result = written.convolve(x, kernel, stride=stride, padding=padding, dilation=dilation)
    np.testing.assert_allclose(result, by_definition(x, kernel, stride, padding, dilation), rtol=1e-4, atol=1e-4)


def test_upsample_convolve_is_the_convolution_over_a_dilated_picture(rng):
    x = rng.normal(size=(2, 5, 6, 3)).astype(np.float32)
    kernel = rng.normal(size=(4, 4, 3, 2)).astype(np.float32)
    dilated = np.zeros((2, 9, 11, 3), np.float32)
    dilated[:, ::2, ::2] = x
    expected = by_definition(dilated, kernel, stride=1, padding=2, dilation=1)
    np.testing.assert_allclose(direct.upsample_convolve(x, kernel), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(cpu.upsample_convolve(x, kernel), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("size", "stride", "pads"), [(3, 1, (1, 1)), (5, 1, (2, 2)), (3, 2, (0, 1)), (5, 2, (1, 2))])
def test_depthwise_is_a_convolution_of_each_channel_padded_as_tensorflow_does(size, stride, pads, rng):
    """An even side is padded more at its end where the stride is 2; an odd one equally."""
    assert direct.same_padding(8, size, stride) == pads
    x = rng.normal(size=(2, 8, 11, 3)).astype(np.float32)
    kernel = rng.normal(size=(size, size, 1, 3)).astype(np.float32)
    padded = np.pad(x, ((0, 0), pads, direct.same_padding(11, size, stride), (0, 0)))
    expected = [by_definition(padded[..., [i]], kernel[..., [i]], stride, 0, 1) for i in range(3)]
    for written in (direct, cpu):
        result = written.depthwise(x, kernel, stride=stride)
        np.testing.assert_allclose(result, np.concatenate(expected, axis=-1), rtol=1e-4, atol=1e-4)
