"""The editor's page in Chromium, with narrow networks behind it.

Shared by the files of this folder alone: while Playwright's synchronous interface is open, an event loop runs in this
thread, which other tests may want for themselves.
"""

import pathlib
import re
import shutil
from collections.abc import Iterator

import pytest
import skimage.data
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from edgeconnect_jax.serving.page import Model
from edgeconnect_jax.serving.settings import Settings
from tests.serving.services import running
from tests.systems.edgeconnect.editor.browser.driving import REMEMBER, SIZE, Editor
from tests.systems.edgeconnect.editor.narrow import pages_of
from tests.systems.edgeconnect.weights import write_checkpoint

ROOT = pathlib.Path(__file__).parents[5]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
SETTINGS = Settings(max_pixels=20_000, warm_up=(SIZE[::-1],))
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


@pytest.fixture(scope="package")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Narrow networks on disk. Read only."""
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="package")
def url(model: Model) -> Iterator[str]:
    """The address of the service."""
    with running(pages_of(model), SETTINGS) as service:
        yield service.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium as it is installed. A file has its own: Playwright keeps a loop running in the thread of the tests."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The picture that the tests edit: a piece of a photograph, SIZE. Read only."""
    path = tmp_path_factory.mktemp("picture") / "cat.png"
    width, height = SIZE
    Image.fromarray(skimage.data.chelsea()[30:270, 100:420]).resize((width, height)).save(path)
    return path


@pytest.fixture
def expected_problems() -> list[str]:
    """Regular expressions of messages that a test means to provoke in the browser's console."""
    return []


@pytest.fixture
def device(request: pytest.FixtureRequest) -> dict:
    """Of which width, and whether with touch: a test may be given another than a desktop's."""
    return getattr(request, "param", DESKTOP)


@pytest.fixture
def context(browser: Browser, device: dict) -> Iterator[BrowserContext]:
    """A browser without a past."""
    context = browser.new_context(**device)
    context.set_default_timeout(20_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, url: str, expected_problems: list[str]) -> Iterator[Page]:
    """The page, just opened. No error may reach its console, and no request another host."""
    page, problems, hosts = context.new_page(), [], set()
    page.on("console", lambda message: message.type in ("error", "warning") and problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: hosts.add(re.sub(r"^(blob:)?(\w+://[^/]+).*", r"\2", request.url)))
    page.add_init_script(REMEMBER)
    page.goto(url)
    page.wait_for_selector("#samples button")
    yield page
    assert hosts == {url}
    assert not [text for text in problems if not any(re.search(known, text) for known in expected_problems)]


@pytest.fixture
def editor(page: Page, photograph: pathlib.Path) -> Editor:
    """The page with the photograph open."""
    editor = Editor(page)
    editor.open(photograph)
    return editor
