"""What is made of the sides' answers: compared first, then timed, kept as rows."""

import json

import numpy as np
import pytest

from benchmarks import inference, train_step
from benchmarks.measuring import plot, rows, turns
from benchmarks.sides.edgeconnect.cases import Case
from tests.benchmarks.fakes import give_workers

FILL, STEP = Case("fill", 64, 2), Case("edge", 64, 2)
BOTH = turns.MEMORY_FORMATS


def picture(value):
    return {"output": np.full((2, 4, 4, 3), value)}


def losses(**more):
    return {"l1": np.array(0.5), "content": np.array(3.0), **more}


def test_a_row_holds_ours_and_the_faster_of_theirs(monkeypatch):
    give_workers(monkeypatch, ours=picture(0.5), contiguous=picture(0.5 + 2e-5))
    row = turns.measure(FILL, 3, 2, BOTH)
    assert (row["ours"], row["theirs"], row["ratio"]) == (2.0, 4.0, 2.0)
    assert row["their_memory_format"] == "channels_last"
    assert (row["images_per_second"], row["their_images_per_second"]) == (1.0, 0.5)
    assert (row["memory"], row["their_memory"], row["memory_ratio"]) == (300, 200, 1.5)
    assert row["flops_ratio"] == pytest.approx(1.03)
    assert (row["share_of_peak"], row["their_share_of_peak"]) == (0.25, 0.125)
    assert row["difference"] == pytest.approx(2e-5)


def test_without_pytorch_there_is_our_column_only(monkeypatch):
    made = give_workers(monkeypatch, ours=picture(0.5))
    row = turns.measure(FILL, 3, 2, ())
    assert list(made) == ["ours"]
    assert row["ours"] == 2.0
    assert not [row[k] for k in row if ("their" in k or "ratio" in k) and k != "flops_ratio" and row[k]]
    row["environment"] = rows.environment("python it", 2) | {"device": "a chip"}
    assert "| - |" in rows.tables([row]).replace("  ", "")
    assert list(plot.curves([row])) == ["ours", "limit"]


@pytest.mark.parametrize("off", [6e-5, np.nan])
def test_pictures_that_differ_are_not_timed(monkeypatch, off):
    made = give_workers(monkeypatch, ours=picture(0.5), channels_last=picture(0.5 + off))
    with pytest.raises(ValueError, match=r"differ by .* not timed"):
        turns.measure(FILL, 3, 2, BOTH)
    assert made["ours"].asked == ["run", "save"]


def test_in_bfloat16_the_difference_is_only_told(monkeypatch):
    give_workers(monkeypatch, ours=picture(0.5), channels_last=picture(0.6))
    row = turns.measure(FILL._replace(dtype="bfloat16"), 3, 2, BOTH)
    assert row["difference"] == pytest.approx(0.1)


def test_losses_that_differ_are_not_timed(monkeypatch):
    """Theirs have no metrics, ours do: only losses are compared."""
    ours = losses(metric=np.array(7.0))
    give_workers(monkeypatch, ours=ours, contiguous=losses(), channels_last=losses(l1=np.array(0.50004)))
    assert turns.measure(STEP, 3, 2, BOTH)["difference"] == pytest.approx(8e-5, rel=1e-3)
    give_workers(monkeypatch, ours=ours, contiguous=losses(content=np.array(3.001)), channels_last=losses())
    with pytest.raises(ValueError, match="not timed"):
        turns.measure(STEP, 3, 2, BOTH)


def test_the_command_writes_rows_that_say_where_they_are_from(monkeypatch, tmp_path, capsys):
    give_workers(monkeypatch, ours=picture(0.5))
    path, figure = tmp_path / "rows.json", tmp_path / "plot.png"
    arguments = ["--sizes", "64", "128", "--threads", "1", "--json", str(path), "--plot", str(figure)]
    assert inference.main(arguments) == 0
    found = json.loads(path.read_text())
    assert [row["case"] for row in found] == [f"fill {n} x {n}, batch 1, float32" for n in (64, 128)]
    assert {"machine", "threads", "versions", "date", "command", "device"} == found[0]["environment"].keys()
    assert found[0]["environment"]["command"].startswith("python benchmarks/inference.py --sizes 64 128")
    assert "| fill 64 x 64, batch 1, float32 " in capsys.readouterr().out
    assert figure.read_bytes().startswith(b"\x89PNG")
    ours, theirs, limit = (plot.curves(found)[name] for name in ("ours", "theirs", "limit"))
    assert [ours, theirs, limit] == [([4096, 16384], [y, y]) for y in (2.0, 4.0, 0.5)]


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        (inference, ["--sizes", "30"], "multiples of 4"),
        (inference, ["--threads", "0"], "--threads must be 1 to"),
        (train_step, ["--rounds", "0"], "--rounds must be at least 1"),
        (train_step, ["--size", "16"], "at least 32"),
    ],
)
def test_numbers_that_cannot_be_are_refused(command, arguments, message, capsys):
    assert command.main(arguments) == 1
    assert message in capsys.readouterr().err


def test_a_difference_ends_the_command_with_1(monkeypatch, capsys):
    give_workers(monkeypatch, ours=losses(), contiguous=losses(l1=np.array(0.4)))
    assert train_step.main(["--stages", "edge", "--threads", "1"]) == 1
    expected = "train_step: error: edge 128 x 128, batch 4, float32: both sides differ by 2.5e-01, over 1e-04"
    assert expected in capsys.readouterr().err
