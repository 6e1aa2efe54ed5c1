import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.losses.cross_entropy import line_cross_entropy

WEIGHTS = {"inside": 2.0, "outside": 0.25, "positive": 3.0}


def test_it_is_the_weighted_mean_over_pixels(rng):
    output, truth, mask = rng.random((3, 2, 5, 7, 1))
    truth, mask = truth > 0.7, mask > 0.4
    total = 0.0
    for place in np.ndindex(output.shape):
        weight = (2.0 if mask[place] else 0.25) * (3.0 if truth[place] else 1.0)
        total -= weight * np.log(output[place] if truth[place] else 1 - output[place])
    arrays = [jnp.asarray(array, jnp.float32) for array in (output, truth, mask)]
    assert float(line_cross_entropy(*arrays, **WEIGHTS)) == pytest.approx(total / output.size, rel=1e-5)


def test_certainty_has_finite_losses_and_gradients():
    output = jnp.array([0.0, 1.0, 0.0, 1.0]).reshape(1, 2, 2, 1)
    truth = jnp.array([0.0, 1.0, 1.0, 0.0]).reshape(1, 2, 2, 1)
    loss, gradient = jax.value_and_grad(line_cross_entropy)(output, truth, jnp.ones_like(truth), **WEIGHTS)
    assert np.isfinite(loss) and loss > 10 and np.isfinite(gradient).all()
    assert line_cross_entropy(truth, truth, jnp.ones_like(truth), **WEIGHTS) < 1e-5
