"""Where the shapes of a scene are collected while it is composed."""

from collections.abc import Sequence
from typing import Any

from edgeconnect_jax.data.scenes.camera import Camera, Place
from edgeconnect_jax.data.scenes.classes import LABELS
from edgeconnect_jax.data.scenes.draws import Color, Draws
from edgeconnect_jax.data.scenes.palette import Palette
from edgeconnect_jax.data.scenes.shapes import Fill, Points, Shape, plain

_SHADOW: Color = (0.05, 0.06, 0.12)
_UP: Place = (0.0, 1.0, 0.0)


class Canvas:
    """The shapes so far, the camera and the palette; `number` is that of the object being drawn."""

    def __init__(self, camera: Camera, palette: Palette, draws: Draws):
        """Nothing is drawn yet."""
        self.camera, self.palette, self.draws = camera, palette, draws
        self.shapes: list[Shape] = []
        self.number = 0

    def begin(self) -> None:
        """A new object."""
        self.number += 1

    def flat(self, points: Points, fill: Fill | Color, label: str | None) -> None:
        """A polygon in the plane of the picture; label None = it changes colours alone."""
        fill = fill if isinstance(fill, Fill) else plain(fill)
        self.shapes.append(Shape(points, fill, None if label is None else LABELS[label], self.number))

    def face(self, corners: Sequence[Place], color: Color, normal: Place, label: str, *, grain: float = 0.0) -> None:
        """A flat surface in the world, shaded; not drawn where it shows its back."""
        if not self.camera.faces(corners[0], normal):
            return
        points = self.camera.project(corners)
        if points is None:
            return
        depth = max(0.0, sum(corner[2] for corner in corners) / len(corners))
        shade = self.palette.shaded(color, normal, depth)
        top, bottom = float(points[:, 1].min()), float(points[:, 1].max())
        upper = tuple(min(1.0, channel * 1.06) for channel in shade)
        fill = Fill((upper[0], upper[1], upper[2]), shade, (top, bottom), grain=grain, cells=96)
        self.flat(points, fill, label)

    def on_ground(self, corners: Sequence[Place], color: Color, label: str | None, **fill: Any) -> None:
        """A polygon on the ground: its colour fades with the distance."""
        points = self.camera.project(corners)
        if points is None:
            return
        # Colours change over what is seen: the nearest part lies far below the picture.
        span = max(float(points[:, 1].min()), self.camera.horizon + 1e-3), min(float(points[:, 1].max()), 1.0)
        depths = (self.camera.focal * self.camera.height / (max(y, span[0]) - self.camera.horizon) for y in span)
        far, near = (self.palette.shaded(color, _UP, depth) for depth in depths)
        self.flat(points, Fill(far, near, span, **fill), label)

    def shadow(self, corners: Sequence[Place], strength: float = 0.35) -> None:
        """The shadow on the ground of a convex body with these corners, on scenes with sun."""
        light = self.palette.light
        fallen = [(x - light[0] / light[1] * y, z - light[2] / light[1] * y) for x, y, z in corners]
        points = self.camera.project([(x, 0.0, z) for x, z in _hull(fallen)])
        if points is not None and self.palette.sun > 0.15:
            self.flat(points, Fill(_SHADOW, _SHADOW, opacity=strength), None)


def _hull(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The convex hull (Andrew 1979)."""

    def half(ordered: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for x, y in ordered:
            while len(chain) > 1:
                (ax, ay), (bx, by) = chain[-2:]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                chain.pop()
            chain.append((x, y))
        return chain[:-1]

    ordered = sorted(set(points))
    return [*half(ordered), *half(ordered[::-1])]
