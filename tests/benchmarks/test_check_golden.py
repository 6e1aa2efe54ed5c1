"""The command, on what is kept in tests/data."""

import importlib.util
import pathlib
import re
import shutil

import numpy as np
import pytest

from benchmarks import check_golden

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
def test_a_missing_or_damaged_file_is_named(folders, lost, capsys):
    path = pathlib.Path(folders[1]) / lost
    path.write_bytes(path.read_bytes()[:-2000])
    assert check_golden.main(folders) == 2
    assert f"{path}: no archive of arrays (.npz), or a damaged one" in capsys.readouterr().err
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
