import numpy as np
import pytest

from edgeconnect_jax.layers.spectral_norm import iterate_tree
from edgeconnect_jax.models.discriminators import PatchDiscriminator
from edgeconnect_jax.models.network import Network, random_variables, takes
from edgeconnect_jax.tasks.task import Phase
from edgeconnect_jax.training.state import merge, partition, update_average


@pytest.fixture
def params():
    return {"a": {"kernel": np.ones(2), "bias": np.zeros(2)}, "b": {"kernel": np.full(3, 2.0)}}


def test_partition_and_merge_are_inverse(params):
    phase = Phase((), trainable=lambda player, path: player == "g" and path[-1] == "kernel")
    trained, fixed = partition(params, "g", phase)
    assert trained == {"a": {"kernel": params["a"]["kernel"]}, "b": params["b"]}
    assert set(fixed) == {"a"} and set(fixed["a"]) == {"bias"}
    assert merge(trained, fixed) == params
    assert partition(params, "other", phase)[0] == {}


def test_without_a_choice_everything_is_trained(params):
    assert partition(params, "g", Phase(())) == (params, {})


def test_averages_iterate_their_own_vectors_and_take_other_collections_as_they_are():
    """A norm's statistics have no kernels whose vectors could be iterated, and are averages already."""
    row = Network(lambda: PatchDiscriminator(features=2), takes(3))
    average, newest = random_variables(row), random_variables(row, seed=1)
    old, new = ({"batch_stats": {"norm": {"mean": np.full(2, value)}}} for value in (0.0, 1.0))
    updated = update_average(
        {"params": {"net": average["params"]}, "collections": {"net": {"spectral": average["spectral"], **old}}},
        {"net": newest["params"], "other": {}},
        {"net": {"spectral": newest["spectral"], **new}, "other": {}},
        decay=0.75,
    )
    moved = updated["params"]["net"]["conv_1"]["kernel"]
    old_kernel, new_kernel = (variables["params"]["conv_1"]["kernel"] for variables in (average, newest))
    np.testing.assert_allclose(moved, 0.75 * old_kernel + 0.25 * new_kernel, rtol=1e-5, atol=1e-8)
    collections = updated["collections"]["net"]
    assert set(updated["collections"]) == {"net"}
    assert collections["batch_stats"]["norm"]["mean"].tolist() == [1.0, 1.0]
    expected = iterate_tree(updated["params"]["net"], average["spectral"])
    np.testing.assert_allclose(
        collections["spectral"]["conv_1"]["norm"]["u"], expected["conv_1"]["norm"]["u"], rtol=1e-5
    )
