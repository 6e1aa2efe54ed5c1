"""Scenes from seeds: which things there are, and where."""

from collections.abc import Callable

from edgeconnect_jax.data.scenes import nature, palette, town
from edgeconnect_jax.data.scenes.camera import Camera, Place
from edgeconnect_jax.data.scenes.canvas import Canvas
from edgeconnect_jax.data.scenes.draws import Draws
from edgeconnect_jax.data.scenes.shapes import Scene
from edgeconnect_jax.data.scenes.town import Box, Road

Item = tuple[float, Callable[[], None]]  # depth in metres, what draws it

VERSION = 1  # increases when a seed gives another scene or other pixels
KINDS = ("village", "village", "city", "country", "lake")


def scene(*seed: int, kind: str = "", time: str = "") -> Scene:
    """The scene of a seed: the same on every machine.

    Args:
        seed: whole numbers.
        kind: one of KINDS; "" = any.
        time: of day or year, one of `palette.TIMES`; "" = any.
    """
    draws = Draws(*seed)
    kind = draws.choice((kind,) if kind else KINDS)
    canvas = Canvas(_camera(draws), palette.drawn(draws, time), draws)
    nature.sky(canvas)
    if kind != "city" or draws.chance(0.3):
        nature.mountains(canvas)
    nature.ground(canvas)
    items = {"village": _village, "city": _city, "country": _country, "lake": _lake}[kind](canvas)
    for _, draw in sorted(items, key=lambda item: -item[0]):
        draw()
    about = canvas.palette.about() | {"kind": kind}
    return Scene(tuple(canvas.shapes), about, draws.whole(0, 1 << 20))


def _camera(draws: Draws) -> Camera:
    turn = draws.uniform(-0.16, 0.16)  # tangent of half the angle
    cosine, sine = (1 - turn * turn) / (1 + turn * turn), 2 * turn / (1 + turn * turn)
    return Camera(draws.uniform(0.4, 0.62), draws.uniform(1.5, 3.2), draws.uniform(0.8, 1.15), cosine, sine)


def _road(draws: Draws) -> Road:
    middle, width = draws.uniform(-3.0, 3.0), draws.uniform(5.0, 8.0)
    return Road(middle - width / 2, middle + width / 2, draws.uniform(-14, 14))


def _along(canvas: Canvas, way: Road, build: Callable[[Canvas, Box], None], gap: tuple[float, float]) -> list[Item]:
    """Buildings on both sides of a road."""
    draws, items = canvas.draws, []
    for side in (-1, 1):
        z, last = draws.uniform(7.0, 14.0), draws.uniform(45.0, 90.0)
        while z < last:
            width, depth = draws.uniform(6.0, 11.0), draws.uniform(7.0, 12.0)
            lawn = draws.uniform(3.0, 6.0)
            x = way.right + lawn if side > 0 else way.left - lawn - width
            box = Box(way.at(x, z + depth / 2)[0], z, width, depth)
            items.append((z, lambda box=box: build(canvas, box)))
            z += depth + draws.uniform(*gap)
    return items


def _scattered(canvas: Canvas, draw: Callable[[Canvas, Place], None], places: list[Place]) -> list[Item]:
    return [(place[2], lambda place=place: draw(canvas, place)) for place in places]


def _beside(draws: Draws, way: Road, count: int, nearest: float, reach: float) -> list[Place]:
    """Places on either side of a road."""
    places = []
    for _ in range(count):
        z, off = nearest + reach * draws.uniform(0, 1) ** 2, draws.uniform(1.6, 3.5)
        places.append(way.at(way.right + off if draws.chance(0.5) else way.left - off, z))
    return places


def _traffic(canvas: Canvas, way: Road, count: int) -> list[Item]:
    draws, items = canvas.draws, []
    middle, z = (way.left + way.right) / 2, draws.uniform(7.0, 12.0)
    for _ in range(count):
        right = draws.chance(0.5)
        x = (middle + way.right) / 2 if right else (middle + way.left) / 2
        place = way.at(x, z)
        items.append((z, lambda place=place, right=right: town.car(canvas, place, towards=not right)))
        z += draws.uniform(7.0, 22.0)
    return items


def _lamps(canvas: Canvas, way: Road) -> list[Item]:
    side = canvas.draws.choice((-1, 1))
    x = way.right + 0.6 if side > 0 else way.left - 0.6
    places = [way.at(x, z) for z in (8.0, 20.0, 32.0, 44.0, 56.0)]
    return [(p[2], lambda p=p: town.lamp(canvas, p, inwards=-float(side))) for p in places]


def _village(canvas: Canvas) -> list[Item]:
    draws, way = canvas.draws, _road(canvas.draws)
    town.road(canvas, way)
    items = _along(canvas, way, town.house, (2.0, 10.0))
    items += _scattered(canvas, nature.tree, _beside(draws, way, draws.whole(3, 9), 9.0, 60.0))
    items += _traffic(canvas, way, draws.whole(0, 2))
    items += _lamps(canvas, way) if draws.chance(0.4) else []
    if draws.chance(0.4):
        x = way.right + 2.6 if draws.chance(0.5) else way.left - 2.6
        items.append((4.0, lambda: town.fence(canvas, way, x, 3.0, draws.uniform(18.0, 40.0))))
    return items


def _city(canvas: Canvas) -> list[Item]:
    draws, way = canvas.draws, _road(canvas.draws)._replace(bend=0.0)
    town.road(canvas, way)
    items = _along(canvas, way, town.block, (0.5, 3.0))
    items += _scattered(canvas, nature.tree, _beside(draws, way, draws.whole(0, 4), 9.0, 50.0))
    return items + _traffic(canvas, way, draws.whole(1, 5)) + (_lamps(canvas, way) if draws.chance(0.7) else [])


def _country(canvas: Canvas) -> list[Item]:
    draws = canvas.draws
    if draws.chance(0.7):
        nature.fields(canvas)
    way = _road(draws)
    if draws.chance(0.5):
        town.road(canvas, way)
    items = _scattered(canvas, nature.tree, _beside(draws, way, draws.whole(4, 12), 7.0, 90.0))
    items += _scattered(canvas, nature.rock, _beside(draws, way, draws.whole(0, 5), 4.0, 20.0))
    for _ in range(draws.whole(0, 2)):
        z = draws.uniform(16.0, 50.0)
        x = way.right + draws.uniform(5, 16) if draws.chance(0.5) else way.left - draws.uniform(16, 26)
        box = Box(x, z, 9.0, 7.0)
        items.append((z, lambda box=box: town.house(canvas, box)))
    if draws.chance(0.5):
        x = way.right + 1.6 if draws.chance(0.5) else way.left - 1.6
        items.append((3.0, lambda: town.fence(canvas, way, x, 2.5, 40.0)))
    return items


def _lake(canvas: Canvas) -> list[Item]:
    draws, way = canvas.draws, Road(-1.5, 1.5, 0.0)
    nature.water(canvas)
    places = [(draws.uniform(-7, 7), 0.0, draws.uniform(6.0, 10.0)) for _ in range(draws.whole(1, 5))]
    items = _scattered(canvas, nature.tree, places)
    places = [(draws.uniform(-4, 4), 0.0, draws.uniform(2.5, 7.0)) for _ in range(draws.whole(1, 6))]
    items += _scattered(canvas, nature.rock, places)
    if draws.chance(0.4):
        x = draws.choice((-1, 1)) * draws.uniform(3.0, 7.0)
        items.append((9.0, lambda: town.house(canvas, Box(x - 3.5, 9.0, 7.0, 6.0))))
    if draws.chance(0.3):
        items.append((2.5, lambda: town.fence(canvas, way, draws.choice((-2.0, 2.0)), 2.0, 7.0)))
    return items
