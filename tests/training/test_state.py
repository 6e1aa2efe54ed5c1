import numpy as np
import pytest

from edgeconnect_jax.tasks.task import Phase
from edgeconnect_jax.training.state import merge, partition


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
