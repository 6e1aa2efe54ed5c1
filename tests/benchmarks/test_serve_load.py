import json

import pytest

from benchmarks import serve_load

NARROW = ["--features", "4", "--residual_blocks", "1", "--requests", "8", "--clients", "4"]
SMALL = ["--sizes", "32x24", "--latency", "32x24", "--rounds", "1"]


def test_every_answer_is_compared(tmp_path, capsys):
    assert serve_load.main([*NARROW, *SMALL, "--json", str(tmp_path / "rows.json")]) == 0
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert row["outcomes"] == {"right": 8} and row["case"] in capsys.readouterr().out
    assert row["memory"]["start"] > 0 and len(row["single"]["requests"]) == 3


def test_wrong_and_lost_answers_are_told():
    asked = serve_load.Asked("/api/edges", {"image": b""}, b"expected")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            serve_load.requests, "post", lambda *_, **__: type("A", (), {"content": b"x", "status_code": 503})
        )
        assert serve_load._ask("http://nowhere", asked).outcome == "status 503, other bytes"
    assert serve_load._ask("http://127.0.0.1:1", asked).outcome == "lost: ConnectionError"
