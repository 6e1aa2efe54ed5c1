"""Files of PyTorch, whole, corrupted and malicious."""

import io
import os
import pathlib
import pickle
import sys
from collections import OrderedDict

import numpy as np
import pytest

from edgeconnect_jax.importers import torch_files
from tests.importers import originals

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.oracles

FORMATS = pytest.mark.parametrize("zipped", [True, False])


def save(path, value, zipped=True):
    torch.save(value, path, _use_new_zipfile_serialization=zipped)
    return path


@FORMATS
def test_tensors_become_arrays_of_their_dtype(zipped, tmp_path):
    weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
    inner = OrderedDict(weight=weight, half=torch.ones(2).half(), double=weight.detach().double(), turned=weight.T)
    inner["brain"] = torch.tensor([1.5, 2.0], dtype=torch.bfloat16)
    value = {"iteration": torch.tensor(4), "generator": inner, "list": [torch.zeros(1), "text"], "number": 3}
    read = torch_files.load(save(tmp_path / "a.pth", value, zipped))
    assert read["iteration"] == 4 and read["number"] == 3 and read["list"][1] == "text"
    arrays = read["generator"]
    dtypes = {key: array.dtype.name for key, array in arrays.items()}
    assert dtypes == {
        **{"weight": "float32", "half": "float16", "double": "float64", "turned": "float32", "brain": "bfloat16"}
    }
    np.testing.assert_array_equal(arrays["weight"], np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(arrays["turned"], arrays["weight"].T)
    np.testing.assert_array_equal(arrays["brain"].astype(np.float32), [1.5, 2.0])


@FORMATS
def test_tensors_that_were_saved_on_a_gpu_come_to_the_host(zipped, tmp_path, monkeypatch):
    """No GPU is needed: the file says where a tensor lay."""
    with monkeypatch.context() as patch:
        patch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
        path = save(tmp_path / "a.pth", {"a": torch.ones(3)}, zipped)
    assert b"cuda:0" in path.read_bytes()
    np.testing.assert_array_equal(torch_files.load(path)["a"], np.ones(3, np.float32))


class Touch:
    """A pickle that makes a file when it is read."""

    def __init__(self, path: pathlib.Path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@FORMATS
def test_a_pickle_that_runs_something_is_refused_and_runs_nothing(zipped, tmp_path):
    mark = tmp_path / "ran"
    path = save(tmp_path / "a.pth", {"generator": {"a": torch.ones(1)}, "more": Touch(mark)}, zipped)
    with pytest.raises(ValueError, match=r"a\.pth: refused, because it holds more than tensors \((posix|nt)\.system\)"):
        torch_files.load(path)
    plain = tmp_path / "plain.pth"
    plain.write_bytes(pickle.dumps(Touch(mark), protocol=2))
    with pytest.raises(ValueError, match=r"plain\.pth: refused"):
        torch_files.load(plain)
    assert not mark.exists()
    torch.load(path, weights_only=False)  # what it would have done
    assert mark.exists()


@FORMATS
def test_a_whole_module_is_refused(zipped, tmp_path):
    path = save(tmp_path / "a.pth", torch.nn.Linear(2, 2), zipped)
    with pytest.raises(ValueError, match=r"a\.pth: refused.*\(torch\.nn\.modules\.linear\.Linear\).*its state dict"):
        torch_files.load(path)


@FORMATS
def test_a_file_cut_short_is_refused(zipped, tmp_path):
    data = save(tmp_path / "whole.pth", {"a": torch.zeros(3000)}, zipped).read_bytes()
    path = tmp_path / "cut.pth"
    for size in (1, 10, 60, 300, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(ValueError, match=r"cut\.pth: (corrupted|refused.*corrupted|not a file of PyTorch)"):
            torch_files.load(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"hello", "not a file of PyTorch"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "pointer of Git LFS.*git lfs pull"),
        (b"\n <!DOCTYPE html><html>Virus scan</html>", "a web page.*download the file again"),
        (b"PK\x03\x04 and no archive", "corrupted"),
    ],
)
def test_files_of_other_kinds(data, words, tmp_path):
    path = tmp_path / "a.pth"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"a\.pth: .*{words}"):
        torch_files.load(path)


def test_folders_and_nothing(tmp_path):
    with pytest.raises(ValueError, match="a folder"):
        torch_files.load(tmp_path)
    with pytest.raises(ValueError, match="no such file"):
        torch_files.load(tmp_path / "a.pth")


def test_tensors_that_numpy_does_not_have(tmp_path):
    path = save(tmp_path / "a.pth", {"a": torch.zeros(3).to_sparse()})
    with pytest.raises(ValueError, match=r"a\.pth: it holds a tensor that NumPy cannot represent"):
        torch_files.load(path)


def test_torch_is_asked_for_when_it_is_not_there(tmp_path, monkeypatch):
    path = save(tmp_path / "a.pth", {})
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install -e '\.\[convert\]'"):
        torch_files.load(path)


@pytest.mark.parametrize("version", ["2.9.1", "1.13.0+cu117"])
def test_a_torch_whose_reader_is_not_safe_is_refused(version, tmp_path, monkeypatch):
    path = save(tmp_path / "a.pth", {})
    monkeypatch.setattr(torch, "__version__", version)
    with pytest.raises(ModuleNotFoundError, match=rf"PyTorch {version[:6]}.*2\.10 or newer"):
        torch_files.load(path)


def test_what_is_saved_is_read_again_and_shares_what_was_one_array(tmp_path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    state = OrderedDict(a=array, b=array, c=array.T)
    state.note = "kept"
    torch_files.save({tmp_path / "new/a.pth": {"iteration": 3, "generator": state}})
    read = torch.load(tmp_path / "new/a.pth", weights_only=True)
    assert list(read) == ["iteration", "generator"] and list(read["generator"]) == ["a", "b", "c"]
    tensors = read["generator"]
    assert tensors.note == "kept" and tensors["a"].data_ptr() == tensors["b"].data_ptr()
    assert tensors["a"].is_contiguous() and tensors["c"].is_contiguous()
    np.testing.assert_array_equal(tensors["c"].numpy(), array.T)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.pth"]


def test_files_are_in_the_format_that_every_version_reads(tmp_path):
    torch_files.save({tmp_path / "a.pth": {"a": np.zeros(2, np.float32)}})
    data = (tmp_path / "a.pth").read_bytes()
    assert pickle.load(io.BytesIO(data)) == 0x1950A86A20F9469CFC6C  # the magic number of the old format


def test_existing_files_are_refused_all_together_unless_overwritten(tmp_path):
    names = [tmp_path / "a.pth", tmp_path / "b.pth", tmp_path / "c.pth"]
    for path in names[:2]:
        path.write_bytes(b"mine")
    contents = {path: {"a": np.zeros(2, np.float32)} for path in names}
    with pytest.raises(FileExistsError, match=r"a\.pth, .*b\.pth: it already exists"):
        torch_files.save(contents)
    assert [path.read_bytes() for path in names[:2]] == [b"mine"] * 2 and not names[2].exists()
    torch_files.save(contents, overwrite=True)
    assert all(torch_files.load(path)["a"].shape == (2,) for path in names)


def test_when_one_file_fails_none_is_written(tmp_path, monkeypatch):
    contents = {tmp_path / f"{key}.pth": {key: np.zeros(2, np.float32)} for key in "ab"}
    write = torch.save

    def fail_at_b(value, path, **options):
        write(value, path, **options)
        if "b" in value:
            raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", fail_at_b)
    with pytest.raises(OSError, match="no space"):
        torch_files.save(contents)
    assert not list(tmp_path.iterdir())


def test_files_of_the_tests_are_read(tmp_path):
    path = originals.write(tmp_path / "a.pth", originals.content("edge_generator", originals.state("edge_generator")))
    assert torch_files.load(path)["iteration"] == originals.ITERATION
