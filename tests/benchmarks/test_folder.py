import json

from benchmarks import folder


def test_both_sides_run(tmp_path, capsys):
    narrow = ["--pictures", "2", "--side", "32", "--rounds", "1", "--features", "4", "--residual_blocks", "1"]
    assert folder.main([*narrow, "--json", str(tmp_path / "rows.json")]) == 0
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert row["case"] in capsys.readouterr().out
    assert row["ours"] > 0 and row["theirs"] > 0
