import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from edgeconnect_jax.layers.initialization import he_normal, initialize
from edgeconnect_jax.models.discriminators import PatchDiscriminator
from edgeconnect_jax.systems.edgeconnect.networks import EdgeGenerator


def test_draws_what_flax_would_draw():
    module, x = EdgeGenerator(features=16, residual_blocks=1), jnp.zeros((1, 16, 16, 3))
    ours = initialize(module, np.random.default_rng(0), x)
    theirs = module.init(jax.random.PRNGKey(0), x)
    assert jax.tree.map(lambda a: (a.shape, a.dtype), ours) == jax.tree.map(lambda a: (a.shape, a.dtype), theirs)

    ours, theirs = traverse_util.flatten_dict(ours), traverse_util.flatten_dict(theirs)
    for path, expected in theirs.items():
        mean, deviation, size = float(expected.mean()), float(expected.std()), expected.size
        assert abs(ours[path].mean() - mean) <= 8 * deviation / np.sqrt(size)
        assert abs(ours[path].std() - deviation) <= 8 * deviation / np.sqrt(size)


def test_singular_vectors_have_unit_length_and_seeds_differ():
    module, x = PatchDiscriminator(features=4), jnp.zeros((1, 32, 32, 2))
    first, second = (initialize(module, np.random.default_rng(seed), x) for seed in (0, 1))
    for layer in first["spectral"].values():
        np.testing.assert_allclose([np.linalg.norm(layer["norm"][k]) for k in "uv"], 1, rtol=1e-6)
    assert not np.allclose(first["params"]["conv_0"]["kernel"], second["params"]["conv_0"]["kernel"])


def test_he_normal_keeps_the_variance_through_a_relu(rng):
    kernel = he_normal(rng, (3, 3, 64, 64))
    x = rng.standard_normal((2000, 3, 3, 64))
    assert abs(np.mean(np.maximum(np.einsum("bhwi,hwio->bo", x, kernel), 0) ** 2) - 1) < 0.1
