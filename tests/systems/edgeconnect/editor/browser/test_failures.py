"""What goes wrong is said in words, and nothing that was done is lost."""

import re

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests.systems.edgeconnect.editor.browser.driving import TIMES, box

REFUSED = "Failed to load resource"


def test_errors_of_the_service_are_shown_in_its_words(editor, expected_problems):
    expected_problems.append(REFUSED)
    editor.paint_hole()
    answer = {"status": 400, "json": {"detail": "mask: it has no hole; paint one"}}
    editor.page.route("**/api/edges", lambda route: route.fulfill(**answer))
    editor.press("predict")
    editor.complains("Mask: it has no hole; paint one.")
    editor.page.get_by_role("button", name="Close this message").click()
    expect(editor.page.get_by_role("alert")).to_be_hidden()
    editor.page.unroute("**/api/edges")
    editor.predict()


def test_a_service_that_is_gone(editor, expected_problems):
    expected_problems.append(REFUSED)
    editor.paint_hole()
    editor.page.route("**/api/edges", lambda route: route.abort())
    editor.press("predict")
    editor.complains("The service cannot be reached")
    np.testing.assert_array_equal(editor.mask(), box(20, 12, 43, 35))


def test_a_full_queue_is_waited_for(editor, expected_problems):
    expected_problems.append(REFUSED)
    asked = []

    def refuse_once(route):
        asked.append(route)
        if len(asked) > 1:
            return route.continue_()
        return route.fulfill(status=503, headers={"Retry-After": "1"}, json={"detail": "the queue is full"})

    editor.page.route("**/api/edges", refuse_once)
    editor.paint_hole()
    editor.press("predict")
    expect(editor.page.locator("#busy")).to_contain_text("Trying again in 1 s")
    editor.at_step("lines")
    assert len(asked) == 2


def test_work_can_be_cancelled_and_begun_again(editor):
    held = []
    editor.page.route("**/api/edges", lambda route: held.append(route))
    editor.paint_hole()
    before = editor.mask()
    editor.press("predict")
    expect(editor.page.locator("#busy")).to_contain_text(re.compile(r"Predicting lines\s*\d+\.\d s"))
    editor.drag((2, 2), (9, 9))  # nothing is painted meanwhile
    editor.page.keyboard.press("Control+z")
    editor.press("cancel")
    editor.says("Cancelled")
    editor.at_step("hole")
    np.testing.assert_array_equal(editor.mask(), before)
    assert len(held) == 1
    editor.page.unroute("**/api/edges")
    editor.predict()


def test_files_that_are_no_pictures_to_fill(page, tmp_path):
    for name, content, words in (
        ("notes.png", b"no picture at all", "notes.png cannot be shown by this browser. Save it as PNG"),
        ("notes.txt", b"no picture at all", "notes.txt is of the type text/plain, which is not supported"),
        ("large.png", (200, 101), f"large.png is 200 {TIMES} 101 pixels; the service takes up to 20,000 in all"),
    ):
        write(tmp_path / name, content)
        page.set_input_files("#picture-file", tmp_path / name)
        expect(page.get_by_role("alert")).to_contain_text(words)
        expect(page.locator("#welcome")).to_be_visible()


def test_files_that_are_no_masks(editor, tmp_path):
    editor.paint_hole()
    for content, words in (
        ((30, 20), f"is 30 {TIMES} 20 pixels, the picture 64 {TIMES} 48. The mask must have the same size"),
        (b"\x89PNG\r\n\x1a\n", "file.png: the file is corrupted: it has no header"),
        (Image.new("LA", (64, 48)), "has transparent parts. Save it without transparency"),
        (b"nothing", "cannot be read by this browser. Save it as PNG"),
    ):
        write(tmp_path / "file.png", content)
        editor.page.set_input_files("#mask-file", tmp_path / "file.png")
        editor.complains(words)
        np.testing.assert_array_equal(editor.mask(), box(20, 12, 43, 35))


def write(path, content):
    """Bytes, a picture, or a gray one of this size."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        image = Image.new("L", content) if isinstance(content, tuple) else content
        image.save(path)


def test_a_picture_is_dropped_and_pasted(page, photograph):
    for event, field in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.evaluate(
            """([event, field, bytes]) => {
              const data = new DataTransfer();
              data.items.add(new File([new Uint8Array(bytes)], 'cat.png', {type: 'image/png'}));
              const Kind = event === 'drop' ? DragEvent : ClipboardEvent;
              document.body.dispatchEvent(new Kind(event, {[field]: data, bubbles: true, cancelable: true}));
            }""",
            [event, field, list(photograph.read_bytes())],
        )
        page.wait_for_selector("body[data-step=hole]")
        page.click("[data-go=picture]")


def test_a_sample_that_is_larger_than_the_service_takes(page):
    page.click("[data-sample=coffee]")
    expect(page.get_by_role("alert")).to_contain_text(f"coffee.png is 600 {TIMES} 400 pixels")
