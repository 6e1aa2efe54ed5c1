"""What fills along other lines are made of, and what is measured of them."""

import pathlib

import numpy as np
import pytest
from skimage.feature import canny

from edgeconnect_jax.evaluation import per_image, summary
from edgeconnect_jax.evaluation.definitions import MeasurementSettings, PairArrays
from edgeconnect_jax.evaluation.outputs import Output
from edgeconnect_jax.evaluation.pairs import Pair
from edgeconnect_jax.images.edges import to_gray
from edgeconnect_jax.metrics import uint8
from edgeconnect_jax.systems.edgeconnect.evaluation import Model
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from edgeconnect_jax.systems.edgeconnect.lines_effect import COLUMNS, LINES_EFFECT, other_lines, with_other_lines
from tests.synthetic import picture
from tests.systems.edgeconnect.weights import write_checkpoint

PAIR = Pair(pathlib.Path("a.png"), (32, 48))
SETTINGS = MeasurementSettings((LINES_EFFECT,), {"sigma": 1.5})


def true_of(truth):
    return np.float32(canny(to_gray(truth), sigma=1.5))


@pytest.fixture
def truth_and_hole():
    truth, mask = picture(2, 32, 48)
    return truth, mask > 0


def test_other_lines_differ_in_the_hole_alone(truth_and_hole, rng):
    truth, hole = truth_and_hole
    edges = rng.random(hole.shape, np.float32)
    found = other_lines(edges, true_of(truth), hole)
    assert set(found) == {"true_lines", "no_lines", "shifted_lines"}
    for lines in found.values():
        assert lines.dtype == np.float32
        np.testing.assert_array_equal(lines[~hole], edges[~hole])
    np.testing.assert_array_equal(found["true_lines"][hole], canny(to_gray(truth), sigma=1.5)[hole])
    assert found["true_lines"][hole].any() and not found["no_lines"][hole].any()
    row, column = np.argwhere(hole)[-1]
    assert column > 3 and found["shifted_lines"][row, column] == edges[row, column - 3]  # a sixteenth of 48


def test_every_fill_is_measured_and_so_are_the_changes(truth_and_hole, rng):
    truth, hole = truth_and_hole
    pictures = iter(rng.integers(0, 256, (4, *truth.shape), np.uint8))
    edges = rng.random(hole.shape, np.float32)
    lines = other_lines(edges, true_of(truth), hole)
    filled = {}
    output = with_other_lines(Output(next(pictures), {"edges": edges}), lines, lambda _: next(pictures))
    filled = {"predicted_lines": output.image, **{key: output.others[f"filled_{key}"] for key in lines}}
    row = per_image.measure(PairArrays(PAIR, truth, hole, output), SETTINGS)
    for key, image in filled.items():
        assert row.values[f"psnr_hole_{key}"] == uint8.psnr(image, truth, hole)
        assert row.values[f"ssim_hole_{key}"] == uint8.ssim(image, truth, hole)[1]
        assert row.values[f"l1_hole_{key}"] == uint8.l1_percent(image, truth, hole)
    values = {key: value.value for key, value in summary.summarise([row, row], (LINES_EFFECT,)).items()}
    assert list(values) == [definition.key for definition in LINES_EFFECT.definitions]
    for key, other in lines.items():
        difference = np.abs(np.float64(filled[key]) - output.image)[hole].mean(axis=1) / 2.55
        assert values[f"change_{key}"] == pytest.approx(difference.mean())
        moved = np.abs(np.float64(other) - edges)[hole].sum()
        assert values[f"response_{key}"] == pytest.approx(difference.sum() / moved)


def test_without_changed_lines_there_is_no_response(truth_and_hole):
    truth, hole = truth_and_hole
    lines = dict.fromkeys(("true_lines", "no_lines", "shifted_lines"), np.zeros(hole.shape, np.float32))
    output = with_other_lines(Output(truth, {"edges": lines["no_lines"]}), lines, lambda _: truth)
    row = per_image.measure(PairArrays(PAIR, truth, hole, output), SETTINGS)
    values = summary.summarise([row], (LINES_EFFECT,))
    assert values["change_true_lines"].value == 0 and values["response_true_lines"].value is None


def test_outputs_without_such_fills_have_no_effect_and_no_columns(truth_and_hole):
    truth, hole = truth_and_hole
    example = PairArrays(PAIR, truth, hole, Output(truth, {"edges": np.zeros(hole.shape, np.float32)}))
    for lacking in (example, example._replace(hole=None)):
        row = per_image.measure(lacking, SETTINGS)
        assert not row.values and not row.counts
    assert all(picture(example) is None for picture in COLUMNS.values())


@pytest.mark.parametrize("compat", [None, "original"])
def test_a_model_fills_along_them_with_the_same_completion_network(compat, truth_and_hole, tmp_path):
    truth, hole = truth_and_hole
    checkpoint = write_checkpoint(tmp_path / "mine")
    output = Model([checkpoint], compat=compat, sigma=1.5, lines_effect=True)(PAIR, truth, hole)
    image, edges = Inpainter.from_checkpoint(checkpoint, compat=compat, sigma=1.5)(truth, hole)
    np.testing.assert_array_equal(output.image, image)
    complete = Inpainter.from_checkpoint(checkpoint, compat=compat, steps="inpaint")
    for key, lines in other_lines(edges, true_of(truth), hole).items():
        np.testing.assert_array_equal(output.others[key], lines)
        np.testing.assert_array_equal(output.others[f"filled_{key}"], complete(truth, hole, lines).image)
    # Along the predicted lines this network makes the same picture, but for rounding.
    same = complete(truth, hole, edges).image.astype(int)
    assert np.abs(same - image).max() <= 1
    assert (output.others["filled_no_lines"] != image).any()
    shown = {name: picture(PairArrays(PAIR, truth, hole, output)) for name, picture in COLUMNS.items()}
    assert all(found is not None and found.shape[:2] == hole.shape for found in shown.values())
