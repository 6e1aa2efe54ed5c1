"""The original's tables: names, sizes and shapes."""

import json

import jax
import numpy as np
import pytest

from benchmarks.parity.edgeconnect.reference_weights import SHAPES
from edgeconnect_jax.importers.layouts import to_state_dict, to_variables
from edgeconnect_jax.systems.edgeconnect import importer
from edgeconnect_jax.systems.edgeconnect.importer import FILES, ORIGINAL, ORIGINAL_SIZES, infer_sizes
from edgeconnect_jax.systems.edgeconnect.networks import NETWORKS
from tests.importers import originals

SHAPES_THERE = json.loads(SHAPES.read_text())


def test_every_network_has_a_file_and_sizes():
    assert NETWORKS.keys() == FILES.keys() == ORIGINAL_SIZES.keys() == ORIGINAL.files.keys()
    for name, network in NETWORKS.items():
        assert set(network.sizes) == set(ORIGINAL_SIZES[name])


@pytest.mark.parametrize("network", FILES)
def test_keys_and_shapes_are_the_originals_in_its_order(network):
    shapes = {key: tuple(shape) for key, shape in SHAPES_THERE[FILES[network]].items()}
    sizes = infer_sizes(network, shapes)
    assert sizes == ORIGINAL_SIZES[network]
    assert list(importer.entries(network, sizes)) == list(shapes)
    ours = originals.tensor_shapes(network, sizes)
    assert ours == {key: shape for key, shape in shapes.items() if not key.startswith("features.0.")}


@pytest.mark.parametrize("network", FILES)
def test_there_and_back_changes_no_bit(network):
    tensors, entries = originals.state(network), importer.entries(network, originals.sizes_of(network))
    variables = to_variables(tensors, entries)
    assert all(leaf.flags.c_contiguous for leaf in jax.tree.leaves(variables))
    again = to_state_dict(variables, entries)
    assert list(again) == list(entries) == list(tensors)
    for key, array in again.items():
        assert array.flags.c_contiguous and array.dtype == np.float32 and array.tobytes() == tensors[key].tobytes(), key


@pytest.mark.parametrize("network", FILES)
@pytest.mark.parametrize(("features", "residual_blocks"), [(4, 1), (6, 3), (1, 0)])
def test_other_sizes_are_inferred_too(network, features, residual_blocks):
    of = originals.sizes_of(network, features, residual_blocks)
    assert infer_sizes(network, originals.tensor_shapes(network, of)) == of


@pytest.mark.parametrize("key", ["encoder.1.weight_orig", "encoder.4.weight_orig", "decoder.7.weight"])
def test_one_wrong_or_missing_kernel_does_not_change_them(key):
    shapes = originals.tensor_shapes("edge_generator", originals.NARROW)
    assert infer_sizes("edge_generator", shapes | {key: (64, 64, 7, 7)}) == originals.NARROW
    del shapes[key]
    assert infer_sizes("edge_generator", shapes) == originals.NARROW


def test_the_originals_width_where_nothing_can_be_inferred():
    assert infer_sizes("inpaint_discriminator", {}) == {"features": 64}


def test_an_absurd_number_of_a_block_does_not_make_an_endless_table():
    assert importer.count_residual_blocks({"middle.999999999.conv_block.1.weight_orig": ()}) == 1


def test_at_the_originals_width_its_number_of_blocks_is_expected():
    """A file without its last block would otherwise be taken for a shallower network."""
    shapes = originals.tensor_shapes("inpaint_generator", {"features": 64, "residual_blocks": 7})
    assert infer_sizes("inpaint_generator", shapes)["residual_blocks"] == 8
    assert infer_sizes("inpaint_generator", shapes, residual_blocks=7)["residual_blocks"] == 7
