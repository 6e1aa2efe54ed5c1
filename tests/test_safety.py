"""Nothing that is read can run code or write where it should not: by the sources, and by trying it."""

import ast
import json
import os
import pathlib
import pickle
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.data import records, sources
from edgeconnect_jax.data.prepared import format, write
from edgeconnect_jax.images import files
from edgeconnect_jax.metrics.fid import Statistics
from edgeconnect_jax.systems.edgeconnect.data import READER, Options, create_options
from tests.synthetic import picture
from tests.systems.edgeconnect.weights import write_checkpoint
from tests.test_imports import everything, parse, top_names

# Modules that run what they read, or hand it to a shell. Only the benchmarks start processes, from lists of arguments.
RUNNING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "pty", "commands", "code"}
UNPACKING = {"tarfile", "unpack_archive", "extractall", "extract"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
OF_OS = {"system", "popen", "startfile"}
ONLY_HERE = {"torch_files.py": {"pickle"}}  # the name of an error, see below


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _wrong_calls(tree: ast.Module) -> list[str]:
    """Calls that run text, start a shell, or read a file in a way that may run it."""
    found = []
    for call in _calls(tree):
        name = ast.unparse(call.func)
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        last = name.split(".")[-1]
        wrong = [
            name in BUILTINS,
            name.startswith("os.") and (last in OF_OS or last.startswith(("exec", "spawn", "posix_spawn"))),
            keywords.get("shell", "False") != "False",
            last in UNPACKING,
            name == "torch.load" and keywords.get("weights_only") != "True",
            name in ("np.load", "numpy.load") and keywords.get("allow_pickle") != "False",
            name.startswith("yaml.") and last.startswith(("load", "unsafe_load", "full_load")),
            last in ("loads", "load", "Unpickler") and name.startswith("pickle."),
        ]
        found += [f"{name}({ast.unparse(call)[:60]})"] if any(wrong) else []
    return found


@pytest.mark.parametrize("path", everything(), ids=lambda path: str(path.name))
def test_no_source_runs_what_it_reads(path: pathlib.Path) -> None:
    tree = parse(path)
    assert not _wrong_calls(tree)
    assert not top_names(path) & (RUNNING | UNPACKING) - ONLY_HERE.get(path.name, set())
    if "benchmarks" not in path.parts:
        assert "subprocess" not in top_names(path)


@pytest.mark.parametrize(
    "line",
    [
        "eval('1')", "os.system('ls')", "os.execv('a', [])", "subprocess.run('ls', shell=True)", "torch.load('a')",
        "torch.load('a', weights_only=False)", "np.load('a')", "np.load('a', allow_pickle=True)", "yaml.load('a')",
        "pickle.loads(b'')", "archive.extractall('.')", "shutil.unpack_archive('a')",
    ],
)  # fmt: skip
def test_the_reader_of_sources_sees_what_it_looks_for(line: str) -> None:
    assert _wrong_calls(ast.parse(line))


class Touch:
    """A pickle that makes a file when it is read."""

    def __init__(self, path: pathlib.Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.path),)


def test_a_pickle_among_statistics_is_not_read(tmp_path: pathlib.Path) -> None:
    mark, path = tmp_path / "ran", tmp_path / "a.npz"
    values: Any = {"mean": np.array([Touch(mark)], dtype=object), "format": 1, "count": 2}
    np.savez(path, allow_pickle=True, **values)
    with pytest.raises(ValueError, match=r"a\.npz: not a \.npz file, or corrupted"):
        Statistics.load(path, "", "")
    assert not mark.exists()
    path.write_bytes(pickle.dumps(Touch(mark)))
    with pytest.raises(ValueError, match=r"a\.npz: not a \.npz file, or corrupted"):
        Statistics.load(path, "", "")
    assert not mark.exists()
    pickle.loads(path.read_bytes())  # what it would have done
    assert mark.exists()


OUTSIDE = ("../escaped", "../../escaped", "/tmp/edgeconnect_jax_escaped", "a/../../escaped")


def _everything_below(folder: pathlib.Path) -> set[pathlib.Path]:
    return set(folder.rglob("*"))


@pytest.mark.oracles
@pytest.mark.parametrize("name", OUTSIDE)
def test_names_inside_archives_lead_nowhere(name: str, tmp_path: pathlib.Path) -> None:
    inner = tmp_path / "deep/inner"
    inner.mkdir(parents=True)
    for suffix in (".npz", ".pth"):
        with zipfile.ZipFile(inner / f"a{suffix}", "w") as archive:
            archive.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00")
            archive.writestr(f"{name}/data.pkl", pickle.dumps({}))
    before = _everything_below(tmp_path)
    with pytest.raises(ValueError, match=r"a\.npz: "):
        Statistics.load(inner / "a.npz", "", "")
    if "torch" in sys.modules or _has_torch():
        from edgeconnect_jax.importers import torch_files

        with pytest.raises(ValueError, match=r"a\.pth: "):
            torch_files.load(inner / "a.pth")
    assert _everything_below(tmp_path) == before
    assert not pathlib.Path("/tmp/edgeconnect_jax_escaped").exists()


def _has_torch() -> bool:
    import importlib.util

    return importlib.util.find_spec("torch") is not None


@pytest.mark.parametrize("name", OUTSIDE)
def test_arrays_of_a_checkpoint_are_names_in_its_store(name: str, tmp_path: pathlib.Path) -> None:
    checkpoint = checkpoints.find(write_checkpoint(tmp_path / "checkpoint", ("edge_generator",)))
    secret = tmp_path / "checkpoint/escaped"
    secret.write_text("secret")
    path = checkpoint / "variables/_METADATA"
    metadata = json.loads(path.read_text())
    key, entry = next(iter(metadata["tree_metadata"].items()))
    entry["key_metadata"] = [{"key": part, "key_type": 2} for part in (name, "b")]
    metadata["tree_metadata"] = {str((name, "b")): entry}
    path.write_text(json.dumps(metadata))
    assert key != str((name, "b"))
    with pytest.raises(ValueError, match="a corrupted checkpoint"):
        checkpoints.read_arrays(checkpoint / "variables")


@pytest.fixture
def prepared_set(photographs: pathlib.Path, tmp_path: pathlib.Path) -> tuple[pathlib.Path, Options]:
    options = create_options(32, "center", 0, "canny", 2.0, False, False)
    computed = records.compute_records(READER, options, sources.open_source(str(photographs)))
    write.prepare(computed, [], tmp_path / "set", shards=2, progress=False)
    return tmp_path / "set", options


def test_a_prepared_set_cannot_have_a_module_imported(
    prepared_set: tuple[pathlib.Path, Options], monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    folder, options = prepared_set
    (tmp_path / "of_a_stranger.py").write_text(f"import os; os.mkdir({str(tmp_path / 'ran')!r})")
    monkeypatch.syspath_prepend(tmp_path)
    path = folder / "images/features.json"
    own = path.read_text()
    path.write_text(own.replace("tensorflow_datasets.core.features.text_feature.Text", "of_a_stranger.Text"))
    with pytest.raises(ValueError, match=r"set/images: contains unexpected names \(of_a_stranger\.Text\)"):
        format.open_records(folder, READER, options)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("template", [*OUTSIDE, 7])
def test_a_prepared_set_reads_its_own_files_alone(template: Any, prepared_set: tuple[pathlib.Path, Options]) -> None:
    folder, options = prepared_set
    path = folder / "images/dataset_info.json"
    info = json.loads(path.read_text())
    info["splits"][0]["filepathTemplate"] = template
    path.write_text(json.dumps(info))
    with pytest.raises(ValueError, match="contains unexpected names"):
        format.open_records(folder, READER, options)


def test_corrupted_parts_of_a_prepared_set_are_named(
    prepared_set: tuple[pathlib.Path, Options],
) -> None:
    folder, options = prepared_set
    assert len(format.open_records(folder, READER, options)) == 4
    shard = sorted((folder / "images").glob("*.array_record-*"))[1]
    whole = shard.read_bytes()
    for corrupted in (whole[: len(whole) // 2], b"", whole[:200] + bytes(400) + whole[600:]):
        shard.write_bytes(corrupted)
        with pytest.raises(ValueError, match=r"set/images: a corrupted part of a prepared set .*prepare it again"):
            list(format.open_records(folder, READER, options))
    shard.write_bytes(whole)
    for name in ("features.json", "dataset_info.json"):
        text = (folder / "images" / name).read_text()
        for corrupted in ("", "[]", "{}", text[: len(text) // 2]):
            (folder / "images" / name).write_text(corrupted)
            with pytest.raises(ValueError, match="a corrupted part of a prepared set"):
                format.open_records(folder, READER, options)
        (folder / "images" / name).write_text(text)


def test_a_result_takes_the_place_of_a_link_and_does_not_go_through_it(tmp_path: pathlib.Path) -> None:
    (tmp_path / "theirs").write_text("mine")
    (tmp_path / "a.png").symlink_to(tmp_path / "theirs")
    files.write_png(tmp_path / "a.png", picture(0, 8, 8)[0])
    assert (tmp_path / "theirs").read_text() == "mine" and not (tmp_path / "a.png").is_symlink()
