"""The table of names and layouts, both ways."""

import json

import jax
import numpy as np
import pytest

from benchmarks.parity.edgeconnect.reference_weights import SHAPES
from edgeconnect_jax.importers.layouts import ENTRIES, FILES, REPEAT, to_state_dict, to_variables
from tests.importers import originals

ORIGINAL = json.loads(SHAPES.read_text())


@pytest.mark.parametrize("network", FILES)
def test_keys_are_the_originals_in_its_order(network):
    keys = [key for key in ORIGINAL[FILES[network]] if network == "vgg19" or not key.startswith(REPEAT)]
    assert list(ENTRIES[network]()) == keys


@pytest.mark.parametrize("network", originals.NETWORKS)
def test_there_and_back_changes_no_bit(network):
    tensors, entries = originals.state(network), ENTRIES[network]
    table = entries(residual_blocks=1) if network.endswith("generator") else entries()
    variables = to_variables(tensors, table)
    assert all(leaf.flags.c_contiguous for leaf in jax.tree.leaves(variables))
    again = to_state_dict(variables, table)
    assert list(again) == list(table)
    for key, array in again.items():
        assert array.flags.c_contiguous and array.dtype == np.float32 and array.tobytes() == tensors[key].tobytes(), key


def test_a_transposed_kernel_is_flipped_and_so_is_its_v():
    entries = ENTRIES["edge_generator"](residual_blocks=0)
    kernel, v = np.arange(2 * 3 * 4 * 4).reshape(2, 3, 4, 4), np.arange(2 * 4 * 4)
    ours = entries["decoder.0.weight_orig"].layout.to_ours(kernel)
    assert ours.shape == (4, 4, 2, 3) and ours[0, 1, 1, 2] == kernel[1, 2, 3, 2]
    ours = entries["decoder.0.weight_v"].layout.to_ours(v)
    assert ours.shape == (4, 4, 2) and ours[0, 1, 1] == v.reshape(2, 4, 4)[1, 3, 2]
