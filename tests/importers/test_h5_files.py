"""Files of HDF5: what is read, and what is refused."""

import sys

import h5py
import numpy as np
import pytest

from edgeconnect_jax.importers import h5_files
from tests.importers.keras import write_h5

ARRAYS = {"a/vars/0": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(3, np.int64)}


def refused(path):
    with pytest.raises(ValueError) as error:
        h5_files.load(path)
    assert str(error.value).startswith(str(path))
    return str(error.value)


def test_reads_arrays_by_their_paths(tmp_path):
    found = h5_files.load(write_h5(tmp_path / "a.h5", ARRAYS))
    assert found.keys() == ARRAYS.keys()
    for key, array in ARRAYS.items():
        assert found[key].dtype == array.dtype
        np.testing.assert_array_equal(found[key], array)


def test_what_is_no_file_of_hdf5(tmp_path):
    assert "no such file" in refused(tmp_path / "none.h5")
    assert "a folder" in refused(tmp_path)
    path = tmp_path / "a.h5"
    for content, words in ((b"", "empty"), (b"<html>", "a web page"), (b"PK\x03\x04", "not a file of HDF5")):
        path.write_bytes(content)
        assert words in refused(path)
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert "Git LFS" in refused(path)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_file(part, tmp_path):
    path = write_h5(tmp_path / "a.h5", ARRAYS | {"c": np.zeros(5000, np.float32)})
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    assert "corrupted or truncated; get it again" in refused(path)


def test_what_is_not_plainly_in_the_file_is_refused(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(16))
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (4,), np.float32, external=[(str(secret), 0, 16)])
    assert f"{path}: x: packed, or outside the file" in refused(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (10**9,), np.float32, chunks=(1000,), compression="gzip")
    assert "packed, or outside the file" in refused(path)
    layout = h5py.VirtualLayout((4,), np.float32)
    layout[:] = h5py.VirtualSource(str(secret), "y", (4,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("x", layout)
    assert "packed, or outside the file" in refused(path)
    with h5py.File(path, "w") as file:
        file["x"] = "text"
    assert "not numbers" in refused(path)
    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink("other.h5", "y")
    assert h5_files.load(path) == {}


def test_says_what_to_install(tmp_path, monkeypatch):
    path = write_h5(tmp_path / "a.h5", ARRAYS)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install -e '\.\[hed\]'"):
        h5_files.load(path)
