import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.losses import perceptual
from edgeconnect_jax.models.backbones import BACKBONES


def features(rng, layers):
    return {name: jnp.asarray(rng.random((2, 4, 3, 5)), jnp.float32) for name in layers}


def test_gram_is_the_inner_product_of_the_channels(rng):
    x = rng.random((2, 4, 3, 5))
    flat = x.reshape(2, 12, 5)
    expected = np.stack([f.T @ f for f in flat]) / (5 * 12)
    np.testing.assert_allclose(perceptual.gram(jnp.asarray(x, jnp.float32)), expected, rtol=1e-5)


def test_style_and_content_sum_over_their_layers(rng):
    layers = (*perceptual.VGG19.content, *perceptual.VGG19.style)
    a, b = features(rng, layers), features(rng, layers)
    content = sum(np.abs(a[k] - b[k]).mean() for k in ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"))
    np.testing.assert_allclose(perceptual.content(a, b), content, rtol=1e-5)
    grams = [(perceptual.gram(a[k]), perceptual.gram(b[k])) for k in ("relu2_2", "relu3_4", "relu4_4", "relu5_2")]
    style = sum(np.abs(x - y).mean() for x, y in grams)
    np.testing.assert_allclose(perceptual.style(a, b), style, rtol=1e-5)
    assert perceptual.style(a, a) == perceptual.content(a, a) == 0


def test_layers_have_weights(rng):
    layers = perceptual.EFFICIENTNET_LITE0
    a, b = features(rng, layers.content), features(rng, layers.content)
    content = sum(w * np.abs(a[k] - b[k]).mean() for k, w in layers.content.items())
    np.testing.assert_allclose(perceptual.content(a, b, layers.content), content, rtol=1e-5)
    style = sum(w * np.abs(perceptual.gram(a[k]) - perceptual.gram(b[k])).mean() for k, w in layers.style.items())
    np.testing.assert_allclose(perceptual.style(a, b, layers.style), style, rtol=1e-5)


@pytest.mark.parametrize("name", perceptual.LAYERS)
def test_layers_are_maps_of_the_network_in_its_order(name):
    module, layers = BACKBONES[name].module, perceptual.LAYERS[name]
    for wanted in layers:
        last = [*wanted][-1]
        maps, _ = jax.eval_shape(module(last).init_with_output, jax.random.PRNGKey(0), jnp.zeros((1, 32, 32, 3)))
        assert wanted.keys() <= maps.keys()
