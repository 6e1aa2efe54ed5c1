import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.losses.adversarial import adversarial


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# (real, fake, generator) of logits, by their formulas in float64.
FORMULAS = {
    "nsgan": (
        lambda x: -np.log(sigmoid(x)).mean(),
        lambda x: -np.log(1 - sigmoid(x)).mean(),
        lambda x: -np.log(sigmoid(x)).mean(),
    ),
    "lsgan": (
        lambda x: ((sigmoid(x) - 1) ** 2).mean(),
        lambda x: (sigmoid(x) ** 2).mean(),
        lambda x: ((sigmoid(x) - 1) ** 2).mean(),
    ),
    "hinge": (
        lambda x: np.maximum(0, 1 - x).mean(),
        lambda x: np.maximum(0, 1 + x).mean(),
        lambda x: -x.mean(),
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_equals_the_formula(name, rng):
    logits = rng.normal(0, 3, size=(2, 6, 6, 1))
    for ours, formula in zip(adversarial(name), FORMULAS[name], strict=True):
        np.testing.assert_allclose(ours(jnp.asarray(logits, jnp.float32)), formula(logits), rtol=1e-5)


@pytest.mark.oracles
def test_nsgan_is_torchs_clamped_cross_entropy_and_keeps_its_gradient(rng):
    torch = pytest.importorskip("torch")
    logits = np.array([-150.0, -30.0, -2.0, 0.0, 5.0, 15.0], np.float32)
    probability = torch.sigmoid(torch.from_numpy(logits).double())
    loss = adversarial("nsgan")
    for ours, target in ((loss.real, torch.ones(6)), (loss.fake, torch.zeros(6))):
        theirs = torch.nn.functional.binary_cross_entropy(probability, target.double())
        np.testing.assert_allclose(ours(jnp.asarray(logits)), theirs.numpy(), rtol=1e-5)
    # A float32 sigmoid of 40 is 1, where the gradient of log(1 - sigmoid) is lost.
    assert jax.grad(loss.fake)(jnp.asarray([40.0]))[0] == pytest.approx(1.0)


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="nsgan, lsgan, hinge"):
        adversarial("wgan")
