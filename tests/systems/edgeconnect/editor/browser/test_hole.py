"""Painting the hole: each tool pixel by pixel, undo and redo, masks as files, fingers, zooming and panning."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from skimage.measure import label

from tests.systems.edgeconnect.editor.browser.conftest import PHONE
from tests.systems.edgeconnect.editor.browser.driving import SIZE, Editor, box


def place(editor):
    """Where the picture lies in the window: its left, top and width."""
    found = editor.page.locator("#sheet").bounding_box()
    return np.array([found["x"], found["y"], found["width"]])


def test_rectangles_and_lassos_add_and_with_shift_take_away(editor):
    page = editor.page
    editor.paint_hole(10, 8, 40, 30)
    expected = box(10, 8, 40, 30)
    np.testing.assert_array_equal(editor.mask(), expected)
    page.keyboard.down("Shift")
    editor.drag((20, 15), (25, 50))  # beyond the border
    page.keyboard.up("Shift")
    expected[15:, 20:26] = 0
    np.testing.assert_array_equal(editor.mask(), expected)
    page.keyboard.press("l")
    editor.drag((50, 10), (60, 10), (60, 20), (50, 20))
    np.testing.assert_array_equal(editor.mask(), expected | box(50, 10, 60, 20))


def test_brush_and_eraser_are_round_and_leave_no_gaps(editor):
    page = editor.page
    for _ in range(40):
        page.keyboard.press("[")
    assert page.input_value("[data-size=hole]") == "1"
    for _ in range(4):
        page.keyboard.press("]")
    assert page.input_value("[data-size=hole]") == "5"
    editor.drag((10, 10), (10, 10))
    disc = np.hypot(*np.mgrid[-2:3, -2:3]) <= 2.5
    expected = box(8, 8, 12, 12) * np.pad(disc, ((8, 35), (8, 51)))
    np.testing.assert_array_equal(editor.mask(), expected)
    editor.press("clear")
    editor.drag((5, 5), (60, 40))
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    t = np.clip(((x - 5) * 55 + (y - 5) * 35) / (55**2 + 35**2), 0, 1)
    stroke = np.hypot(x - 5 - 55 * t, y - 5 - 35 * t) <= 2.5
    np.testing.assert_array_equal(editor.mask() > 0, stroke)
    page.keyboard.press("e")
    editor.drag((32, 0), (32, 47))
    left = editor.mask() > 0
    assert label(left, connectivity=2).max() == 2 and not left[:, 30:35].any()
    np.testing.assert_array_equal(left[:, :30], stroke[:, :30])


def test_undo_and_redo_restore_every_step_exactly(editor):
    steps = [
        lambda: editor.paint_hole(30, 20, 60, 40),
        lambda: editor.press("invert"),
        lambda: (editor.choose("brush"), editor.drag((40, 25), (50, 30))),
        lambda: editor.press("clear"),
        lambda: (editor.choose("lasso"), editor.drag((5, 5), (40, 5), (20, 40))),
    ]
    masks = []
    for step in steps:
        step()
        masks.append(saved(editor))
    assert len({mask.tobytes() for mask in masks}) == len(steps)
    for mask in reversed(masks[:-1]):
        editor.press("undo")
        np.testing.assert_array_equal(saved(editor), mask)
    editor.press("undo")
    expect(editor.page.locator("[data-action=undo]")).to_have_attribute("aria-disabled", "true")
    for mask in masks:
        editor.page.keyboard.press("Control+y")
        np.testing.assert_array_equal(saved(editor), mask)
    expect(editor.page.locator("[data-action=redo]")).to_have_attribute("aria-disabled", "true")


def saved(editor):
    """The mask, of zeros where there is no hole to be saved."""
    if editor.page.locator("[data-action=export-mask]").get_attribute("aria-disabled") == "true":
        return box(0, 0, -1, -1)
    return editor.mask()


def test_nothing_can_be_undone_before_a_picture_is_open(page):
    for action in ("undo", "redo"):
        expect(page.locator(f"[data-action={action}]")).to_have_attribute("aria-disabled", "true")


def test_masks_as_files(editor, rng, tmp_path):
    for mode in ("L", "RGB", "1"):
        levels = rng.integers(0, 256, SIZE[::-1], np.uint8)
        image = Image.fromarray(levels).convert(mode, dither=Image.Dither.NONE)
        image.save(tmp_path / "mask.png")
        editor.page.set_input_files("#mask-file", tmp_path / "mask.png")
        editor.says("The hole is now the mask's")
        np.testing.assert_array_equal(editor.mask(), np.where(levels > 127, 255, 0), mode)
        editor.press("clear")
        editor.says("Cleared")


def test_wheel_and_keys_zoom_and_pan_without_painting(editor):
    page, middle = editor.page, editor.on_screen(31.5, 23.5)
    before = place(editor)
    page.mouse.move(*editor.on_screen(10, 10))
    page.mouse.wheel(0, -400)
    fixed = editor.on_screen(10, 10)
    page.mouse.wheel(0, -100)
    assert place(editor)[2] > before[2]
    np.testing.assert_allclose(editor.on_screen(10, 10), fixed, atol=0.5)
    page.keyboard.press("0")
    np.testing.assert_allclose(place(editor), before, atol=0.1)
    page.keyboard.press("1")
    assert place(editor)[2] == SIZE[0]
    page.keyboard.press("0")
    page.keyboard.press("+")
    page.keyboard.press("-")
    np.testing.assert_allclose(place(editor), before, atol=0.1)
    page.mouse.move(*middle)
    page.keyboard.down(" ")
    page.mouse.down()
    page.mouse.move(middle[0] + 50, middle[1] - 20)
    page.mouse.up()
    page.keyboard.up(" ")
    np.testing.assert_allclose(place(editor)[:2] - before[:2], (50, -20), atol=0.1)
    assert not saved(editor).any()


@pytest.mark.parametrize("device", [PHONE], indirect=True)
def test_two_fingers_zoom_and_what_the_first_began_is_dropped(editor):
    before = place(editor)
    editor.fingers("touchStart", (20, 20))
    editor.fingers("touchMove", (22, 20))
    editor.fingers("touchStart", (22, 20), (42, 20))
    far = [editor.on_screen(12, 20), editor.on_screen(52, 20)]
    editor.fingers("touchMove", (12, 20), (52, 20))
    editor.fingers("touchEnd")
    zoom = place(editor)[2] / before[2]
    assert 1.8 < zoom < 2.2
    np.testing.assert_allclose(editor.on_screen(32, 20), np.mean(far, axis=0), atol=6)
    assert not saved(editor).any()
    editor.swipe((30, 20), (34, 22))
    assert saved(editor).any()


def test_the_mask_is_that_of_the_upright_picture(page, tmp_path):
    """A photograph of a camera that was held on its side, as EXIF tells."""
    pixels = Image.effect_mandelbrot(SIZE[::-1], (-2, -1, 1, 1), 50).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels.save(tmp_path / "side.jpg", exif=exif)
    editor = Editor(page)
    editor.open(tmp_path / "side.jpg")
    editor.paint_hole(50, 4, 60, 12)
    np.testing.assert_array_equal(editor.mask(), box(50, 4, 60, 12))
    editor.fill()
    assert Image.open(io.BytesIO(editor.file("download-filled"))).size == SIZE
