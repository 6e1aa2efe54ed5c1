"""The command, on what is kept in tests/data."""

import importlib.util
import pathlib
import re
import shutil

import numpy as np
import pytest

from benchmarks import check_golden, parity

DATA = pathlib.Path(__file__).parents[1] / "data"


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A golden folder with one small run, and one picture."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    golden, examples = tmp_path / "golden", tmp_path / "examples"
    with np.load(DATA / "golden" / "train_steps.npz") as arrays:
        steps = {k: v for k, v in arrays.items() if re.match(r"batch|stage1_hinge/(step1|grad|delta)", k)}
    with np.load(DATA / "golden" / "inference" / "arrays.npz") as arrays:
        filled = {k: v for k, v in arrays.items() if k.startswith("synthetic_02")}
    (golden / "inference").mkdir(parents=True)
    np.savez(golden / "train_steps.npz", **steps)
    np.savez(golden / "inference" / "arrays.npz", **filled)
    for source, target in ((DATA / "examples", examples), (DATA / "golden" / "inference", golden / "inference")):
        for path in source.glob("*/synthetic_02.png"):
            (target / path.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target / path.parent.name)
    return ["--golden", str(golden), "--examples", str(examples)]


def test_all_is_well(folders, capsys):
    assert check_golden.main(folders) == 0
    out = capsys.readouterr().out
    assert "ok    arrays/synthetic_02/" in out
    assert "ok    model3/synthetic_02/" in out
    assert "ok    stage1_hinge/step1/losses/l_fm" in out
    assert "PyTorch is not installed" in out
    assert re.search(r"\d+ comparisons, \d+ with a kink, 0 failed", out)


def test_another_seed_fails(folders, capsys):
    assert check_golden.main([*folders, "--seed", "12", "--brief"]) == 1
    out = capsys.readouterr().out
    assert "FAIL  stage1_hinge/gradients/" in out
    assert re.search(r"FAIL  arrays/synthetic_02/\w+_out", out)
    assert "FAIL  model3/" in out


@pytest.mark.parametrize("lost", ["train_steps.npz", "inference/arrays.npz"])
def test_a_missing_or_corrupted_file_is_named(folders, lost, capsys):
    path = pathlib.Path(folders[1]) / lost
    path.write_bytes(path.read_bytes()[:-2000])
    assert check_golden.main(folders) == 2
    assert f"{path}: not an archive of arrays (.npz), or corrupted" in capsys.readouterr().err
    path.unlink()
    assert check_golden.main(folders) == 2
    assert str(path) in capsys.readouterr().err


def test_what_is_missing_in_a_file_is_named(folders, capsys):
    path = pathlib.Path(folders[1]) / "inference" / "arrays.npz"
    np.savez(path, **{"synthetic_01/mask": np.zeros((8, 8))})
    assert check_golden.main(folders) == 2
    error = capsys.readouterr().err
    assert "no example picture synthetic_01" in error
    assert "no golden array synthetic_01/rgb_out_composite" in error


def test_a_missing_folder_is_named(capsys, tmp_path):
    assert check_golden.main(["--golden", str(tmp_path), "--examples", str(tmp_path)]) == 2
    assert "train_steps.npz" in capsys.readouterr().err


GOLDEN_OF_ANOTHER = """
from benchmarks.parity.comparison import Comparison

def compare(golden, examples, seed):
    yield [Comparison(f"{golden.name}/{examples.name}/{seed}", 1e-3, 1e-2)]
"""


def test_a_system_is_found_by_the_name_of_its_folder(tmp_path, monkeypatch, capsys):
    (tmp_path / "another").mkdir()
    (tmp_path / "another" / "__init__.py").touch()
    (tmp_path / "another" / "golden.py").write_text(GOLDEN_OF_ANOTHER)
    monkeypatch.setattr(parity, "__path__", [*parity.__path__, str(tmp_path)])
    assert check_golden.systems() == ["another", "edgeconnect"]
    assert check_golden.main(["--system", "another", "--golden", "g", "--examples", "e", "--seed", "5"]) == 0
    assert "ok    g/e/5  1.0e-03" in capsys.readouterr().out


def test_an_unknown_system_is_refused(capsys):
    with pytest.raises(SystemExit):
        check_golden.main(["--system", "unknown", "--golden", "g", "--examples", "e"])
    assert "invalid choice: 'unknown'" in capsys.readouterr().err
