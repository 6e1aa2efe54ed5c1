"""Predicted lines and what is done to them: what is shown is what is fed, to the pixel."""

import numpy as np
import pytest
import requests
import skimage.data
from PIL import Image
from skimage.measure import label

from edgeconnect_jax.images import edges as edge_maps
from edgeconnect_jax.images import files as images
from tests.systems.edgeconnect.editor.browser.driving import Editor, box, plane_of

HOLE = box(20, 12, 43, 35) > 0  # of Editor.paint_hole
PAPER, KNOWN, PREDICTED, OWN = (226, 235, 252), (17, 22, 34), (20, 84, 224), (208, 62, 4)


@pytest.fixture
def lines(editor):
    """The page with predicted lines."""
    editor.paint_hole()
    editor.predict()
    return editor


def fed(editor):
    """The lines with which the hole was filled."""
    return plane_of(editor.sent("api/inpaint", "lines"))


def test_soft_lines_are_those_of_the_service_and_fed_as_predicted(lines, url, photograph):
    files = {"image": photograph.read_bytes(), "mask": images.encode_png(box(20, 12, 43, 35))}
    answer = requests.post(f"{url}/api/edges", files={name: (name, data) for name, data in files.items()}, timeout=60)
    expected = plane_of(answer.content)
    inside = expected[HOLE]
    assert ((inside > 0) & (inside < 255)).any()
    np.testing.assert_array_equal(lines.lines(), expected)
    shown = lines.drawn()
    np.testing.assert_array_equal(shown[~HOLE][:, 3], expected[~HOLE])
    weights = inside[:, None] / 255
    np.testing.assert_allclose(shown[HOLE][:, :3], PAPER + (np.array(PREDICTED) - PAPER) * weights, atol=0.51)
    assert lines.sent("api/edges", "image") == files["image"]
    lines.fill()
    np.testing.assert_array_equal(fed(lines), expected)


def test_with_a_threshold_what_is_shown_is_what_is_fed(lines):
    soft = lines.lines()
    threshold = round(float(np.median(soft[HOLE])) / 255, 2)
    assert 0 < threshold < 1
    lines.set("threshold", threshold)
    lines.choose("pencil")
    lines.drag((21, 20), (42, 24))
    lines.choose("rubber")
    lines.drag((30, 30), (40, 30))
    shown = lines.drawn()
    isline = (shown[..., :3] == PREDICTED).all(-1) | (shown[..., :3] == OWN).all(-1)
    assert (isline | (shown[..., :3] == PAPER).all(-1))[HOLE].all()
    lines.fill()
    np.testing.assert_array_equal(fed(lines)[HOLE] > 0, isline[HOLE])
    np.testing.assert_array_equal(fed(lines)[~HOLE], soft[~HOLE])
    untouched = HOLE & ~(shown[..., :3] == OWN).all(-1)
    untouched[24:36, 26:44] = False  # where the eraser was
    np.testing.assert_array_equal(fed(lines)[untouched] > 0, soft[untouched] > 255 * threshold)
    assert fed(lines)[30, 30:41].max() == 0


def test_a_slider_is_undone_in_one_step(lines):
    soft = lines.lines()
    for value in (0.2, 0.4, 0.6):
        lines.set("threshold", value)
    assert set(np.unique(lines.lines()[HOLE])) <= {0, 255}
    lines.press("undo")
    np.testing.assert_array_equal(lines.lines(), soft)
    assert lines.page.input_value("#threshold") == "0"
    lines.press("redo")
    assert lines.page.input_value("#threshold") == "0.6"


def test_a_fast_pencil_leaves_no_gaps_and_is_one_pixel_thin(lines):
    before = lines.lines()
    lines.set("threshold", 1)  # so that nothing but what is drawn is left
    lines.drag((21, 13), (42, 25), (24, 34))
    drawn = (lines.lines() > 0) & HOLE
    assert label(drawn, connectivity=2).max() == 1
    assert np.count_nonzero(drawn) == 1 + 21 + 18  # a pixel for each column, then for each column or row
    assert drawn[13, 21] and drawn[25, 42] and drawn[34, 24]
    lines.set("threshold", 0)
    np.testing.assert_array_equal(lines.lines()[~drawn], before[~drawn])
    np.testing.assert_array_equal(lines.lines()[drawn], 255)


@pytest.mark.parametrize("tool", ["pencil", "rubber"])
def test_lines_change_inside_the_hole_only(lines, tool):
    before = lines.lines()
    lines.choose(tool)
    lines.drag((2, 20), (62, 22))
    lines.drag((30, 2), (33, 46))
    after = lines.lines()
    np.testing.assert_array_equal(after[~HOLE], before[~HOLE])
    assert (after != before)[HOLE].any()


def test_a_stroke_outside_the_hole_is_explained_and_no_step(lines):
    lines.drag((2, 2), (10, 10))
    lines.says("inside the hole only")
    lines.press("undo")
    lines.at_step("hole")  # what was undone is the prediction


def test_a_part_is_predicted_again_and_the_rest_stays(lines):
    lines.drag((22, 14), (22, 34))
    lines.drag((40, 14), (40, 34))
    before = lines.lines()
    lines.choose("again")
    lines.drag((33, 5), (60, 5), (60, 45), (33, 45))
    lines.says("This part predicted again")
    region = HOLE & (box(33, 5, 60, 45) > 0)
    np.testing.assert_array_equal(plane_of(lines.sent("api/edges", "region")) > 0, region)
    np.testing.assert_array_equal(plane_of(lines.sent("api/edges", "lines")), before)
    after = lines.lines()
    np.testing.assert_array_equal(after[~region], before[~region])
    assert (after[14:35, 40] != 255).any(), "what was drawn there made way"
    lines.press("undo")
    np.testing.assert_array_equal(lines.lines(), before)
    lines.drag((2, 2), (8, 2), (8, 8))
    lines.complains("That part is outside the hole")


def test_exported_lines_come_back_the_same(lines, tmp_path):
    lines.drag((22, 14), (40, 34))
    before = lines.file("export-lines")
    (tmp_path / "lines.png").write_bytes(before)
    lines.set("threshold", 0.9)
    lines.drag((22, 34), (40, 14))
    lines.page.set_input_files("#lines-file", tmp_path / "lines.png")
    lines.says("The lines in the hole are now the file's")
    np.testing.assert_array_equal(lines.lines(), plane_of(before))
    lines.press("drop-own")
    assert (lines.lines() != plane_of(before)).any()


def test_imported_lines_count_inside_the_hole_only(lines, tmp_path):
    known, soft = lines.lines(), np.random.default_rng(1).integers(0, 256, HOLE.shape, np.uint8)
    Image.fromarray(soft).save(tmp_path / "lines.png")
    lines.page.set_input_files("#lines-file", tmp_path / "lines.png")
    lines.says("The lines in the hole are now the file's")
    np.testing.assert_array_equal(lines.lines(), np.where(HOLE, soft, known))


def test_lines_of_a_second_picture(lines, tmp_path):
    """Of the picture's size, so that it is not resampled: Canny's lines of it, in the hole."""
    second = Image.fromarray(skimage.data.astronaut()[60:204, 130:322]).resize(HOLE.shape[::-1])
    second.save(tmp_path / "second.png")
    before = lines.lines()
    canny = edge_maps.canny_edges(edge_maps.to_gray(np.array(second)), 2)
    assert canny[HOLE].any()
    lines.page.set_input_files("#second-file", tmp_path / "second.png")
    dialog = lines.page.get_by_role("dialog")
    dialog.get_by_label("the whole picture").check()
    dialog.get_by_role("button", name="Use its lines").click()
    lines.says("The lines of the second picture are now in the hole")
    np.testing.assert_array_equal(lines.lines(), np.where(HOLE, canny, before))
    lines.press("undo")
    np.testing.assert_array_equal(lines.lines(), before)
    lines.page.set_input_files("#second-file", tmp_path / "second.png")
    dialog.get_by_label("the hole", exact=True).check()
    dialog.get_by_label("replace the lines").uncheck()
    dialog.get_by_role("button", name="Use its lines").click()
    lines.says("The lines of the second picture are now in the hole")
    after = lines.lines()
    assert (after >= before).all() and (after != before).any()


def test_another_sigma_predicts_again_and_own_lines_stay(lines):
    lines.drag((22, 14), (40, 34))
    for sigma in (3, 1, 0.5):  # only the last of a quick succession counts
        lines.set("sigma", sigma)
    wait_for_sigma(lines, "0.5")
    finer = lines.lines()
    assert finer[34, 40] == 255
    lines.page.uncheck("#known")
    wait_for_sigma(lines, "-1")
    assert not lines.lines()[~HOLE].any() and finer[~HOLE].any()
    lines.press("undo")
    np.testing.assert_array_equal(lines.lines(), finer)
    assert lines.page.is_checked("#known")


def wait_for_sigma(editor, sigma):
    """Waits until lines were predicted with it."""
    editor.page.wait_for_function("sigma => window.sent['api/edges'].get('sigma') === sigma", arg=sigma)
    editor.at_step("lines")


def test_lines_by_hed_have_no_sigma_but_can_be_left_out(page, photograph):
    def by_hed(route):
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"edge_source": "hed"})

    page.route("**/api/info", by_hed)
    page.reload()
    page.wait_for_selector("#samples button")
    editor = Editor(page)
    editor.open(photograph)
    editor.paint_hole()
    editor.predict()
    assert page.is_disabled("#sigma") and page.text_content("[data-value-of=sigma]") == "none, by HED"
    page.uncheck("#known")
    wait_for_sigma(editor, "-1")
    assert page.is_disabled("#sigma") and page.text_content("[data-value-of=sigma]") == "none"
    page.unroute("**/api/info")


def test_a_changed_hole_asks_for_new_lines(lines):
    lines.page.click("[data-go=hole]")
    lines.paint_hole(5, 5, 10, 10)
    lines.page.locator("[data-go=lines][aria-disabled=true]").wait_for()
    lines.press("undo")
    lines.page.click("[data-go=lines]")
    lines.at_step("lines")
    lines.press("redo")
    lines.at_step("hole")
    lines.fill()
    np.testing.assert_array_equal(plane_of(lines.file("download-mask")) > 0, HOLE | (box(5, 5, 10, 10) > 0))
