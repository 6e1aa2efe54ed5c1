"""Random numbers that are the same in every version of NumPy, and arithmetic of colours."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Color = tuple[float, float, float]  # RGB in [0, 1]

_T = TypeVar("_T")


class Draws:
    """Draws from PCG64's raw doubles alone: what NumPy makes of them may change, they do not."""

    def __init__(self, *seed: int):
        """`seed`: numbers that are 0 or more."""
        self._random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed))).random

    def uniform(self, low: float, high: float) -> float:
        """A number from `low` to below `high`."""
        return low + (high - low) * float(self._random())

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return float(self._random()) < probability

    def choice(self, items: Sequence[_T]) -> _T:
        """One of the items."""
        return items[self.whole(0, len(items) - 1)]


def hsv(hue: float, saturation: float, value: float) -> Color:
    """RGB of a hue (1 = once around, any number), saturation and value in [0, 1]."""
    sector = (hue % 1) * 6
    channels = []
    for offset in (5, 3, 1):
        k = (offset + sector) % 6
        channels.append(value * (1 - saturation * max(0.0, min(k, 4 - k, 1))))
    return channels[0], channels[1], channels[2]


def mixed(a: Color, b: Color, share: float) -> Color:
    """`share` of `b`, the rest `a`."""
    red, green, blue = (x + (y - x) * share for x, y in zip(a, b, strict=True))
    return red, green, blue


def lit(color: Color, light: float) -> Color:
    """A colour times a brightness, cut to [0, 1]."""
    red, green, blue = (min(max(channel * light, 0.0), 1.0) for channel in color)
    return red, green, blue
