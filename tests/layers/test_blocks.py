import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.layers.initialization import initialize
from edgeconnect_jax.systems.edgeconnect.networks import EdgeGenerator


def trained(module, variables, x):
    """The output, the new singular vectors and the gradients."""

    def loss(params):
        y, changed = module.apply({**variables, "params": params}, x, train=True, mutable=["spectral"])
        return jnp.sum(y**2), (y, changed)

    gradients, (y, changed) = jax.jit(jax.grad(loss, has_aux=True))(variables["params"])
    return {"y": y, "changed": changed, "gradients": gradients}


@pytest.fixture
def network(rng):
    module = EdgeGenerator(features=4, residual_blocks=2)
    x = jnp.asarray(rng.random((2, 16, 20, 3)), jnp.float32)
    return module, jax.tree.map(lambda leaf: 10 * leaf, initialize(module, rng, x)), x


def test_remat_changes_no_result(network):
    module, variables, x = network
    expected, result = trained(module, variables, x), trained(module.clone(remat=True), variables, x)
    assert jax.tree.structure(result) == jax.tree.structure(expected)
    for name, tree in expected.items():
        # Of the largest: biases before a normalisation have gradients of nothing but rounding.
        tolerance = 1e-5 * max(np.abs(leaf).max() for leaf in jax.tree.leaves(tree))
        jax.tree.map(lambda a, b, t=tolerance: np.testing.assert_allclose(a, b, atol=t), result[name], tree)


def test_remat_keeps_less():
    x = jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32)

    def kept(remat):
        module = EdgeGenerator(features=4, residual_blocks=6, remat=remat)
        variables = jax.eval_shape(module.init, jax.random.PRNGKey(0), x)
        program = jax.jit(lambda variables, x: trained(module, variables, x)).lower(variables, x)
        return program.compile().memory_analysis().temp_size_in_bytes

    assert kept(True) < 0.8 * kept(False)


def test_a_network_without_blocks(rng):
    module = EdgeGenerator(features=4, residual_blocks=0)
    x = jnp.zeros((1, 16, 16, 3))
    assert module.apply(initialize(module, rng, x), x).shape == (1, 16, 16, 1)
