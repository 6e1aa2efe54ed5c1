"""Sets of scenes, by name: "scenes:train", "scenes:validation:64", "scenes:test:128:1000"."""

import dataclasses
import functools
import re
from typing import Any

import numpy as np

from edgeconnect_jax.data.scenes import compose, draw
from edgeconnect_jax.data.scenes.classes import CLASSES
from edgeconnect_jax.data.scenes.shapes import Scene

PREFIX = "scenes:"
_SIDE = 256
_KEPT_BYTES = 2**28  # a set that is smaller is drawn once and kept: drawing takes longer than a step of a small network

# Split -> the first number of its seeds, and how many scenes it has unless its name says so.
_SPLITS = {"train": (0, 6000), "validation": (1, 200), "test": (2, 200)}
_SPEC = re.compile(rf"{PREFIX}(?P<split>\w+)(?::(?P<side>\d+))?(?::(?P<count>\d+))?")
_FORM = f"write {PREFIX}SPLIT, {PREFIX}SPLIT:SIDE or {PREFIX}SPLIT:SIDE:COUNT, SPLIT one of {', '.join(_SPLITS)}"


@dataclasses.dataclass(frozen=True)
class SceneSource:
    """Drawn scenes with their maps. No two splits share a scene; more of a split begin with the fewer.

    Attributes:
        split: one of "train", "validation", "test".
        side: of the square pictures, in pixels.
        count: how many there are.
    """

    split: str
    side: int = _SIDE
    count: int = 0

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        place = _SPLITS[self.split][0], self._checked(index), self.side
        return _kept(*place) if self.count * self.side**2 * 3 <= _KEPT_BYTES else _drawn(*place)

    def maps(self, index: int) -> dict[str, np.ndarray]:
        """Maps of the picture, int32 [side, side, 1].

        "labels" has the class of each pixel, see `classes.CLASSES`; "instances" its object, see `draw.instances`.
        """
        scene = self._scene(index)
        return {"labels": draw.labels(scene, self.side), "instances": draw.instances(scene, self.side)}

    def facts(self, index: int) -> dict[str, Any]:
        """The parameters of the palette and the light, and the kind of the scene, as JSON has them."""
        return dict(self._scene(index).palette)

    def legend(self) -> list[dict[str, Any]]:
        """The classes in the order of their labels, as JSON has them."""
        return [row._asdict() for row in CLASSES]

    def name(self, index: int) -> str:
        return f"{PREFIX}{self.split}:{self.side}/{index:06d}"

    def identity(self, index: int) -> str:
        return f"{self.name(index)} {compose.VERSION}"

    def _scene(self, index: int) -> Scene:
        return _composed(_SPLITS[self.split][0], self._checked(index))

    def _checked(self, index: int) -> int:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return index


@functools.lru_cache(maxsize=4)  # a picture and its maps are often drawn one after the other
def _composed(split: int, index: int) -> Scene:
    return compose.scene(split, index)


def _drawn(split: int, index: int, side: int) -> np.ndarray:
    picture = draw.picture(_composed(split, index), side)
    picture.flags.writeable = False
    return picture


_kept = functools.lru_cache(maxsize=None)(_drawn)


def open_scenes(spec: str) -> SceneSource:
    """The set with this name.

    Raises:
        ValueError: it has another form, no such split, or a size or number of 0.
    """
    found = _SPEC.fullmatch(spec)
    if found is None or found["split"] not in _SPLITS:
        raise ValueError(f"{spec}: {_FORM}")
    side, count = int(found["side"] or _SIDE), int(found["count"] or _SPLITS[found["split"]][1])
    if not side or not count:
        raise ValueError(f"{spec}: a size or number of 0; {_FORM}")
    return SceneSource(found["split"], side, count)
