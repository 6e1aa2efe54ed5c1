"""Everything with the keyboard alone, and what screen readers are told."""

import numpy as np
from playwright.sync_api import expect

from tests.systems.edgeconnect.editor.browser.driving import box


def focus(page, selector):
    """Goes to an element with the Tab key, as its order allows."""
    for _ in range(40):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key does not lead to {selector}")


def type_keys(page, *keys):
    for key in keys:
        name, times = key if isinstance(key, tuple) else (key, 1)
        for _ in range(times):
            page.keyboard.press(name)


def test_from_a_picture_to_a_result_without_a_mouse(editor):
    page, keyboard = editor.page, editor.page.keyboard
    expect(page.locator("#hole-title")).to_be_focused()
    focus(page, "#viewport")
    keyboard.press("r")
    editor.says("Rectangle chosen")
    # The first press shows the cursor, in the middle: 32, 24.
    type_keys(page, "ArrowLeft", "Shift+ArrowLeft", ("ArrowUp", 4), "Enter")
    editor.says("Rectangle down at 22, 20")
    type_keys(page, ("Shift+ArrowRight", 2), "Shift+ArrowDown", "Enter")
    np.testing.assert_array_equal(editor.mask(), box(22, 20, 42, 30))
    focus(page, "#viewport")
    keyboard.press("Control+Enter")
    editor.at_step("lines")
    expect(page.locator("#viewport")).to_be_focused()
    before = editor.lines()
    focus(page, "#viewport")
    type_keys(page, "p", "ArrowRight", "Enter", ("ArrowRight", 8), "Enter", "ArrowDown")
    after = editor.lines()
    np.testing.assert_array_equal(after[24, 32:41], 255)
    assert np.count_nonzero(after != before) <= 9
    keyboard.press("Control+Enter")
    editor.at_step("result")
    focus(page, "#divider")
    type_keys(page, ("ArrowRight", 3))
    assert page.get_attribute("#divider", "aria-valuenow") == "6"
    keyboard.press("End")
    assert page.get_attribute("#divider", "aria-valuenow") == "100"
    focus(page, "[data-action=download-filled]")
    with page.expect_download() as download:
        keyboard.press("Enter")
    assert download.value.suggested_filename == "cat_filled.png"


def test_help_lists_the_keys_and_gives_the_focus_back(editor):
    page = editor.page
    page.focus("#viewport")
    page.keyboard.press("h")
    dialog = page.get_by_role("dialog", name="Help")
    expect(dialog.get_by_role("row", name="Ctrl-Z")).to_contain_text("undo")
    page.keyboard.press("b")  # does nothing meanwhile
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#viewport")).to_be_focused()


def test_single_keys_can_be_kept_to_the_picture(editor):
    page = editor.page
    page.keyboard.press("h")
    page.uncheck("#single-keys")
    page.keyboard.press("Escape")
    page.focus("[data-tool=brush]")
    page.keyboard.press("l")
    expect(page.locator("[data-tool=brush]")).to_have_attribute("aria-pressed", "true")
    page.focus("#viewport")
    page.keyboard.press("l")
    expect(page.locator("[data-tool=lasso]")).to_have_attribute("aria-pressed", "true")


def test_escape_drops_a_stroke_of_the_keyboard(editor):
    editor.page.focus("#viewport")
    type_keys(editor.page, "b", "ArrowDown", "Enter", ("ArrowDown", 3), "Escape")
    editor.says("Discarded")
    expect(editor.page.locator("[data-action=undo]")).to_have_attribute("aria-disabled", "true")


def test_everything_that_can_be_used_has_a_name(editor):
    editor.paint_hole()
    editor.predict()
    editor.fill()
    nameless = editor.page.evaluate(
        """() => {
          const all = document.querySelectorAll('button, input, [role=slider], [role=application], dialog, img');
          const named = one => one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length
            || one.getAttribute('aria-labelledby') || one.alt !== undefined && one.tagName === 'IMG';
          return Array.from(all).filter(one => !named(one)).map(one => one.outerHTML);
        }"""
    )
    assert nameless == []
    for step in ("hole", "lines", "result"):
        editor.page.click(f"[data-go={step}]")
        expect(editor.page.locator("[aria-current=step]")).to_have_attribute("data-go", step)
        expect(editor.page.get_by_role("heading", level=2).locator("visible=true")).to_have_count(1)
