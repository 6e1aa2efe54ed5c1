"""Rows of networks: what is built, drawn and known of shapes from one of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.layers.initialization import he_normal, normal
from edgeconnect_jax.models import network
from edgeconnect_jax.models.backbones import BACKBONES
from edgeconnect_jax.models.discriminators import PatchDiscriminator
from edgeconnect_jax.models.network import Network, takes

OPTIONS = {"features": 4, "dtype": "bfloat16", "other": 1}
ROW = Network(PatchDiscriminator, lambda sizes: (2 * sizes["features"],), sizes=("features",), options=("dtype",))


def test_a_checkpoint_keeps_sizes_and_not_options():
    assert network.sizes_of(ROW, OPTIONS) == {"features": 4}
    module = network.build(ROW, OPTIONS)
    assert (module.features, module.dtype) == (4, jnp.bfloat16)


def test_shapes_are_those_of_fresh_variables():
    fresh = network.fresh_variables(ROW, {"features": 4}, np.random.default_rng(0))
    shapes = network.variable_shapes(ROW, {"features": 4})
    assert jax.tree.map(lambda x: (x.shape, x.dtype), fresh) == jax.tree.map(lambda x: (x.shape, x.dtype), shapes)
    assert fresh["params"]["conv_0"]["kernel"].shape == (4, 4, 8, 4)


@pytest.mark.parametrize("kernel, deviation", [(normal, 0.02), (he_normal, np.sqrt(2 / (16 * 64)))])
def test_kernels_are_drawn_as_the_row_says(kernel, deviation):
    drawn = network.random_variables(Network(PatchDiscriminator, takes(3), kernel=kernel))
    np.testing.assert_allclose(drawn["params"]["conv_1"]["kernel"].std(), deviation, rtol=0.05)


@pytest.mark.parametrize("name", BACKBONES)
def test_backbones_take_the_smallest_picture_they_name(name):
    row = BACKBONES[name]
    assert network.example_inputs(row, {})[0].shape == (1, row.side, row.side, 3)
    assert network.variable_shapes(row, {})["params"]
