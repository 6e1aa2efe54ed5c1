import argparse
import math
import pathlib
import re

import numpy as np
import pytest
from skimage.feature import canny

from edgeconnect_jax.evaluation import per_image, summary
from edgeconnect_jax.evaluation.definitions import MeasurementSettings, PairArrays, Value, by_key
from edgeconnect_jax.evaluation.outputs import Output
from edgeconnect_jax.evaluation.pairs import Pair
from edgeconnect_jax.images.edges import to_gray
from edgeconnect_jax.inference.edges import EdgeDetector
from edgeconnect_jax.systems.edgeconnect import evaluation
from edgeconnect_jax.systems.edgeconnect.edge_accuracy import EDGES, EdgePixels
from edgeconnect_jax.systems.edgeconnect.evaluation import EVALUATION, Model
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from edgeconnect_jax.systems.edgeconnect.legacy import LEGACY
from edgeconnect_jax.systems.edgeconnect.metrics import near_counts
from tests.synthetic import picture
from tests.systems.edgeconnect.weights import write_checkpoint, write_hed

PAGE = (pathlib.Path(__file__).parents[3] / "docs/evaluation.md").read_text(encoding="utf-8")


@pytest.fixture
def example(rng):
    """A pair, its truth, its hole, and a noisy output with random edges."""
    truth, mask = picture(2, 60, 72)
    noisy = np.clip(truth + rng.normal(0, 20, truth.shape), 0, 255).astype(np.uint8)
    output = Output(noisy, {"edges": rng.random((60, 72), np.float32)})
    return PairArrays(Pair(pathlib.Path("a.png"), (60, 72)), truth, mask > 0, output)


def row(counts=None, **values):
    return per_image.Row("a", (10, 10), 10, values, {} if counts is None else {"edges": counts}, "", "")


def test_edges_are_counted_in_the_hole_against_canny_of_the_truth(example):
    row = per_image.measure(example, MeasurementSettings((EDGES,), {"threshold": 0.7, "sigma": 1.5, "tolerance": 2}))
    hole, edges = example.hole, example.output.others["edges"]
    said, true = (edges > 0.7) & hole, canny(to_gray(example.truth), sigma=1.5) & hole
    pixels = row.counts["edges"]
    assert pixels[:4] == ((said & true).sum(), said.sum(), true.sum(), hole.sum())
    lines = canny(to_gray(example.truth), sigma=1.5)
    near = near_counts(*(np.float32(x)[None, ..., None] for x in (edges, lines, hole)), 0.7, 2)
    assert pixels[4:] == pytest.approx([float(count[0]) for count in near], rel=1e-5)
    precision, recall = (said & true).sum() / said.sum(), (said & true).sum() / true.sum()
    assert row.values == pytest.approx({"edge_precision_picture": precision, "edge_recall_picture": recall})


def test_without_a_hole_or_edge_maps_no_edges_are_measured(example):
    settings = MeasurementSettings((EDGES,), {"threshold": 0.5, "sigma": 2.0, "tolerance": 1})
    for lacking in (example._replace(hole=None), example._replace(output=Output(example.truth))):
        row = per_image.measure(lacking, settings)
        assert not row.values and not row.counts


def test_edges_over_the_set_are_ratios_of_sums():
    rows = [
        row(EdgePixels(2, 10, 4, 40, 5, 3, 2.5, 1.0), edge_precision_picture=0.2, edge_recall_picture=0.5),
        row(EdgePixels(9, 10, 16, 60, 10, 15, 7.5, 6.0), edge_precision_picture=0.9, edge_recall_picture=9 / 16),
    ]
    values = {key: value.value for key, value in summary.summarise(rows, EVALUATION.groups).items()}
    assert values == {
        "edge_precision": 11 / 20,
        "edge_recall": 11 / 20,
        "edge_precision_picture": pytest.approx(0.55),
        "edge_recall_picture": pytest.approx((0.5 + 9 / 16) / 2),
        "chance_precision": 20 / 100,
        "chance_recall": 20 / 100,
        "edge_precision_near": 15 / 20,
        "chance_precision_near": 10 / 20,
        "edge_recall_near": 18 / 20,
        "chance_recall_near": 7 / 20,
    }


def test_edges_that_are_nowhere_have_no_precision():
    rows = [row(EdgePixels(0, 0, 5, 10, 0, 0, 0.0, 0.0), edge_precision_picture=math.nan)]
    values = summary.summarise(rows, EVALUATION.groups)
    for suffix in ("", "_near"):
        assert values[f"edge_precision{suffix}"].value is None and values[f"edge_recall{suffix}"].value == 0
    assert values["edge_precision_picture"] == Value(None, 0, 1)


def test_a_model_is_run_as_by_inpaint(example, tmp_path):
    checkpoint = write_checkpoint(tmp_path / "mine")
    source = Model([checkpoint], compat="original", sigma=1.0)
    output = source(*example[:3])
    image, edges = Inpainter.from_checkpoint(checkpoint, compat="original", sigma=1.0)(*example[1:3])
    np.testing.assert_array_equal(output.image, image)
    np.testing.assert_array_equal(output.others["edges"], edges)
    assert source.title == "mine" and source.sigma == 1.0
    assert source.about["compat"] == "original"
    hashes = {network["hash"] for network in source.about["networks"].values()}
    assert len(hashes) == 2 and all(len(value) == 64 for value in hashes)


def test_a_model_that_learnt_edges_by_hed_is_measured_against_them(example, tmp_path, monkeypatch):
    edges = {"source": "hed", "sigma": 2.0, "hed_weights": str(write_hed(tmp_path / "hed")), "hed_threshold": 0.1}
    real = evaluation.checkpoints.load_weights
    monkeypatch.setattr(
        evaluation.checkpoints, "load_weights", lambda *_, **__: real(*_, **__)._replace(config={"edges": edges})
    )
    source = Model([write_checkpoint(tmp_path / "mine")])
    assert source.about["edge_source"] == "hed"
    chosen = EVALUATION.settings(argparse.Namespace(sigma=None, edge_threshold=None, edge_tolerance=None), source)
    assert chosen["reference"] == "HED (above 0.5)"
    row = per_image.measure(example._replace(output=source(*example[:3])), MeasurementSettings((EDGES,), chosen))
    true = 255 * EdgeDetector.from_checkpoint(tmp_path / "hed")(example.truth) > 25.5
    assert abs(row.counts["edges"].true - np.count_nonzero(true & example.hole)) <= 2  # that lie at the threshold
    assert 0 < row.counts["edges"].true < row.counts["edges"].hole


def test_every_definition_has_a_name_of_its_own_and_its_settings():
    definitions = by_key(EVALUATION.groups)
    names = {definition.name for definition in definitions.values()}
    assert len(names) == len(definitions) == sum(len(group.definitions) for group in EVALUATION.groups)
    for definition in definitions.values():
        values = {"threshold": 0.5, "sigma": 2, "tolerance": 1, "reference": "Canny"}
        assert "{" not in definition.sentence.format(**values)


def test_the_page_names_every_metric_and_group():
    for group in EVALUATION.groups:
        for definition in group.definitions:
            # What stands behind a comma says over what it is taken; "of chance" goes with both.
            name = definition.name if group == LEGACY else definition.name.removesuffix(", hole")
            name = name.split(", set")[0].split(", mean of")[0].removesuffix(" of chance")
            for part in re.split(r" (?=along|without)", name):  # the page names metrics and lines apart
                assert part in PAGE, definition.name
        assert group.option or f"`{group.name}`" in PAGE
