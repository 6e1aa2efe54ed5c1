import jax.numpy as jnp
import numpy as np
import pytest
import skimage.color

from edgeconnect_jax.layers import pixels


@pytest.fixture
def arrays(rng):
    image = rng.random((2, 6, 5, 3)).astype(np.float32)
    edge, mask = ((rng.random((2, 6, 5, 1)) > 0.5).astype(np.float32) for _ in range(2))
    return image, edge, mask


def test_uint8_becomes_fractions_of_255_and_floats_stay():
    np.testing.assert_allclose(pixels.to_float(jnp.asarray([0, 51, 255], jnp.uint8)), [0, 0.2, 1], rtol=1e-6)
    np.testing.assert_array_equal(pixels.to_float(jnp.asarray([0.3])), jnp.asarray([0.3]))
    assert pixels.to_float(jnp.arange(3)).dtype == jnp.int32


def test_gray_is_scikit_images(arrays):
    image = arrays[0]
    np.testing.assert_allclose(pixels.gray_of(image)[..., 0], skimage.color.rgb2gray(image), rtol=1e-5)


def test_composite_takes_the_hole_from_the_generated(arrays, rng):
    image, _, mask = arrays
    generated = rng.random(image.shape).astype(np.float32)
    np.testing.assert_array_equal(pixels.composite(generated, image, mask), np.where(mask, generated, image))
