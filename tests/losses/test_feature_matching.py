import jax
import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.losses.feature_matching import feature_matching


def test_sums_the_mean_distances_of_the_layers(rng):
    fake, real = ([jnp.asarray(rng.random((2, n, n, 3)), jnp.float32) for n in (8, 4)] for _ in range(2))
    expected = sum(np.abs(np.asarray(f, np.float64) - np.asarray(r)).mean() for f, r in zip(fake, real, strict=True))
    np.testing.assert_allclose(feature_matching(fake, real), expected, rtol=1e-6)
    to_fake, to_real = jax.grad(feature_matching, argnums=(0, 1))(fake, real)
    assert all(np.abs(g).max() > 0 for g in to_fake)
    assert not any(np.abs(g).max() for g in to_real)
