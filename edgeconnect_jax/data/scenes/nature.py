"""Sky, mountains, ground, water, trees and rocks."""

import itertools

import numpy as np

from edgeconnect_jax.data.scenes.camera import Place
from edgeconnect_jax.data.scenes.canvas import Canvas
from edgeconnect_jax.data.scenes.draws import Draws, hsv, lit, mixed
from edgeconnect_jax.data.scenes.shapes import Fill, Points, ellipse


def sky(canvas: Canvas) -> None:
    """The sky with its sun and clouds."""
    palette, draws, horizon = canvas.palette, canvas.draws, canvas.camera.horizon
    canvas.flat(_band(0.0, 1.0), Fill(palette.sky_top, palette.sky_bottom, (0.0, horizon)), "sky")
    if palette.time in ("day", "evening", "dusk") and draws.chance(0.5):
        x, y, size = draws.uniform(0.1, 0.9), draws.uniform(0.25, 0.8) * horizon, draws.uniform(0.025, 0.05)
        glow = mixed(palette.sky_bottom, (1.0, 1.0, 0.9), 0.5)
        canvas.flat(ellipse(x, y, 1.7 * size, 1.7 * size), Fill(glow, glow, opacity=0.35), None)
        color = (1.0, 0.96, 0.8) if palette.time == "day" else (1.0, 0.78, 0.5)
        canvas.flat(ellipse(x, y, size, size), color, "sun")
    for _ in range(draws.whole(0, 4)):
        _cloud(canvas, draws.uniform(-0.1, 1.1), draws.uniform(0.1, 0.75) * horizon, draws.uniform(0.06, 0.16))


def _cloud(canvas: Canvas, x: float, y: float, size: float) -> None:
    draws, palette = canvas.draws, canvas.palette
    bright = lit(mixed((1.0, 1.0, 1.0), palette.sky_bottom, 0.25), 0.7 if palette.time == "dusk" else 1.0)
    fill = Fill(bright, mixed(bright, palette.sky_top, 0.35), (y - 0.4 * size, y + 0.25 * size))
    for _ in range(draws.whole(5, 9)):
        dx, width = draws.uniform(-1.0, 1.0) * size, draws.uniform(0.25, 0.5) * size
        height = width * draws.uniform(0.5, 0.8) * (1.2 - abs(dx) / size)
        outline = ellipse(x + dx, y - 0.35 * height, width, height)
        outline[:, 1] = np.minimum(outline[:, 1], y + 0.06 * size)
        canvas.flat(outline, fill, "cloud")


def mountains(canvas: Canvas) -> None:
    """Ridges, the farther the paler."""
    draws, palette, horizon = canvas.draws, canvas.palette, canvas.camera.horizon
    count = draws.whole(1, 3)
    base = hsv(draws.uniform(0.55, 0.72), 0.3, 0.45) if draws.chance(0.6) else lit(palette.foliage, 0.7)
    for ridge in range(count):
        share = (ridge + 1) / (count + 1)
        height = draws.uniform(0.45, 0.8) * horizon * (1 - 0.6 * share)
        color = mixed(palette.haze, palette.shaded(base, (0.0, 0.7, -0.7)), 0.35 + 0.5 * share)
        top = _ridge(draws, horizon, height, rough=draws.uniform(0.25, 0.6))
        fill = Fill(color, mixed(color, palette.haze, 0.4), (horizon - height, horizon), grain=0.05, cells=40)
        canvas.flat(np.concatenate([top, [[1.1, horizon + 0.02], [-0.1, horizon + 0.02]]]), fill, "mountain")
        if palette.time == "winter" or (ridge == 0 and draws.chance(0.3)):
            _snow(canvas, top, horizon - height)


def _ridge(draws: Draws, horizon: float, height: float, rough: float) -> Points:
    """A line of peaks by halving: each new point lies off the middle of its neighbours."""
    heights = [draws.uniform(0.2, 1.0) * height for _ in range(4)]
    for _ in range(3):
        between = [(a + b) / 2 + draws.uniform(-1, 1) * rough * height / 2 for a, b in itertools.pairwise(heights)]
        heights = [h for pair in zip(heights[:-1], between, strict=True) for h in pair] + heights[-1:]
        rough /= 2
    x = np.linspace(-0.1, 1.1, len(heights))
    return np.stack([x, horizon - np.clip(heights, 0.05 * height, height)], axis=1)


def _snow(canvas: Canvas, top: Points, highest: float) -> None:
    """Snow above a height, on each peak of a ridge."""
    line = highest + 0.35 * (top[:, 1].max() - highest)
    lower = np.minimum(np.maximum(top[:, 1], line), top[:, 1] + 0.03)
    outline = np.concatenate([top, np.stack([top[:, 0], np.maximum(lower, top[:, 1])], axis=1)[::-1]])
    white = canvas.palette.far((0.95, 0.97, 1.0), 60.0)
    canvas.flat(outline, Fill(white, white, opacity=0.85), None)


def ground(canvas: Canvas) -> None:
    """The ground up to the horizon."""
    palette, horizon = canvas.palette, canvas.camera.horizon
    up = (0.0, 1.0, 0.0)
    tones = palette.shaded(palette.ground, up, 300.0), palette.shaded(palette.ground, up, 2.0)
    canvas.flat(
        _band(horizon, 1.0), Fill(*tones, (horizon, 0.5 + horizon / 2), grain=0.1, cells=80, stretch=4), "ground"
    )


def fields(canvas: Canvas) -> None:
    """Rows of crops, which run into the distance."""
    draws, palette = canvas.draws, canvas.palette
    colors = [hsv(draws.uniform(0.1, 0.33), draws.uniform(0.35, 0.6), draws.uniform(0.45, 0.8)) for _ in range(2)]
    left, width, rows = draws.uniform(-40, 6), draws.uniform(1.2, 2.5), draws.whole(8, 16)
    near, far = draws.uniform(3, 10), draws.uniform(60, 200)
    if palette.time == "winter":
        colors = [mixed(color, palette.ground, 0.6) for color in colors]
    for row in range(rows):
        x = left + row * width
        corners = [(x, 0.0, near), (x, 0.0, far), (x + width, 0.0, far), (x + width, 0.0, near)]
        canvas.on_ground(corners, colors[row % 2], "ground", grain=0.06, cells=90)


def water(canvas: Canvas) -> None:
    """A lake from shore to shore, under the mountains."""
    draws, palette, camera = canvas.draws, canvas.palette, canvas.camera
    near = draws.uniform(7, 16)
    y = camera.horizon + camera.focal * camera.height / near
    x = np.linspace(-0.1, 1.1, 14)
    shore = np.array([y + draws.uniform(-0.012, 0.012) for _ in x])
    top = np.array([[1.1, camera.horizon + 0.004], [-0.1, camera.horizon + 0.004]])
    tones = mixed(palette.sky_bottom, (0.1, 0.3, 0.45), 0.3), mixed(palette.sky_top, (0.05, 0.22, 0.35), 0.55)
    fill = Fill(*tones, (camera.horizon, y), grain=0.08, cells=50, stretch=7)
    canvas.flat(np.concatenate([np.stack([x, shore], axis=1), top]), fill, "water")
    wet = np.concatenate([np.stack([x, shore - 0.004], axis=1), np.stack([x, shore + 0.012], axis=1)[::-1]])
    canvas.flat(wet, Fill(palette.ground, lit(palette.ground, 0.7), (y - 0.01, y + 0.02), opacity=0.7), None)


def tree(canvas: Canvas, place: Place) -> None:
    """A tree of one of two kinds."""
    canvas.begin()
    draws, scale = canvas.draws, canvas.camera.scale(place)
    if scale == 0:
        return
    height = min(draws.uniform(3.5, 9.0), 0.75 * place[2])
    radius = height * draws.uniform(0.2, 0.32)
    x, _, z = place
    crown = [(x + dx * radius, y * height, z + dz * radius) for dx, dz in ellipse(0, 0, 1, 1, 10) for y in (0.45, 0.8)]
    canvas.shadow([*crown, (x, 0.97 * height, z)], 0.3)
    canvas.shadow([(x - 0.02 * height, 0.0, z), (x + 0.02 * height, 0.0, z), (x, 0.5 * height, z)], 0.3)
    foot = canvas.camera.point(place)
    color = hsv(0.07, 0.45, draws.uniform(0.25, 0.4))
    width = max(0.02 * height, 0.12) * scale
    trunk = foot[1] - 0.45 * height * scale
    outline = np.array([[foot[0] - width, foot[1]], [foot[0] + width, foot[1]],
                        [foot[0] + 0.6 * width, trunk], [foot[0] - 0.6 * width, trunk]])  # fmt: skip
    canvas.flat(outline, canvas.palette.shaded(color, (0.0, 0.3, -0.8), z), "trunk")
    (_conifer if draws.chance(0.35) else _crown)(canvas, foot, height * scale, radius * scale, z)


def _crown(canvas: Canvas, foot: tuple[float, float], height: float, radius: float, depth: float) -> None:
    """Clumps of leaves: dark ones below, light ones on the side of the sun."""
    draws, palette = canvas.draws, canvas.palette
    side = 1.0 if palette.light[0] > 0 else -1.0
    x, y = foot[0], foot[1] - 0.65 * height
    hue = lit(palette.foliage, draws.uniform(0.85, 1.2))
    for layer, (normal, reach) in enumerate((((0.0, -0.3, -0.9), 1.0), ((0.2 * side, 0.4, -0.8), 0.8),
                                             ((0.5 * side, 0.8, -0.3), 0.55))):  # fmt: skip
        color = palette.shaded(hue, normal, depth)
        for _ in range(4):
            dx, dy = draws.uniform(-0.55, 0.55) * radius, draws.uniform(-0.45, 0.4) * height * 0.4
            size = draws.uniform(0.45, 0.75) * radius * reach
            blob = ellipse(x + dx + 0.2 * side * layer * radius, y + dy - 0.06 * layer * height, size, 1.05 * size, 14)
            blob += np.array([[draws.uniform(-0.1, 0.1) * size, draws.uniform(-0.1, 0.1) * size] for _ in blob])
            canvas.flat(blob, Fill(lit(color, 1.08), color, (y - height / 3, y + height / 3), 0.14, 110), "foliage")


def _conifer(canvas: Canvas, foot: tuple[float, float], height: float, radius: float, depth: float) -> None:
    """Three storeys of branches, each with a dark half."""
    palette = canvas.palette
    hue = mixed(palette.foliage, (0.1, 0.3, 0.2), 0.5)
    light, dark = (palette.shaded(hue, (side, 0.4, -0.6), depth) for side in (palette.light[0], -palette.light[0]))
    left, right = (dark, light) if palette.light[0] > 0 else (light, dark)
    for storey in range(3):
        low, high = foot[1] - (0.12 + 0.24 * storey) * height, foot[1] - (0.55 + 0.225 * storey) * height
        reach = radius * (1.0 - 0.27 * storey)
        for color, side in ((left, -1), (right, 1)):
            outline = np.array([[foot[0], high], [foot[0] + side * reach, low], [foot[0], low + 0.02 * height]])
            canvas.flat(outline, Fill(color, lit(color, 0.9), (high, low), 0.12, 110), "foliage")


def rock(canvas: Canvas, place: Place) -> None:
    """A stone."""
    canvas.begin()
    draws, scale = canvas.draws, canvas.camera.scale(place)
    if scale == 0:
        return
    x, y = canvas.camera.point(place)
    size = draws.uniform(0.25, 0.8) * scale
    outline = ellipse(x, y - 0.3 * size, size, 0.65 * size, 9)
    outline += np.array([[draws.uniform(-0.15, 0.15) * size, draws.uniform(-0.12, 0.12) * size] for _ in outline])
    outline[:, 1] = np.minimum(outline[:, 1], y)
    color = canvas.palette.shaded(hsv(0.09, 0.08, draws.uniform(0.4, 0.6)), (0.0, 0.6, -0.6), place[2])
    canvas.flat(outline, Fill(lit(color, 1.2), lit(color, 0.7), (y - size, y), 0.12, 100), "rock")


def _band(top: float, bottom: float) -> Points:
    return np.array([[-0.1, top], [1.1, top], [1.1, bottom + 0.1], [-0.1, bottom + 0.1]])
