"""Two systems in one service: links between their pages, and the picture that goes along through the store."""

import pytest
from playwright.sync_api import expect

from tests.serving.negative.page import PAGE
from tests.serving.services import running
from tests.systems.edgeconnect.editor.browser.conftest import SETTINGS
from tests.systems.edgeconnect.editor.narrow import pages_of

STORED = """() => new Promise((resolve) => {
  const opening = indexedDB.open('edgeconnect_jax', 1);
  opening.onsuccess = () => {
    const counting = opening.result.transaction('pictures').objectStore('pictures').count();
    counting.onsuccess = () => { opening.result.close(); resolve(counting.result); };
  };
})"""
IS_SHOWN = "() => document.getElementById('picture').naturalWidth === 64"


@pytest.fixture(scope="module")
def url(model):
    """A service with another system beside EdgeConnect."""
    pages = {**pages_of(model), "negative": (PAGE, PAGE.load(["small"], "float32"))}
    with running(pages, SETTINGS) as service:
        yield service.url


def follow(page, title):
    page.locator("#pages").get_by_role("link", name=title).click()


def test_a_picture_goes_to_another_page_and_back(editor, url, photograph):
    page = editor.page
    follow(page, "Negative")
    page.wait_for_url(f"{url}/negative/")
    expect(page.locator("#status")).to_have_text(f"cat.png, {photograph.stat().st_size} bytes")
    assert page.evaluate(STORED) == 0, "the store forgets what was taken"
    follow(page, "EdgeConnect")
    page.wait_for_url(f"{url}/edgeconnect/")
    editor.at_step("hole")
    editor.paint_hole()
    editor.fill()
    assert editor.sent("api/inpaint", "image") == photograph.read_bytes()


def test_a_result_goes_along_once_leaving_is_confirmed(editor, url):
    page = editor.page
    editor.paint_hole()
    editor.fill()
    filled = editor.file("download-filled")
    follow(page, "Negative")
    dialog = page.get_by_role("dialog", name="Continue with Negative?")
    dialog.get_by_role("button", name="Cancel").click()
    editor.at_step("result")
    follow(page, "Negative")
    dialog.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{url}/negative/")
    expect(page.locator("#status")).to_have_text(f"cat_filled.png, {len(filled)} bytes")
    page.wait_for_function(IS_SHOWN)


def test_without_a_picture_a_link_is_a_link(page, url):
    follow(page, "Negative")
    page.wait_for_url(f"{url}/negative/")
    expect(page.locator("#status")).to_have_text("no picture")
    page.reload()
    expect(page.locator("#status")).to_have_text("no picture")


def test_a_picture_for_one_page_is_not_opened_by_a_visit_to_it(editor, url):
    """Only a page that was reached with the picture takes it, and only the newest one is kept."""
    page = editor.page
    page.evaluate(
        """async () => {
          const {offer} = await import(new URL('static/shared/store.js', document.baseURI));
          for (const name of ['first.png', 'second.png']) await offer('negative', new File(['x'.repeat(5)], name));
        }"""
    )
    assert page.evaluate(STORED) == 1
    page.goto(f"{url}/negative/")
    expect(page.locator("#status")).to_have_text("no picture")
    page.goto("about:blank")
    page.goto(f"{url}/negative/#picture")
    expect(page.locator("#status")).to_have_text("second.png, 5 bytes")


def test_a_store_that_is_out_of_order_is_reported(editor):
    page = editor.page
    page.evaluate(
        """() => { indexedDB.open = () => {
          const opening = {error: new DOMException('no disk')};
          setTimeout(() => opening.onerror());
          return opening;
        }; }"""
    )
    follow(page, "Negative")
    editor.complains("The browser cannot store the picture (no disk). Save it, and open the file there.")
    editor.at_step("hole")
