import math

import numpy as np
import pytest

from edgeconnect_jax.evaluation import outputs, pairs, sheet
from edgeconnect_jax.evaluation.holes import DrawnHoles, FileHoles
from edgeconnect_jax.evaluation.per_image import Row
from edgeconnect_jax.images import files


def rows(values, key="psnr_hole"):
    return [Row(f"p{i}", (32, 40), 10, {key: value}, {}, "", "") for i, value in enumerate(values)]


def test_best_median_and_worst_are_chosen_by_what_is_in_the_hole():
    key, choices = sheet.choose(rows([float(i) for i in range(21)]))
    assert key == "psnr_hole"
    assert [choice.row.name for choice in choices] == ["p20", "p19", "p18", "p11", "p10", "p9", "p2", "p1", "p0"]
    assert [c.label.split(",")[0] for c in choices] == ["best"] * 3 + ["median"] * 3 + ["worst"] * 3
    assert choices[-1].label == "worst, 21 of 21"


def test_lower_is_better_for_errors_and_undefined_pictures_are_left_out():
    key, choices = sheet.choose(rows([3.0, math.nan, 1.0], "l1_hole"))
    assert key == "l1_hole" and [choice.row.name for choice in choices] == ["p2", "p0"]
    assert sheet.choose(rows([math.nan])) == ("", [])
    assert sheet.choose(rows([math.inf, 30.0]))[1][0].row.name == "p0"


@pytest.mark.parametrize("count", range(1, 10))
def test_few_pictures_are_shown_once_each(count):
    _, choices = sheet.choose(rows([float(i) for i in range(count)]))
    assert len({choice.row.name for choice in choices}) == len(choices) == count


@pytest.mark.parametrize(
    ("count", "labels"), [(1, "b"), (2, "bw"), (3, "bbw"), (4, "bbww"), (6, "bbbwww"), (7, "bbbmwww"), (9, "bbbmmmwww")]
)
def test_of_few_pictures_the_best_and_the_worst_come_first(count, labels):
    _, choices = sheet.choose(rows([float(i) for i in range(count)]))
    assert "".join(choice.label[0] for choice in choices) == labels


def test_the_sheet_shows_truth_masked_and_output(tmp_path, rng):
    (tmp_path / "truth").mkdir()
    pictures = rng.integers(0, 255, (2, 160, 160, 3), dtype=np.uint8)
    for name, array in zip(("p0", "p1"), pictures, strict=True):
        files.write_png(tmp_path / "truth" / f"{name}.png", array)
    found, source, holes = pairs.find_pairs(tmp_path / "truth"), outputs.BaselineOutput("telea"), DrawnHoles("block", 0)
    drawn = sheet.draw(rows([20.0, 30.0]), found, source, holes)
    assert drawn is not None and drawn.shape[1] == 3 * 164 + 4
    top = 21
    np.testing.assert_array_equal(drawn[top : top + 160, 4:164], pictures[1])  # the better one is above
    hole = holes(found[1])
    masked = np.where(hole[..., None], 255, pictures[1])
    np.testing.assert_array_equal(drawn[top : top + 160, 168:328], masked)
    np.testing.assert_array_equal(drawn[top : top + 160, 332:492], source(found[1], pictures[1], hole).image)


def test_columns_of_a_system_stand_before_the_output(tmp_path, rng):
    (tmp_path / "truth").mkdir()
    files.write_png(tmp_path / "truth" / "p0.png", rng.integers(0, 255, (160, 160, 3), dtype=np.uint8))
    found, source, holes = pairs.find_pairs(tmp_path / "truth"), outputs.BaselineOutput("mean"), DrawnHoles("half", 0)
    columns = {"hole": lambda e: e.hole[..., None] * np.uint8(255), "nothing": lambda e: None}
    drawn = sheet.draw(rows([20.0]), found, source, holes, columns)
    assert drawn is not None and drawn.shape[1] == 4 * 164 + 4
    hole = np.where(holes(found[0])[..., None], np.uint8(255), np.uint8([0, 0, 0]))
    np.testing.assert_array_equal(drawn[21 : 21 + 160, 332:492], hole)


def test_without_masks_the_sheet_has_truth_and_output(tmp_path, rng):
    for folder in ("truth", "output"):
        (tmp_path / folder).mkdir()
        files.write_png(tmp_path / folder / "p0.png", rng.integers(0, 255, (400, 800, 3), dtype=np.uint8))
    found = pairs.find_pairs(tmp_path / "truth", output=tmp_path / "output")
    source = outputs.OnDisk(tmp_path / "output")
    drawn = sheet.draw(rows([0.5], "ssim"), found, source, FileHoles())
    assert drawn is not None and drawn.shape[1] == 2 * 324 + 4  # shrunk to 320
    assert sheet.draw(rows([math.nan]), found, source, FileHoles()) is None
