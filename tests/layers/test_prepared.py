import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.layers import algorithms, prepared
from edgeconnect_jax.layers.convolution import Convolution
from edgeconnect_jax.layers.initialization import initialize
from edgeconnect_jax.systems.edgeconnect.networks import EdgeGenerator, InpaintGenerator


def leaves(tree):
    return {jax.tree_util.keystr(path): leaf.shape for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


@pytest.fixture(params=[(EdgeGenerator, 3), (InpaintGenerator, 4)])
def network(request, rng):
    kind, channels = request.param
    module = kind(features=4, residual_blocks=2)
    x = jnp.asarray(rng.random((1, 20, 24, channels)), jnp.float32)
    variables = jax.tree.map(lambda leaf: 10 * leaf, initialize(module, rng, x))
    return module, variables, x


@pytest.mark.parametrize("direct_only", [False, True])
def test_a_prepared_network_gives_what_the_network_gives(network, direct_only, monkeypatch):
    module, variables, x = network
    monkeypatch.setattr(algorithms, "_is_wide", lambda *_: True)
    monkeypatch.setattr(algorithms, "_on_cpu", lambda: not direct_only)
    expected = jax.jit(module.apply)(variables, x)
    ready = jax.jit(lambda variables: prepared.prepare(module, variables, x[:, :16, :16]))(variables)
    transformed = any("(6, 6" in str(shape) or shape[-4:-2] == (6, 6) for shape in leaves(ready).values())
    assert transformed != direct_only
    np.testing.assert_allclose(jax.jit(module.apply)(ready, x), expected, atol=2e-5)


def test_a_prepared_network_holds_no_kernel_twice_and_no_singular_vectors(network):
    module, variables, x = network
    ready = jax.jit(lambda variables: prepared.prepare(module, variables, x))(variables)
    assert set(ready) == {"params", prepared.COLLECTION}
    assert all(path.endswith("['bias']") for path in leaves(ready["params"]))
    assert "block_1" in ready[prepared.COLLECTION]["body"]


def test_initialising_prepares_nothing():
    variables = Convolution(4).init(jax.random.PRNGKey(0), jnp.zeros((1, 8, 8, 3)))
    assert set(variables) == {"params"}
