"""What a person does on the page, in pixels of the picture, and what comes back from it."""

import io
import pathlib

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

SIZE = (64, 48)  # width and height of the picture; one, so that one program is compiled
TIMES = "\N{MULTIPLICATION SIGN}"

# Keeps the last form that was sent to each address, in the page.
REMEMBER = """
window.sent = {};
const send = window.fetch;
window.fetch = (url, options) => {
  if (options?.body instanceof FormData) window.sent[url] = options.body;
  return send(url, options);
};
"""
_BYTES = """async ([url, field]) => {
  const value = window.sent[url].get(field);
  return value === null ? null : Array.from(new Uint8Array(await new Response(value).arrayBuffer()));
}"""

_PIXELS = """() => {
  const ink = document.getElementById('ink');
  return Array.from(ink.getContext('2d').getImageData(0, 0, ink.width, ink.height).data);
}"""


class Editor:
    """A page with a picture."""

    def __init__(self, page: Page):
        self.page = page
        self.touch = page.context.new_cdp_session(page)

    def open(self, path: pathlib.Path) -> None:
        """Chooses a picture."""
        self.page.set_input_files("#picture-file", path)
        self.at_step("hole")

    def at_step(self, step: str) -> None:
        """Waits until a step is shown and nothing goes on."""
        self.page.wait_for_selector(f"body[data-step={step}]")
        self.page.wait_for_selector("#busy", state="hidden")

    def press(self, action: str) -> None:
        """Clicks the button for an action, the one that is shown."""
        self.page.locator(f"[data-action={action}]:visible").click()

    def choose(self, tool: str) -> None:
        self.page.click(f"[data-tool={tool}]:visible")

    def on_screen(self, x: float, y: float) -> tuple[float, float]:
        """Where the middle of a pixel is in the window."""
        box = self.page.locator("#sheet").bounding_box()
        assert box
        width, height = SIZE
        return box["x"] + (x + 0.5) * box["width"] / width, box["y"] + (y + 0.5) * box["height"] / height

    def drag(self, *points: tuple[float, float]) -> None:
        """Presses the mouse at the first point and releases it at the last, with one event at each."""
        first, *others = [self.on_screen(*point) for point in points]
        self.page.mouse.move(*first)
        self.page.mouse.down()
        for point in others:
            self.page.mouse.move(*point)
        self.page.mouse.up()

    def fingers(self, kind: str, *points: tuple[float, float]) -> None:
        """Tells the browser of all fingers on the screen: kind is touchStart, touchMove, touchEnd or touchCancel."""
        places = [dict(zip("xy", self.on_screen(*p), strict=True), id=i) for i, p in enumerate(points)]
        self.touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    def swipe(self, *points: tuple[float, float]) -> None:
        """Draws with one finger."""
        self.fingers("touchStart", points[0])
        for point in points[1:]:
            self.fingers("touchMove", point)
        self.fingers("touchEnd")

    def paint_hole(self, x0: int = 20, y0: int = 12, x1: int = 43, y1: int = 35) -> None:
        """A rectangular hole with its corners in these pixels."""
        self.choose("rectangle")
        self.drag((x0, y0), (x1, y1))

    def predict(self) -> None:
        self.press("predict")
        self.at_step("lines")

    def fill(self) -> None:
        self.press("fill")
        self.at_step("result")

    def file(self, action: str) -> bytes:
        """What a button downloads."""
        with self.page.expect_download() as download:
            self.press(action)
        return pathlib.Path(download.value.path()).read_bytes()

    def plane(self, action: str) -> np.ndarray:
        """The mask or the lines that a button downloads, uint8 [H, W]."""
        return plane_of(self.file(action))

    def mask(self) -> np.ndarray:
        return self.plane("export-mask")

    def lines(self) -> np.ndarray:
        return self.plane("export-lines")

    def drawn(self) -> np.ndarray:
        """The colours over the picture as they are shown, uint8 [H, W, 4]."""
        values = self.page.evaluate(_PIXELS)
        return np.array(values, np.uint8).reshape(SIZE[1], SIZE[0], 4)

    def sent(self, path: str, field: str) -> bytes | None:
        """What the last form to a path held in a field."""
        found = self.page.evaluate(_BYTES, [path, field])
        return None if found is None else bytes(found)

    def set(self, slider: str, value: float) -> None:
        """Moves a slider, and lets it go."""
        self.page.locator(f"#{slider}").evaluate(
            "(slider, value) => { slider.value = value;"
            " for (const type of ['input', 'change']) slider.dispatchEvent(new Event(type, {bubbles: true})); }",
            str(value),
        )

    def says(self, words: str) -> None:
        """Waits until the status line says this."""
        expect(self.page.locator("#status")).to_contain_text(words)

    def complains(self, words: str) -> None:
        """Waits for a message about what went wrong."""
        expect(self.page.get_by_role("alert")).to_contain_text(words)


def plane_of(content: bytes) -> np.ndarray:
    """The array of a file that is 8-bit gray."""
    image = Image.open(io.BytesIO(content))
    assert (image.format, image.mode, image.size) == ("PNG", "L", SIZE)
    return np.array(image)


def box(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """A mask with a rectangle, both corners included: uint8 [H, W]."""
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[y0 : y1 + 1, x0 : x1 + 1] = 255
    return mask
