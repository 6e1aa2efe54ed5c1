"""The benchmark of inference from end to end, with both sides in their processes; no test looks at the time."""

import json

import pytest

from benchmarks import inference

pytest.importorskip("torch")

pytestmark = pytest.mark.oracles


def test_both_sides_are_measured(tmp_path, capsys):
    path = tmp_path / "rows.json"
    narrow = ["--features", "4", "--residual_blocks", "1", "--sizes", "32", "--batches", "2"]
    assert inference.main([*narrow, "--rounds", "1", "--json", str(path)]) == 0
    (row,) = json.loads(path.read_text())
    assert row["case"] == "fill 32 x 32, batch 2, float32, 4 features"
    assert row["ratio"] == pytest.approx(row["theirs"] / row["ours"])
    assert row["theirs_by_memory_format"].keys() == {"contiguous", "channels_last"}
    assert 0 < row["difference"] < 5e-5  # not 0: they are two
    assert row["memory"] > 2**27 and row["their_memory"] > 2**27  # bytes
    assert 0 < row["flops_by_hand"] < row["flops_by_xla"]
    assert row["peak"] > 0
    assert "| fill 32 x 32, batch 2, float32, 4 features |" in capsys.readouterr().out
