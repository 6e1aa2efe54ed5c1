"""A report shows what its task declares: no holes, no names of its own."""

import json
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.images.files import read_rgb8
from edgeconnect_jax.tasks.task import OwnTable, Report
from edgeconnect_jax.training import final_report

SIDE = 8
BATCHES = [{"label": np.full((count, SIDE, SIDE, 1), 51, np.uint8), "id": np.arange(count)} for count in (2, 1)]


def metrics(pictures, batch, weight):
    error = jnp.abs(pictures["output"] - batch["label"]).mean(axis=(1, 2, 3))
    sums = {"error": ((error * weight).sum(), weight.sum()), "nothing": (jnp.zeros(()), jnp.zeros(()))}
    return sums | ({"detail": sums["error"]} if "detail" in pictures else {})


def predictions(state):
    for batch in BATCHES:
        truth = batch["label"] / np.float32(255)
        yield batch, {"detail": truth, "output": truth + np.float32(0.5), "truth": truth}


REPORT = Report(
    columns=(("error", "Mean error"), ("nothing", "Nothing")),
    labels=("output", "truth"),
    references={"black": lambda batch: {"output": np.zeros(batch["label"].shape, np.float32)}},
)
VALIDATION = SimpleNamespace(task=SimpleNamespace(metrics=metrics), predictions=predictions)


def test_the_model_and_the_references_are_measured_alike():
    """Over all batches, in the metrics that all of them have."""
    results = final_report.measure(VALIDATION, REPORT, None)
    assert results["this model"] == {"error": pytest.approx(0.5), "nothing": None}
    assert results["black"] == {"error": pytest.approx(0.2), "nothing": None}


def test_without_references_everything_is_reported():
    (values,) = final_report.measure(VALIDATION, REPORT._replace(references={}), None).values()
    assert set(values) == {"error", "nothing", "detail"}


def test_the_model_has_a_table_of_its_own_below():
    report = REPORT._replace(own=OwnTable(("detail", "model", "none"), (("mean", "detail", "nothing"),)))
    results = final_report.measure(VALIDATION, report, None)
    assert set(results["this model"]) == {"error", "nothing", "detail"} and set(results["black"]) == {
        "error",
        "nothing",
    }
    lines = final_report.table_of(report, results).splitlines()
    assert lines[4:] == ["", *final_report.format_table(report.own.head, [["mean", "0.500", "undefined"]]).splitlines()]


def test_files_and_table(tmp_path, capsys):
    final_report.write(VALIDATION, REPORT, None, tmp_path)
    printed = capsys.readouterr().out
    assert "Mean error" in printed and "0.500" in printed and "undefined" in printed
    assert set(json.loads((tmp_path / final_report.TABLE).read_text())) == {"this model", "black"}
    shown = read_rgb8(tmp_path / final_report.PICTURE)
    two = final_report.picture(VALIDATION, REPORT._replace(references={}), None)
    assert shown.shape[1] > two.shape[1] and shown.shape[0] == two.shape[0]  # a column for the reference, two rows


def test_the_truth_stands_after_the_references(monkeypatch):
    drawn = {}
    monkeypatch.setattr(final_report, "labelled_grid", drawn.update)
    more = {"both": lambda batch: {"output": batch["label"], "detail": batch["label"]}}
    final_report.picture(VALIDATION, REPORT._replace(references={**REPORT.references, **more}), None)
    assert list(drawn) == ["output", "black", "both: output", "both: detail", "truth"]
