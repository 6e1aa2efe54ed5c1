"""The whole story: from a picture to a filled one, and to the same bytes again on the command line."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.systems.edgeconnect.editor.browser.conftest import DESKTOP, PHONE, ROOT
from tests.systems.edgeconnect.editor.browser.driving import plane_of


@pytest.mark.parametrize("device", [DESKTOP, PHONE], indirect=True, ids=["desktop", "phone"])
def test_the_whole_story(editor, device, photograph, checkpoint, tmp_path):
    page, draw = editor.page, editor.swipe if device is PHONE else editor.drag

    draw((20, 15), (40, 15), (40, 30), (20, 30), (25, 20), (35, 24))
    mask = editor.mask()
    assert 200 < np.count_nonzero(mask) < mask.size / 2

    editor.predict()
    predicted = editor.lines()
    draw((22, 16), (38, 29))
    drawn = editor.lines()
    assert (drawn != predicted).any()
    editor.fill()
    expect(page.locator("#took")).to_contain_text("Filled in")

    compare(editor)
    page.keyboard.press("Control+z")
    editor.at_step("lines")
    page.keyboard.press("Control+z")
    np.testing.assert_array_equal(editor.lines(), predicted)
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+Shift+z")
    editor.at_step("result")

    files = {name: editor.file(f"download-{name}") for name in ("filled", "mask", "lines", "recipe")}
    np.testing.assert_array_equal(plane_of(files["mask"]), mask)
    np.testing.assert_array_equal(plane_of(files["lines"]), drawn)
    before, after = np.array(Image.open(photograph)), np.array(Image.open(io.BytesIO(files["filled"])))
    changed = (before != after).any(axis=-1)
    assert changed.any() and not changed[mask == 0].any()
    assert replayed(files["recipe"], photograph, checkpoint, tmp_path) == files["filled"]


def compare(editor):
    """Moves the divider to the middle, and holds a key and a button for the original."""
    page = editor.page
    divider = page.locator("#divider")
    assert divider.get_attribute("aria-valuenow") == "0"
    handle = divider.bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(*editor.on_screen(31.5, 20))
    page.mouse.up()
    assert divider.get_attribute("aria-valuenow") == "50"
    assert "50%" in page.locator("#filled").evaluate("filled => filled.style.clipPath")
    page.keyboard.down("o")
    expect(page.locator("#filled")).to_be_hidden()
    page.keyboard.up("o")
    expect(page.locator("#filled")).to_be_visible()
    page.locator("#hold").dispatch_event("pointerdown")
    expect(page.locator("#filled")).to_be_hidden()
    page.locator("#hold").dispatch_event("pointerup")
    expect(page.locator("#filled")).to_be_visible()


def replayed(recipe, photograph, checkpoint, folder):
    """The file that the command line makes of a recipe."""
    (folder / "recipe.json").write_bytes(recipe)
    given = {"recipe": folder / "recipe.json", "input": photograph, "checkpoint": checkpoint, "output": folder / "out"}
    options = [text for name, path in given.items() for text in (f"--{name}", str(path))]
    command = [sys.executable, "-m", "edgeconnect_jax.inpaint", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return (folder / "out/cat.png").read_bytes()


def test_filling_without_editing_does_both_steps(editor):
    editor.paint_hole()
    editor.page.evaluate(
        "new MutationObserver(() => (window.said ??= []).push(document.getElementById('status').textContent))"
        ".observe(document.getElementById('status'), {childList: true})"
    )
    editor.fill()
    said = " ".join(editor.page.evaluate("window.said"))
    assert said.index("Predicting lines") < said.rindex("Filling the hole") < said.index("Filled in")
    editor.press("edit-lines")
    editor.at_step("lines")
    assert (editor.lines()[12:36, 20:44] > 0).any()


def test_the_strip_goes_back_to_a_result_with_its_hole_and_lines(editor):
    editor.paint_hole()
    editor.fill()
    first = {name: editor.file(f"download-{name}") for name in ("filled", "mask", "lines")}
    editor.press("edit-lines")
    editor.set("threshold", 0.5)
    editor.drag((22, 14), (40, 30))
    editor.fill()
    second = editor.file("download-filled")
    assert second != first["filled"]
    editor.page.get_by_role("button", name="Go back to result 1").click()
    editor.says("Result 1 is shown again")
    assert {name: editor.file(f"download-{name}") for name in first} == first
    editor.press("edit-lines")
    np.testing.assert_array_equal(editor.lines(), plane_of(first["lines"]))
    assert editor.page.input_value("#threshold") == "0"
    editor.fill()
    assert editor.file("download-filled") == first["filled"]
    for _ in range(2):
        editor.press("undo")
    assert editor.file("download-filled") == second


def test_a_sample_and_another_picture_after_it(editor, photograph):
    """Work is not lost without a question."""
    editor.paint_hole()
    editor.page.click("[data-go=picture]")
    editor.page.set_input_files("#picture-file", photograph)
    dialog = editor.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Open another picture?")
    dialog.get_by_role("button", name="Cancel").click()
    editor.page.click("[data-go=hole]")
    assert editor.mask().any()
    editor.page.click("[data-go=picture]")
    editor.page.set_input_files("#picture-file", photograph)
    dialog.get_by_role("button", name="Open it").click()
    editor.at_step("hole")
    expect(editor.page.locator("[data-action=export-mask]")).to_have_attribute("aria-disabled", "true")
