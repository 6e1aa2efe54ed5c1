"""Tables of published weights and the networks that they are for."""

import jax
import pytest

from edgeconnect_jax.importers.layouts import twins
from edgeconnect_jax.importers.published import key_shapes
from edgeconnect_jax.models.network import variable_shapes
from tests.importers import originals


@pytest.mark.parametrize("network", originals.FORMATS)
def test_the_table_has_every_variable_once(network):
    of = originals.sizes_of(network)
    entries = originals.entries_of(network, of)
    wanted = jax.tree.leaves(variable_shapes(originals.ROWS[network], of))
    assert len(wanted) == len(entries) - len(twins(entries))
    assert list(key_shapes(entries, originals.ROWS[network], of)) == list(entries)
