import json
import os
import re

import pytest

from benchmarks import data
from benchmarks.sides import data_sides


def test_both_sides_run_on_one_core(tmp_path, capsys):
    small = ["--pictures", "8", "--image_size", "32", "--batch", "2", "--batches", "6", "--rounds", "1"]
    cores = os.sched_getaffinity(0)
    assert data.main([*small, "--json", str(tmp_path / "rows.json")]) == 0
    assert os.sched_getaffinity(0) == cores
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert row["batches_per_second"] == pytest.approx(1 / row["ours"])
    assert set(row["milliseconds_of_an_example"]) > {"reading and decompressing"}
    assert re.search(r"of ours 0 edge maps were computed, of theirs [2-9]\b", capsys.readouterr().out)


def test_sides_that_differ_or_compute_edges_are_not_timed(tmp_path):
    pictures = data_sides.write_photographs(tmp_path / "photographs", 4)
    computed = data_sides.config_of(pictures, 32, 2)
    with data_sides.on_the_fly(), pytest.raises(ValueError, match=r"\b[2-9] edge maps were computed"):
        data_sides.check_same(computed, computed, 1)
    data._prepare(pictures, tmp_path / "prepared", 32)
    other = data_sides.config_of(tmp_path / "prepared", 32, 2)
    other.train.seed += 1
    with pytest.raises(ValueError, match="not give the same"):
        data_sides.check_same(other, computed, 1)
