"""The editor's page: seconds from the click on Predict to lines on the page, and from Fill to the picture.

python benchmarks/editor_page.py [--sizes 512x512 ...] [--rounds 5] [--screenshot FILE [--checkpoint C]]

The service runs in a process of its own, on a checkpoint of reference weights, the page in Chromium without a GPU. What
the networks took is what the service reports. A trained checkpoint is useful for the screenshot only.
"""

import argparse
import io
import math
import pathlib
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import skimage.data
from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

from benchmarks.serve_load import reference_weights, served
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.images import files

_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
_WINDOW: ViewportSize = {"width": 1160, "height": 720}
_TIMEOUT = 600_000  # ms
# Seconds from a click until the step that follows is shown and drawn, and of these the networks'.
_CLICK = """([action, step]) => new Promise((resolve) => {
  let computed = 0;
  const ask = window.fetch;
  window.fetch = async (...given) => {
    const answer = await ask(...given);
    computed += Number(/compute;dur=([\\d.]+)/.exec(answer.headers.get('Server-Timing'))?.[1] ?? 0);
    return answer;
  };
  const begun = performance.now();
  const look = () => {
    const isDone = document.body.dataset.step === step && document.getElementById('busy').hidden;
    requestAnimationFrame(isDone ? done : look);
  };
  const done = () => {
    window.fetch = ask;
    resolve([(performance.now() - begun) / 1000, computed / 1000]);
  };
  Array.from(document.querySelectorAll(`[data-action=${action}]`)).find((one) => one.offsetParent).click();
  look();
})"""


class Clicked(NamedTuple):
    """Seconds from a click to what follows on the page, and of these the networks'."""

    seconds: float
    networks: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = pathlib.Path(name)
        if options.checkpoint:
            (folder / "checkpoint").symlink_to(options.checkpoint.resolve())
        else:
            weights = reference_weights(64, 8)
            checkpoints.save_weights(folder / "checkpoint", weights.networks, weights.meta)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        with served(folder, options.sizes) as (url, _):
            page = browser.new_page(viewport=_WINDOW)
            page.set_default_timeout(_TIMEOUT)
            for size in options.sizes:
                print(_line(size, measure(page, url, _photograph(folder, size), options.rounds)))
            if options.screenshot:
                show(page, url, options.screenshot)
        browser.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python benchmarks/editor_page.py", allow_abbrev=False)
    add = parser.add_argument
    add("--sizes", nargs="*", default=["512x512"], metavar="WxH", help="of pictures (default: 512x512)")
    add("--rounds", type=int, default=5, help="the median is reported (default: 5)")
    add("--checkpoint", type=pathlib.Path, metavar="C", help="instead of reference weights")
    add("--screenshot", type=pathlib.Path, metavar="FILE", help="write a picture of the page with lines")
    return parser


def _photograph(folder: pathlib.Path, size: str) -> pathlib.Path:
    width, height = map(int, size.split("x"))
    path = folder / f"{size}.png"
    files.write_png(path, files.resize_bilinear(skimage.data.astronaut(), height, width))
    return path


def measure(page: Page, url: str, picture: pathlib.Path, rounds: int) -> dict[str, list[Clicked]]:
    """Predicts and fills `rounds` times, after one time that is not counted."""
    _open(page, url, picture)
    _drag(page, "rectangle", (0.3, 0.3), (0.7, 0.7))
    found: dict[str, list[Clicked]] = {"predict": [], "fill": []}
    for _ in range(rounds + 1):
        page.click("[data-go=hole]")
        found["predict"].append(Clicked(*page.evaluate(_CLICK, ["predict", "lines"])))
        found["fill"].append(Clicked(*page.evaluate(_CLICK, ["fill", "result"])))
    return {action: clicks[1:] for action, clicks in found.items()}


def show(page: Page, url: str, path: pathlib.Path) -> None:
    """Writes a picture of the page with lines, some of them drawn."""
    page.goto(url)
    page.click("[data-sample=coffee]")
    page.wait_for_selector("body[data-step=hole]")
    _drag(page, "lasso", *_arc((0.63, 0.66), (0.13, 0.22), 0, 360))
    page.evaluate(_CLICK, ["predict", "lines"])
    _drag(page, "pencil", *_arc((0.495, 0.3), (0.19, 0.36), 10, 80))
    _drag(page, "pencil", *_arc((0.5, 0.42), (0.235, 0.36), -5, 80))
    _drag(page, "pencil", (0.695, 0.4), (0.685, 0.45))
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    # Few colours make a small file; this method keeps those of thin lines.
    shot.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE).save(path, optimize=True)


def _open(page: Page, url: str, picture: pathlib.Path) -> None:
    page.goto(url)
    page.set_input_files("#picture-file", picture)
    page.wait_for_selector("body[data-step=hole]")


def _drag(page: Page, tool: str, *points: tuple[float, float]) -> None:
    """Uses a tool between points, in parts of the picture's sides."""
    page.click(f"[data-tool={tool}]")
    box = page.locator("#sheet").bounding_box()
    assert box
    first, *others = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*first)
    page.mouse.down()
    for point in others:
        page.mouse.move(*point)
    page.mouse.up()


def _arc(centre: tuple[float, float], radii: tuple[float, float], begin: int, end: int) -> list[tuple[float, float]]:
    """Points of an ellipse, in parts of the picture's sides, from one angle to another in degrees."""
    angles = [math.radians(degrees) for degrees in range(begin, end + 1, 4)]
    return [(centre[0] + radii[0] * math.cos(a), centre[1] + radii[1] * math.sin(a)) for a in angles]


def _line(size: str, found: dict[str, list[Clicked]]) -> str:
    medians = {
        action: [statistics.median(values) for values in zip(*clicks, strict=True)] for action, clicks in found.items()
    }
    words = [f"{action} {whole:.2f} s, of these the networks {own:.2f} s" for action, (whole, own) in medians.items()]
    return f"{size}: {'; '.join(words)}"


if __name__ == "__main__":
    sys.exit(main())
