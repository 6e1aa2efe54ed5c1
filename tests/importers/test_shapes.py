"""Sizes told from state dicts."""

import json

import jax
import pytest

from benchmarks.parity.edgeconnect.reference_weights import SHAPES
from edgeconnect_jax.importers import shapes as sizes
from edgeconnect_jax.importers.layouts import ENTRIES, FILES, REPEAT
from tests.importers import originals

ORIGINAL = json.loads(SHAPES.read_text())


@pytest.mark.parametrize("network", FILES)
def test_shapes_are_the_originals_and_speak_for_its_sizes(network):
    shapes = {key: tuple(shape) for key, shape in ORIGINAL[FILES[network]].items()}
    assert sizes.infer(network, shapes) == sizes.ORIGINAL_SIZES[network]
    ours = sizes.tensor_shapes(network, sizes.ORIGINAL_SIZES[network])
    assert ours == {key: shapes[key] for key in shapes if network == "vgg19" or not key.startswith(REPEAT)}


@pytest.mark.parametrize("network", ENTRIES)
def test_the_table_has_every_variable(network):
    of = originals.sizes_of(network)
    assert len(jax.tree.leaves(sizes.variable_shapes(network, of))) == len(sizes.entries_of(network, of))


@pytest.mark.parametrize("network", originals.NETWORKS)
@pytest.mark.parametrize(("features", "residual_blocks"), [(4, 1), (6, 3), (1, 0)])
def test_other_sizes_are_told_too(network, features, residual_blocks):
    of = originals.sizes_of(network, features, residual_blocks)
    assert sizes.infer(network, sizes.tensor_shapes(network, of)) == of


@pytest.mark.parametrize("key", ["encoder.1.weight_orig", "encoder.4.weight_orig", "decoder.7.weight"])
def test_one_wrong_or_missing_kernel_does_not_change_them(key):
    shapes = sizes.tensor_shapes("edge_generator", originals.NARROW)
    assert sizes.infer("edge_generator", shapes | {key: (64, 64, 7, 7)}) == originals.NARROW
    del shapes[key]
    assert sizes.infer("edge_generator", shapes) == originals.NARROW


def test_nothing_to_go_by_is_the_originals_width():
    assert sizes.infer("inpaint_discriminator", {}) == {"features": 64}


def test_a_nonsensical_number_of_a_block_makes_no_table_without_end():
    assert sizes.count_residual_blocks({"middle.999999999.conv_block.1.weight_orig": ()}) == 1


def test_at_the_originals_width_its_number_of_blocks_is_expected():
    """A file without its last block would else be taken for a shallower network."""
    shapes = sizes.tensor_shapes("inpaint_generator", {"features": 64, "residual_blocks": 7})
    assert sizes.infer("inpaint_generator", shapes)["residual_blocks"] == 8
    assert sizes.infer("inpaint_generator", shapes, residual_blocks=7)["residual_blocks"] == 7
