import json

import pytest

from benchmarks.measuring import timing


def test_sides_run_in_turn():
    ran = []
    seconds = timing.in_turn({"a": lambda: ran.append("a"), "b": lambda: ran.append("b")}, 3)
    assert ran == ["a", "b", "b", "a", "a", "b"]
    assert {name: len(runs) for name, runs in seconds.items()} == {"a": 3, "b": 3}


def test_a_side_may_measure_itself():
    assert timing.in_turn({"a": lambda: 7.0}, 2) == {"a": [7.0, 7.0]}


def test_a_row_holds_medians_and_the_median_ratio(tmp_path):
    row = timing.row("case", [1, 2, 4], [2, 2, 2], cores=2)
    assert row == {"case": "case", "unit": "s", "ours": 2, "theirs": 2, "ratio": 1, "rounds": 3, "cores": 2}
    assert "1.00 times as fast" in timing.line(row)
    timing.write(tmp_path / "rows.json", [row])
    assert json.loads((tmp_path / "rows.json").read_text()) == [row]
    timing.write(None, [row])
    assert timing.row("case", [1, 1, 1], [2, 3, 9])["ratio"] == pytest.approx(3)
