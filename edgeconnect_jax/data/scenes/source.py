"""Sets of scenes, by name: "scenes:train", "scenes:validation:64", "scenes:test:128:1000"."""

import dataclasses
import functools
import re
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.data.scenes import compose, draw
from edgeconnect_jax.data.scenes.classes import CLASSES
from edgeconnect_jax.data.scenes.palette import TIMES
from edgeconnect_jax.data.scenes.shapes import Scene

PREFIX = "scenes:"
_SIDE = 256
_KEPT_BYTES = 2**28  # a set that is smaller is drawn once and kept: drawing takes longer than a step of a small network

# Split -> the first number of its seeds, and how many scenes it has unless its name says so.
_SPLITS = {"train": (0, 6000), "validation": (1, 200), "test": (2, 200)}
_SPEC = re.compile(rf"{PREFIX}(?P<split>\w+)(?::(?P<side>\d+))?(?::(?P<count>\d+))?(?P<only>(?::[a-z]+)*)")
_FORM = (
    f"write {PREFIX}SPLIT, {PREFIX}SPLIT:SIDE or {PREFIX}SPLIT:SIDE:COUNT, SPLIT one of {', '.join(_SPLITS)}; "
    f":KIND and :TIME may follow, one of {', '.join(sorted(set(compose.KINDS)))} and of {', '.join(sorted(set(TIMES)))}"
)


@dataclasses.dataclass(frozen=True)
class SceneSource:
    """Drawn scenes with their maps. No two splits share a scene; more of a split begin with the fewer.

    Attributes:
        split: one of "train", "validation", "test".
        side: of the square pictures, in pixels.
        count: how many there are.
        kind: of all of them, one of `compose.KINDS`; "" = any.
        time: of all of them, one of `palette.TIMES`; "" = any.
    """

    split: str
    side: int = _SIDE
    count: int = 0
    kind: str = ""
    time: str = ""

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        kept = self.count * self.side**2 * 3 <= _KEPT_BYTES
        return (_kept if kept else _drawn)(self._seed(index), self.side)

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
        only = "".join(f":{word}" for word in (self.kind, self.time) if word)
        return f"{PREFIX}{self.split}:{self.side}{only}/{index:06d}"

    def identity(self, index: int) -> str:
        return f"{self.name(index)} {compose.VERSION}"

    def _scene(self, index: int) -> Scene:
        return _composed(self._seed(index))

    def _seed(self, index: int) -> "_Seed":
        if not 0 <= index < self.count:
            raise IndexError(index)
        return _Seed(_SPLITS[self.split][0], index, self.kind, self.time)


class _Seed(NamedTuple):
    split: int
    index: int
    kind: str
    time: str


@functools.lru_cache(maxsize=4)  # a picture and its maps are often drawn one after the other
def _composed(seed: _Seed) -> Scene:
    return compose.scene(seed.split, seed.index, kind=seed.kind, time=seed.time)


def _drawn(seed: _Seed, side: int) -> np.ndarray:
    picture = draw.picture(_composed(seed), side)
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
    words = found["only"].split(":")[1:]
    kinds, times = ([word for word in words if word in known] for known in (compose.KINDS, TIMES))
    if len(kinds) > 1 or len(times) > 1 or len(kinds) + len(times) < len(words):
        raise ValueError(f"{spec}: {_FORM}")
    if not side or not count:
        raise ValueError(f"{spec}: a size or number of 0; {_FORM}")
    return SceneSource(found["split"], side, count, *(kinds or [""]), *(times or [""]))
