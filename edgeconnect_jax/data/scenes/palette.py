"""The light and the colours of a scene."""

from typing import NamedTuple

from edgeconnect_jax.data.scenes.camera import Place
from edgeconnect_jax.data.scenes.draws import Color, Draws, hsv, lit, mixed

TIMES = ("day", "day", "overcast", "evening", "dusk", "winter")


class Palette(NamedTuple):
    """What the colours of a scene are made of.

    Attributes:
        time: one of TIMES.
        sky_top: at the top of the picture.
        sky_bottom: at the horizon.
        haze: what far things fade to.
        ground: grass, sand, snow.
        road: asphalt.
        foliage: of trees.
        light: direction to the sun, of length 1.
        sun: how much brighter is what faces the sun.
        ambient: brightness of what does not.
        tint: colour of the light.
        glow: share of windows that are lit from inside.
    """

    time: str
    sky_top: Color
    sky_bottom: Color
    haze: Color
    ground: Color
    road: Color
    foliage: Color
    light: Place
    sun: float
    ambient: float
    tint: Color
    glow: float

    def shaded(self, color: Color, normal: Place, depth: float = 0.0) -> Color:
        """A colour as it looks on a surface with this normal, at a depth in metres."""
        facing = max(0.0, sum(a * b for a, b in zip(normal, self.light, strict=True)))
        brightness = self.ambient + self.sun * facing
        bright = tuple(channel * tint for channel, tint in zip(lit(color, brightness), self.tint, strict=True))
        return self.far((bright[0], bright[1], bright[2]), depth)

    def far(self, color: Color, depth: float) -> Color:
        """A colour seen through this many metres of air."""
        return mixed(color, self.haze, 1 - 1 / (1 + depth / 220))

    def about(self) -> dict[str, str | float | list[float]]:
        """All of it, as JSON has it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in self._asdict().items()}


# Time -> (hue, saturation and value of the sky's top; of its bottom; sun; ambient; tint; share of lit windows).
_LIGHT: dict[str, tuple] = {
    "day": ((0.58, 0.62, 0.86), (0.56, 0.22, 0.96), 0.5, 0.58, (1.0, 0.99, 0.95), 0.0),
    "overcast": ((0.58, 0.12, 0.74), (0.56, 0.06, 0.86), 0.12, 0.8, (0.95, 0.97, 1.0), 0.1),
    "evening": ((0.6, 0.45, 0.72), (0.09, 0.45, 0.98), 0.6, 0.5, (1.0, 0.88, 0.7), 0.15),
    "dusk": ((0.64, 0.55, 0.45), (0.97, 0.4, 0.8), 0.2, 0.55, (0.86, 0.84, 1.0), 0.6),
    "winter": ((0.57, 0.3, 0.82), (0.56, 0.1, 0.95), 0.35, 0.7, (0.97, 0.98, 1.0), 0.1),
}


def drawn(draws: Draws, time: str = "") -> Palette:
    """A palette, of this time of day if one is given."""
    time = draws.choice((time,) if time else TIMES)
    top, bottom, sun, ambient, tint, glow = _LIGHT[time]
    shift = draws.uniform(-0.03, 0.03)
    sky_top = hsv(top[0] + shift, top[1] * draws.uniform(0.85, 1.15), min(1.0, top[2] * draws.uniform(0.9, 1.1)))
    sky_bottom = hsv(bottom[0] + shift, bottom[1] * draws.uniform(0.8, 1.2), min(1.0, bottom[2]))
    return Palette(
        time,
        sky_top,
        sky_bottom,
        mixed(sky_bottom, sky_top, 0.25),
        _ground(draws, time),
        hsv(0.6, draws.uniform(0.02, 0.1), draws.uniform(0.3, 0.5)),
        hsv(
            draws.uniform(0.2, 0.36) if draws.chance(0.8) else draws.uniform(0.04, 0.12), 0.55, draws.uniform(0.4, 0.6)
        ),
        _direction(draws),
        sun,
        ambient,
        tint,
        glow,
    )


def _ground(draws: Draws, time: str) -> Color:
    if time == "winter":
        return hsv(0.58, 0.05, 0.92)
    if draws.chance(0.2):
        return hsv(draws.uniform(0.08, 0.13), 0.4, draws.uniform(0.6, 0.8))
    return hsv(draws.uniform(0.18, 0.3), draws.uniform(0.4, 0.6), draws.uniform(0.45, 0.65))


def _direction(draws: Draws) -> Place:
    x, y, z = draws.choice((-1, 1)) * draws.uniform(0.4, 1), draws.uniform(0.65, 1.1), draws.uniform(-0.9, 0.3)
    length = (x * x + y * y + z * z) ** 0.5
    return x / length, y / length, z / length
