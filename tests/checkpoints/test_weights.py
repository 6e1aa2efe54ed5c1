"""Arrays are read as they were written, and damage is named."""

import sys
import time

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.checkpoints.folders import CorruptedError, read_meta
from tests.checkpoints.test_folders import forget_checksums
from tests.systems.edgeconnect.weights import weights, write_checkpoint


@pytest.fixture
def item(tmp_path):
    checkpoint = checkpoints.find(write_checkpoint(tmp_path))
    forget_checksums(checkpoint)  # they would find all damage before it is read
    return checkpoint / checkpoints.VARIABLES


def test_arrays_are_those_that_were_written(item):
    read = checkpoints.read_arrays(item)
    jax.tree.map(np.testing.assert_array_equal, read, weights().networks)
    assert {type(leaf) for leaf in jax.tree.leaves(read)} == {np.ndarray}


def test_trees_with_lists_and_scalars(tmp_path):
    tree = {"a": [np.arange(3), np.float32(2) * np.ones(2)], "b": {"step": np.zeros((), np.int32)}}
    with ocp.StandardCheckpointer() as writer:
        writer.save(tmp_path / "item", tree)
    read = checkpoints.read_arrays(tmp_path / "item")
    assert jax.tree.structure(read) == jax.tree.structure(tree)
    jax.tree.map(np.testing.assert_array_equal, read, tree)


@pytest.mark.parametrize("system", ["", "one"])
def test_meta_names_the_system_of_weights_that_have_one(system, tmp_path):
    checkpoints.save_weights(tmp_path, {"a": {"params": {"b": np.zeros(1)}}}, {"a": {}}, system=system)
    assert read_meta(checkpoints.find(tmp_path)).get("system", "") == system


def test_what_is_optional_is_read_where_it_is_and_hides_no_configuration(tmp_path, monkeypatch):
    write_checkpoint(tmp_path / "run")
    checkpoints.save_weights(tmp_path / "more", {"a": {"params": {"b": np.zeros(1)}}}, {"a": {}})
    configured = {"meta": {"config": {"edges": {"sigma": 1.0}}}}
    real = checkpoints.read_meta
    monkeypatch.setattr(
        checkpoints, "read_meta", lambda path: real(path) | (configured["meta"] if "run" in path.parts else {})
    )
    both, names = [tmp_path / "run", tmp_path / "more"], ("edge_generator",)
    found = checkpoints.load_weights(both, names, optional=("a",))
    assert found.networks.keys() == {"edge_generator", "a"} and found.config == configured["meta"]["config"]
    assert checkpoints.load_weights(both, names).config == {}  # that of the last checkpoint, which was converted
    assert checkpoints.load_weights(both[0], names, optional=("a",)).networks.keys() == {"edge_generator"}


@pytest.fixture
def failing_reads(monkeypatch):
    """When Orbax cannot read one array, TensorStore's threads still report others to a loop that is closed."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    yield
    time.sleep(0.2)


@pytest.mark.usefixtures("failing_reads")
def test_damage_is_named(item):
    for path in item.rglob("d/*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CorruptedError, match="variables: a corrupted checkpoint"):
        checkpoints.read_arrays(item)


@pytest.mark.usefixtures("failing_reads")
def test_a_missing_part_is_named(item):
    for path in item.rglob("d/*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(CorruptedError, match="variables: a corrupted checkpoint"):
        checkpoints.read_arrays(item)


@pytest.mark.parametrize("content", [b'{"format"', b"[]", b"\xff", b'{"format": 1}', None])
def test_corrupted_meta_is_named(item, content):
    replace(item.parent / "meta/metadata", content)
    with pytest.raises(ValueError, match="metadata: a corrupted checkpoint"):
        checkpoints.load_weights(item.parent)


FOREIGN = [
    b"{}",
    b'{"tree_metadata": {}}',
    b'{"tree_metadata": []}',
    b'{"tree_metadata": {"x": {}}, "use_ocdbt": true}',
]


@pytest.mark.parametrize("content", [*FOREIGN, b"[]", b"\xff", b"{", None])
def test_corrupted_metadata_of_arrays_is_named(item, content):
    replace(item / "_METADATA", content)
    with pytest.raises(CorruptedError, match="variables: a corrupted checkpoint"):
        checkpoints.load_weights(item.parent)


def replace(path, content):
    """Overwrites a file, or removes it for None."""
    path.unlink()
    if content is not None:
        path.write_bytes(content)
