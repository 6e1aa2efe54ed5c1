"""Networks run one after the other, each with the collections that its last pass left."""

import jax
import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.models.discriminators import PatchDiscriminator
from edgeconnect_jax.models.network import Network, takes
from edgeconnect_jax.tasks import passes
from edgeconnect_jax.tasks.passes import Passes

NETWORKS = {
    name: Network(PatchDiscriminator, takes(3), sizes=("features",), options=("dtype",)) for name in ("one", "other")
}
OPTIONS = {"features": 2, "dtype": "float32"}


def test_each_network_has_draws_of_its_own():
    variables = passes.init(NETWORKS, OPTIONS, jax.random.PRNGKey(0))
    assert passes.architecture(NETWORKS, OPTIONS) == {"one": {"features": 2}, "other": {"features": 2}}
    one, other = (variables.params[name]["conv_0"]["kernel"] for name in NETWORKS)
    assert one.shape == (4, 4, 3, 2) and np.abs(one - other).max() > 0
    again = passes.init({"one": NETWORKS["one"]}, OPTIONS, jax.random.PRNGKey(0))
    np.testing.assert_array_equal(again.params["one"]["conv_0"]["kernel"], one)


def test_collections_are_handed_on_and_constants_get_no_gradient():
    modules = passes.build(NETWORKS, OPTIONS)
    variables = passes.init(NETWORKS, OPTIONS, jax.random.PRNGKey(0))
    x = jnp.ones((1, 32, 32, 3))

    def loss(params, constant):
        run = Passes(modules, variables._replace(params=params))
        run("one", x)
        return run("one", x, constant=constant).logits.sum() + run("other", x).logits.sum(), run.collections

    gradients, collections = jax.grad(loss, has_aux=True)(variables.params, True)
    assert all(not x.any() for x in jax.tree.leaves(gradients["one"]))
    assert any(x.any() for x in jax.tree.leaves(gradients["other"]))
    vectors = {name: collections[name]["spectral"]["conv_1"]["norm"]["u"] for name in NETWORKS}
    before = variables.collections["one"]["spectral"]["conv_1"]["norm"]["u"]
    _, once = modules["one"].apply(variables.of("one"), x, train=True, mutable=["spectral"])
    assert np.abs(vectors["one"] - before).max() > 0
    assert np.abs(vectors["one"] - once["spectral"]["conv_1"]["norm"]["u"]).max() > 0  # it has run twice
    assert variables.collections["one"]["spectral"]["conv_1"]["norm"]["u"] is before
