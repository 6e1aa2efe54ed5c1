import jax
import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.models.discriminators import PatchDiscriminator


def test_layers_are_the_originals(rng):
    network = PatchDiscriminator(features=4)
    x = jnp.asarray(rng.random((2, 64, 64, 3)), jnp.float32)
    variables = network.init(jax.random.PRNGKey(0), x)
    judgement = network.apply(variables, x)
    assert [f.shape[1:] for f in judgement.features] == [
        (32, 32, 4), (16, 16, 8), (8, 8, 16), (7, 7, 32), (6, 6, 1)
    ]  # fmt: skip
    np.testing.assert_array_equal(judgement.features[-1], judgement.logits)
    assert set(variables["spectral"]) == set(variables["params"])
    assert all(set(layer) == {"kernel"} for layer in variables["params"].values())


def test_the_first_map_is_leaky(rng):
    network = PatchDiscriminator(features=4)
    x = jnp.asarray(rng.normal(size=(1, 32, 32, 2)), jnp.float32)
    variables = network.init(jax.random.PRNGKey(0), x)
    first = network.apply(variables, x).features[0]
    negated = network.apply(variables, -x).features[0]
    # LeakyReLU(-z) is -0.2 z where z > 0, and the layer has no bias.
    np.testing.assert_allclose(negated, jnp.where(first > 0, -0.2 * first, -first / 0.2), rtol=1e-4, atol=1e-6)


def test_one_judgement_sees_70_pixels(rng):
    network = PatchDiscriminator(features=2)
    x = jnp.asarray(rng.random((1, 128, 128, 1)), jnp.float32)
    variables = network.init(jax.random.PRNGKey(0), x)
    sensitivity = jax.grad(lambda x: network.apply(variables, x).logits[0, 7, 7, 0])(x)[0, :, :, 0]
    rows = np.flatnonzero(np.abs(sensitivity).sum(axis=1))
    assert rows[-1] - rows[0] + 1 == 70
