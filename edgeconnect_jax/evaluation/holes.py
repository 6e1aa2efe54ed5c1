"""Where the holes of an evaluation come from: masks on disk, or drawn for each picture by its name and a seed."""

import hashlib
import os
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

import numpy as np

from edgeconnect_jax.data import masks
from edgeconnect_jax.evaluation import pairs
from edgeconnect_jax.evaluation.pairs import Pair
from edgeconnect_jax.images.holes import MASK_THRESHOLD

KINDS = ("freeform", "block", "half")
# Independent of the defaults of training, so that figures remain comparable when those change.
AREA = (0.1, 0.5)
_BLOCK_SIDE = 0.5  # of the side of the picture: a quarter of its area
_STROKES: dict[str, Any] = {
    "strokes": (1, 4),
    "vertices": (4, 10),
    "length": (0.1, 0.4),
    "width": (0.06, 0.16),
    "max_turn": 1.5,
}


class Holes(Protocol):
    """Returns the hole of each pair, bool [H, W], or None if it has none to measure in."""

    def __call__(self, pair: Pair) -> np.ndarray | None:
        """The hole of one pair; raises ValueError for a corrupted mask."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """Their description in reports."""
        ...


class FileHoles(NamedTuple):
    """The masks that the pairs name.

    Attributes:
        invert: black is the hole.
        threshold: larger values of a mask, of 255, are the hole, as reports show it.
        read: reads the hole of a pair: (pair, invert) -> bool [H, W], or None without a mask.
        about: what else reports show.
    """

    invert: bool = False
    threshold: int = MASK_THRESHOLD
    read: Callable[[Pair, bool], np.ndarray | None] = pairs.hole_of
    about: Mapping[str, Any] = pairs.NONE

    def __call__(self, pair: Pair) -> np.ndarray | None:
        return self.read(pair, self.invert)

    @property
    def settings(self) -> dict[str, Any]:
        return {"kind": "files", "invert": self.invert, "threshold": self.threshold, **self.about}


class DrawnHoles(NamedTuple):
    """Holes that depend on the seed and on a picture's name and size, but not on the other pictures.

    Attributes:
        kind: one of KINDS: "freeform" strokes, a "block" of half the height and half the width, or a "half".
        seed: of all of them, 0 or more.
        area: lowest and highest share of the picture that free-form strokes cover.
    """

    kind: str
    seed: int
    area: tuple[float, float] = AREA

    def __call__(self, pair: Pair) -> np.ndarray:
        name = np.frombuffer(hashlib.sha256(os.fsencode(pair.name)).digest(), np.uint32)
        rng = np.random.default_rng([self.seed, *name.tolist()])
        freeform = SimpleNamespace(**_STROKES, area=self.area)
        options = SimpleNamespace(kind=self.kind, block_height=_BLOCK_SIDE, block_width=_BLOCK_SIDE, freeform=freeform)
        return masks.draw(rng, *pair.size, options).mask > 0

    @property
    def settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"kind": self.kind, "seed": self.seed}
        if self.kind == "freeform":
            return settings | _STROKES | {"area": self.area}
        return settings | ({"height": _BLOCK_SIDE, "width": _BLOCK_SIDE} if self.kind == "block" else {})
