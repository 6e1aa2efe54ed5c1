"""From metres in the world to the plane of the picture.

The world has x to the right, y up and z into the picture, with the ground at y = 0 and the camera above the origin.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from edgeconnect_jax.data.scenes.shapes import Points

Place: TypeAlias = tuple[float, float, float]

_NEAREST = 0.6  # in metres; what is nearer is cut off


class Camera(NamedTuple):
    """A pinhole camera that looks straight ahead.

    Attributes:
        horizon: height y of the horizon in the picture, from 0 (top) to 1.
        height: over the ground, in metres.
        focal: length, with the side of the picture as the unit.
        cosine: of the angle by which it is turned to the right.
        sine: of that angle.
    """

    horizon: float
    height: float
    focal: float
    cosine: float
    sine: float

    def project(self, places: Sequence[Place]) -> Points | None:
        """The polygon with these corners in the picture, cut off where it is too near; None if all of it is."""
        cosine, sine, focal = self.cosine, self.sine, self.focal
        # Plain Python: most polygons have four corners, for which arrays take several times as long.
        seen = _cut([(x * cosine - z * sine, y, x * sine + z * cosine) for x, y, z in places])
        if len(seen) < 3:
            return None
        return np.array([(0.5 + focal * x / z, self.horizon - focal * (y - self.height) / z) for x, y, z in seen])

    def scale(self, place: Place) -> float:
        """The length in the picture of a metre at a place; 0 behind the camera."""
        depth = place[0] * self.sine + place[2] * self.cosine
        return self.focal / depth if depth > _NEAREST else 0.0

    def point(self, place: Place) -> tuple[float, float]:
        """Where a place before the camera lies in the picture, (x, y)."""
        scale = self.scale(place)
        across = place[0] * self.cosine - place[2] * self.sine
        return 0.5 + scale * across, self.horizon - scale * (place[1] - self.height)

    def faces(self, place: Place, normal: Place) -> bool:
        """Whether the camera is on that side of a plane through `place` to which `normal` points."""
        x, y, z = place
        return -x * normal[0] + (self.height - y) * normal[1] - z * normal[2] > 0


def _cut(corners: Sequence[Place]) -> Sequence[Place]:
    """The part of a polygon in the camera's coordinates that lies beyond _NEAREST (Sutherland and Hodgman 1974)."""
    if min(corner[2] for corner in corners) >= _NEAREST:
        return corners
    kept, before = [], corners[-1]
    for corner in corners:
        if (before[2] >= _NEAREST) != (corner[2] >= _NEAREST):
            share = (_NEAREST - before[2]) / (corner[2] - before[2])
            x, y, z = (a + share * (b - a) for a, b in zip(before, corner, strict=True))
            kept.append((x, y, z))
        if corner[2] >= _NEAREST:
            kept.append(corner)
        before = corner
    return kept
