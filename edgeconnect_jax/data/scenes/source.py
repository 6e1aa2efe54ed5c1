"""Sets of scenes, by name: "scenes:train", "scenes:validation:64", "scenes:test:128:1000"."""

import dataclasses
import functools
import re
from typing import Any

import numpy as np

from edgeconnect_jax.data.scenes import compose, draw
from edgeconnect_jax.data.scenes.shapes import Scene

PREFIX = "scenes:"
_SIDE = 256

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
        return draw.picture(self._scene(index), self.side)

    def labels(self, index: int) -> np.ndarray:
        """The class of each pixel, int32 [side, side, 1]; see `classes.CLASSES`."""
        return draw.labels(self._scene(index), self.side)

    def instances(self, index: int) -> np.ndarray:
        """The object that each pixel is part of, int32 [side, side, 1]; see `draw.instances`."""
        return draw.instances(self._scene(index), self.side)

    def palette(self, index: int) -> dict[str, Any]:
        """What the colours and the light were made of, and the kind of scene, as JSON has it."""
        return dict(self._scene(index).palette)

    def name(self, index: int) -> str:
        return f"{PREFIX}{self.split}:{self.side}/{index:06d}"

    def identity(self, index: int) -> str:
        return f"{self.name(index)} {compose.VERSION}"

    def _scene(self, index: int) -> Scene:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return _composed(_SPLITS[self.split][0], index)


@functools.lru_cache(maxsize=4)  # a picture and its maps are often drawn one after the other
def _composed(split: int, index: int) -> Scene:
    return compose.scene(split, index)


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
