"""What is read without Orbax is what Orbax reads."""

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest

from edgeconnect_jax.checkpoints import stored_arrays
from edgeconnect_jax.checkpoints import weights as checkpoints
from tests.checkpoints.test_folders import forget_checksums
from tests.systems.edgeconnect.weights import weights, write_checkpoint


@pytest.fixture
def item(tmp_path):
    checkpoint = checkpoints.find(write_checkpoint(tmp_path))
    forget_checksums(checkpoint)  # they would find all damage before it is met
    return checkpoint / checkpoints.VARIABLES


def test_the_arrays_are_those_of_orbax(item, monkeypatch):
    ours = stored_arrays.read_tree(item)
    jax.tree.map(np.testing.assert_array_equal, ours, weights().networks)
    monkeypatch.setattr(stored_arrays, "read_tree", lambda item: None)
    theirs = checkpoints.read_arrays(item)
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_array_equal(a, b)
        assert type(a) is type(b) is np.ndarray and a.dtype == b.dtype


def test_trees_with_lists_are_left_to_orbax(tmp_path):
    tree = {"a": [np.arange(3), np.float32(2) * np.ones(2)], "b": {"step": np.zeros((), np.int32)}}
    with ocp.StandardCheckpointer() as writer:
        writer.save(tmp_path / "item", tree)
    assert stored_arrays.read_tree(tmp_path / "item") is None
    read = checkpoints.read_arrays(tmp_path / "item")
    np.testing.assert_array_equal(read["a"][0], np.arange(3))


def test_damage_is_named(item):
    for path in item.rglob("d/*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match="variables: a damaged checkpoint"):
        checkpoints.read_arrays(item)


def test_a_missing_part_is_named(item):
    for path in item.rglob("d/*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(ValueError, match="variables: a damaged checkpoint"):
        checkpoints.read_arrays(item)


@pytest.mark.parametrize("content", [b'{"format"', b"[]", b"\xff", b'{"format": 1}', None])
def test_damaged_meta_is_named(item, content):
    replace(item.parent / "meta/metadata", content)
    with pytest.raises(ValueError, match="metadata: a damaged checkpoint"):
        checkpoints.load_weights(item.parent)


FOREIGN = [
    b"{}",
    b'{"tree_metadata": {}}',
    b'{"tree_metadata": []}',
    b'{"tree_metadata": {"x": {}}, "use_ocdbt": true}',
]


@pytest.mark.parametrize("content", [*FOREIGN, b"[]", b"\xff", b"{", None])
def test_damaged_metadata_of_arrays_is_named(item, content):
    replace(item / "_METADATA", content)
    with pytest.raises(ValueError, match="_METADATA: a damaged checkpoint"):
        checkpoints.load_weights(item.parent)


def replace(path, content):
    """Overwrites a file, or removes it for None."""
    path.unlink()
    if content is not None:
        path.write_bytes(content)
