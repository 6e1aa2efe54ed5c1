import numpy as np
import pytest

from configs import default
from edgeconnect_jax.tasks.optimizers import player


@pytest.fixture
def options():
    return default.get_config().optimizer


def rates(options, *steps):
    rate = player(options).learning_rate
    return [float(np.asarray(rate(step))) for step in steps]


def test_adam_follows_its_options(options):
    options.update(beta1=0.3, beta2=0.7, epsilon=1e-3)
    adam = player(options).optimizer
    gradients = [np.float32(2.0), np.float32(-1.0)]
    state, first, second = adam.init(gradients[0]), 0.0, 0.0
    for step, gradient in enumerate(gradients, start=1):
        direction, state = adam.update(gradient, state)
        first = 0.3 * first + 0.7 * gradient
        second = 0.7 * second + 0.3 * gradient**2
        expected = first / (1 - 0.3**step) / (np.sqrt(second / (1 - 0.7**step)) + 1e-3)
        assert direction == pytest.approx(expected, rel=1e-5)


def test_discriminators_have_a_rate_of_their_own_and_no_average(options):
    options.update(learning_rate=2e-4, d2g_ratio=0.5)
    generator, discriminator = player(options), player(options, discriminates=True)
    assert generator.learning_rate(7) == pytest.approx(2e-4) and generator.averaged
    assert discriminator.learning_rate(7) == pytest.approx(1e-4) and not discriminator.averaged


def test_learning_rate_by_steps(options):
    options.update(learning_rate=1.0, schedule="steps", boundaries=(10, 20), factor=0.1)
    assert rates(options, 0, 9, 15, 25) == pytest.approx([1, 1, 0.1, 0.01])


def test_learning_rate_that_falls_linearly(options):
    """As pix2pixHD's: constant, then down to 0 in equal steps."""
    options.update(learning_rate=2.0, schedule="linear", decay_start=10, decay_end=30)
    assert rates(options, 0, 10, 15, 20, 30, 40) == pytest.approx([2, 2, 1.5, 1, 0, 0])
