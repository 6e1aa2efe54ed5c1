"""Roads, houses, cars, lamps and fences."""

import itertools
from typing import NamedTuple

from edgeconnect_jax.data.scenes.camera import Place
from edgeconnect_jax.data.scenes.canvas import Canvas
from edgeconnect_jax.data.scenes.draws import Color, Draws, hsv, lit, mixed

_FAR = 260.0  # where roads end, in metres


class Road(NamedTuple):
    """A road along z, from its left to its right edge at x, bent by `bend` metres at a depth of 100."""

    left: float
    right: float
    bend: float

    def at(self, x: float, z: float) -> Place:
        """The place that would be at (x, z) of a straight road."""
        return x + self.bend * (z / 100) ** 2, 0.0, z

    def strip(self, left: float, right: float, near: float, far: float) -> list[Place]:
        """A strip along the road."""
        depths = [near + (far - near) * (i / 12) ** 2 for i in range(13)]
        return [*(self.at(left, z) for z in depths), *(self.at(right, z) for z in reversed(depths))]


class Side(NamedTuple):
    """A wall: where it begins, the direction it runs to, its length, and the direction it faces."""

    start: Place
    along: Place
    length: float
    normal: Place

    def rectangle(self, left: float, right: float, bottom: float, top: float) -> list[Place]:
        """A rectangle on the wall, in metres from its start and over the ground."""
        (x, _, z), (ax, _, az) = self.start, self.along
        return [(x + ax * u, y, z + az * u) for u, y in ((left, bottom), (right, bottom), (right, top), (left, top))]


class Box(NamedTuple):
    """A building's ground plan: from x and z on, by width and depth."""

    x: float
    z: float
    width: float
    depth: float

    def sides(self) -> tuple[Side, Side, Side]:
        """The walls that can be seen: the front, the left and the right one."""
        x, z, width, depth = self
        front = Side((x, 0.0, z), (1.0, 0.0, 0.0), width, (0.0, 0.0, -1.0))
        left = Side((x, 0.0, z + depth), (0.0, 0.0, -1.0), depth, (-1.0, 0.0, 0.0))
        right = Side((x + width, 0.0, z), (0.0, 0.0, 1.0), depth, (1.0, 0.0, 0.0))
        return front, left, right

    def corners(self, *heights: float) -> list[Place]:
        """Its corners at some heights."""
        x, z, width, depth = self
        return [(x + dx, y, z + dz) for dx in (0.0, width) for dz in (0.0, depth) for y in heights]


def road(canvas: Canvas, way: Road) -> None:
    """A road with its markings and, in towns, pavements."""
    draws, palette = canvas.draws, canvas.palette
    if draws.chance(0.7):
        stone, width = hsv(0.1, 0.06, draws.uniform(0.55, 0.72)), draws.uniform(1.2, 2.5)
        for left, right in ((way.left - width, way.left), (way.right, way.right + width)):
            canvas.on_ground(way.strip(left, right, 0.3, _FAR), stone, "pavement", grain=0.04, cells=90)
        curb = lit(stone, 1.25)
        for x in (way.left, way.right):
            canvas.on_ground(way.strip(x - 0.12, x + 0.12, 0.3, 120.0), curb, "pavement")
    canvas.on_ground(way.strip(way.left, way.right, 0.3, _FAR), palette.road, "road", grain=0.05, cells=120)
    white = (0.92, 0.92, 0.86) if draws.chance(0.8) else (0.95, 0.8, 0.3)
    middle = (way.left + way.right) / 2
    z, dashed = draws.uniform(1.0, 4.0), draws.chance(0.8)
    while z < 110:
        length = 3.0 if dashed else 7.0
        canvas.on_ground(way.strip(middle - 0.08, middle + 0.08, z, z + length), white, "marking")
        z += 7.0
    if draws.chance(0.5):
        for x in (way.left + 0.3, way.right - 0.3):
            canvas.on_ground(way.strip(x - 0.06, x + 0.06, 0.3, 120.0), white, "marking")
    if draws.chance(0.25):
        z = draws.uniform(6.0, 14.0)
        for stripe in range(round(way.right - way.left)):
            x = way.left + 0.25 + stripe
            canvas.on_ground(way.strip(x, x + 0.5, z, z + 3.0), white, "marking")


def house(canvas: Canvas, box: Box) -> None:
    """A house with a roof, windows and a door."""
    canvas.begin()
    draws = canvas.draws
    floors = draws.choice((1, 1, 2, 2, 3))
    height = 2.7 * floors + draws.uniform(0.2, 0.8)
    ridge = height + draws.uniform(0.3, 0.55) * min(box.width, box.depth)
    wall, roof, trim = _wall_color(draws), _roof_color(draws, canvas.palette.time), _trim(draws)
    canvas.shadow([*box.corners(0.0, height), (box.x + box.width / 2, ridge, box.z + box.depth / 2)])
    grain = draws.choice((0.0, 0.03, 0.08))
    for side in box.sides():
        canvas.face(side.rectangle(0.0, side.length, 0.0, height), wall, side.normal, "wall", grain=grain)
        canvas.face(side.rectangle(0.0, side.length, 0.0, 0.4), lit(wall, 0.75), side.normal, "wall")
    along = draws.chance(0.5)
    _gables(canvas, box, height, ridge, wall, along=along)
    door = draws.uniform(0.2, 0.7) * box.width
    for number, side in enumerate(box.sides()):
        _windows(canvas, side, floors, trim, door if number == 0 else None)
    _door(canvas, box.sides()[0], door, trim)
    _roof(canvas, box, height, ridge, roof, along=along)
    if draws.chance(0.5):
        _chimney(canvas, box, ridge)


def _gables(canvas: Canvas, box: Box, height: float, ridge: float, wall: Color, *, along: bool) -> None:
    front, left, right = box.sides()
    for side in (left, right) if along else (front,):
        (a, _, b), (ax, _, az), half = side.start, side.along, side.length / 2
        ends = [side.start, (a + ax * side.length, 0.0, b + az * side.length)]
        corners = [(x, height, z) for x, _, z in ends] + [(a + ax * half, ridge, b + az * half)]
        canvas.face(corners, wall, side.normal, "wall")


def _roof(canvas: Canvas, box: Box, height: float, ridge: float, color: Color, *, along: bool) -> None:
    """Two slopes; `along` = the ridge runs along x."""
    x, z, width, depth = box
    over, rise = 0.35, ridge - height
    low = height - 2 * over * rise / (depth if along else width)
    if along:
        middle, length = z + depth / 2, (rise**2 + depth**2 / 4) ** 0.5
        normal = (0.0, depth / 2 / length, -rise / length)
        edge, top = z - over, [(x + width + over, ridge, middle), (x - over, ridge, middle)]
        canvas.face([(x - over, low, edge), (x + width + over, low, edge), *top], color, normal, "roof", grain=0.07)
        return
    middle, length = x + width / 2, (rise**2 + width**2 / 4) ** 0.5
    top = [(middle, ridge, z + depth + over), (middle, ridge, z - over)]
    for edge, side in ((x - over, -1.0), (x + width + over, 1.0)):
        normal = (side * rise / length, width / 2 / length, 0.0)
        corners = [(edge, low, z - over), (edge, low, z + depth + over), *top]
        canvas.face(corners, color, normal, "roof", grain=0.07)
        outline = ((edge, low), (middle, ridge), (middle, ridge - 0.25), (edge, low - 0.25))
        rim = [(at, height, z - over) for at, height in outline]
        canvas.face(rim, lit(color, 0.7), (0.0, 0.0, -1.0), "roof")


def _chimney(canvas: Canvas, box: Box, ridge: float) -> None:
    x, z = box.x + canvas.draws.uniform(0.2, 0.7) * box.width, box.z + box.depth / 2
    for side in Box(x, z, 0.7, 0.7).sides():
        canvas.face(side.rectangle(0.0, 0.7, ridge - 0.8, ridge + 0.7), (0.5, 0.3, 0.25), side.normal, "wall")


def _windows(canvas: Canvas, side: Side, floors: int, trim: Color, door: float | None) -> None:
    count = int(side.length / 2.6)
    if not canvas.camera.faces(side.start, side.normal) or count == 0:
        return
    gap, width, height = side.length / count, 1.0, 1.3
    for floor in range(floors):
        for column in range(count):
            middle, bottom = (column + 0.5) * gap, 2.7 * floor + 0.95
            if floor or door is None or abs(middle - door) > 1.2:
                _window(canvas, side, (middle - width / 2, middle + width / 2, bottom, bottom + height), trim)


def _window(canvas: Canvas, side: Side, frame: tuple[float, float, float, float], trim: Color) -> None:
    palette, draws = canvas.palette, canvas.draws
    left, right, bottom, top = frame
    rim = 0.09
    canvas.face(side.rectangle(left - rim, right + rim, bottom - rim, top + rim), trim, side.normal, "window")
    lit_inside = draws.chance(palette.glow)
    glass = (1.0, 0.85, 0.5) if lit_inside else mixed(palette.sky_top, (0.1, 0.13, 0.18), draws.uniform(0.45, 0.75))
    if lit_inside:  # it is its own light
        glass = lit(glass, 1 / max(palette.ambient, 0.3))
    canvas.face(side.rectangle(left, right, bottom, top), glass, side.normal, "window")
    middle, cross = (left + right) / 2, bottom + 0.62 * (top - bottom)
    canvas.face(side.rectangle(middle - 0.035, middle + 0.035, bottom, top), trim, side.normal, "window")
    canvas.face(side.rectangle(left, right, cross - 0.035, cross + 0.035), trim, side.normal, "window")


def _door(canvas: Canvas, side: Side, middle: float, trim: Color) -> None:
    color = hsv(canvas.draws.uniform(0, 1), 0.5, canvas.draws.uniform(0.25, 0.5))
    canvas.face(side.rectangle(middle - 0.58, middle + 0.58, 0.0, 2.2), trim, side.normal, "door")
    canvas.face(side.rectangle(middle - 0.48, middle + 0.48, 0.0, 2.1), color, side.normal, "door")


def block(canvas: Canvas, box: Box) -> None:
    """A building of a city: many floors, a flat roof, windows in rows."""
    canvas.begin()
    draws, palette = canvas.draws, canvas.palette
    floors = draws.whole(3, 9)
    height = 3.0 * floors + 0.8
    wall, trim = _wall_color(draws), _trim(draws)
    canvas.shadow(box.corners(0.0, height))
    pane, share = draws.uniform(0.45, 0.8), draws.uniform(0.45, 0.65)
    for side in box.sides():
        if not canvas.camera.faces(side.start, side.normal):
            continue
        canvas.face(side.rectangle(0.0, side.length, 0.0, height), wall, side.normal, "wall", grain=0.03)
        count = max(1, int(side.length / 2.8))
        gap = side.length / count
        for floor in range(floors):
            for column in range(count):
                left, bottom = (column + (1 - pane) / 2) * gap, 3.0 * floor + 0.9
                frame = side.rectangle(left, left + pane * gap, bottom, bottom + 3.0 * share)
                dark = mixed(palette.sky_top, (0.1, 0.12, 0.16), draws.uniform(0.35, 0.75))
                glow = draws.chance(palette.glow)
                canvas.face(frame, (1.0, 0.85, 0.5) if glow else dark, side.normal, "window")
        canvas.face(side.rectangle(0.0, side.length, height - 0.6, height), trim, side.normal, "roof")
    _door(canvas, box.sides()[0], box.width / 2, trim)


def car(canvas: Canvas, place: Place, *, towards: bool) -> None:
    """A car along the road, seen from its front or its back."""
    canvas.begin()
    draws = canvas.draws
    x, _, z = place
    color = hsv(draws.uniform(0, 1), draws.uniform(0.1, 0.8), draws.uniform(0.35, 0.9))
    glass, rubber = (0.15, 0.18, 0.22), (0.08, 0.08, 0.09)
    body, cabin = Box(x - 0.9, z, 1.8, 4.2), Box(x - 0.75, z + 0.7, 1.5, 2.4)
    canvas.shadow(Box(x - 0.95, z - 0.1, 1.9, 4.4).corners(0.0, 1.3), 0.5)
    for side in body.sides():
        wheels = ((0.5, 1.15), (3.05, 3.7)) if side.length > 2 else ((0.05, 0.3), (1.5, 1.75))
        for left, right in wheels:
            canvas.face(side.rectangle(left, right, 0.0, 0.6), rubber, side.normal, "car")
    for side in cabin.sides():
        canvas.face(side.rectangle(0.0, side.length, 0.85, 1.42), color, side.normal, "car")
        canvas.face(side.rectangle(0.12, side.length - 0.12, 0.92, 1.34), glass, side.normal, "car")
    for box, height in ((cabin, 1.42), (body, 0.9)):
        if canvas.camera.height > height:
            canvas.face([box.corners(height)[i] for i in (0, 2, 3, 1)], color, (0.0, 1.0, 0.0), "car")
            if box is cabin:
                for side in cabin.sides():
                    canvas.face(side.rectangle(0.12, side.length - 0.12, 0.92, 1.34), glass, side.normal, "car")
    for side in body.sides():
        canvas.face(side.rectangle(0.0, side.length, 0.28, 0.9), color, side.normal, "car")
    front = body.sides()[0]
    lights = (1.0, 0.96, 0.8) if towards else (0.8, 0.1, 0.1)
    for left in (0.1, 1.4):
        canvas.face(front.rectangle(left, left + 0.3, 0.6, 0.76), lights, front.normal, "car")
    canvas.face(front.rectangle(0.65, 1.15, 0.42, 0.54), (0.9, 0.9, 0.85), front.normal, "car")


def lamp(canvas: Canvas, place: Place, *, inwards: float) -> None:
    """A street lamp whose arm reaches over the road."""
    canvas.begin()
    x, _, z = place
    metal, normal = (0.3, 0.32, 0.34), (0.0, 0.0, -1.0)
    canvas.shadow(Box(x - 0.08, z, 0.16, 0.16).corners(0.0, 5.2), 0.3)
    post = Side((x - 0.07, 0.0, z), (1.0, 0.0, 0.0), 0.14, normal)
    canvas.face(post.rectangle(0.0, 0.14, 0.0, 5.2), metal, normal, "lamp")
    start, end = sorted((0.07, 0.07 + 1.3 * inwards))
    canvas.face(post.rectangle(start, end, 5.08, 5.2), metal, normal, "lamp")
    tip = 1.3 * inwards
    bulb = (1.0, 0.95, 0.7) if canvas.palette.glow > 0.4 else (0.75, 0.77, 0.78)
    canvas.face(post.rectangle(tip - 0.3, tip + 0.3, 4.9, 5.1), bulb, normal, "lamp")


def fence(canvas: Canvas, way: Road, x: float, near: float, far: float) -> None:
    """Posts and two rails along a road."""
    canvas.begin()
    color = (0.9, 0.9, 0.88) if canvas.draws.chance(0.5) else hsv(0.08, 0.4, 0.45)
    posts, z = [], far
    while z > near:
        posts.append(way.at(x, z))
        z -= 1.8
    normal = (-1.0 if x > 0 else 1.0, 0.0, 0.0)
    for (ax, _, az), (bx, _, bz) in itertools.pairwise(posts):
        for low in (0.45, 0.85):
            corners = [(ax, low, az), (bx, low, bz), (bx, low + 0.12, bz), (ax, low + 0.12, az)]
            canvas.face(corners, color, normal, "fence")
        corners = [(bx - 0.06, 0.0, bz), (bx + 0.06, 0.0, bz), (bx + 0.06, 1.15, bz), (bx - 0.06, 1.15, bz)]
        canvas.face(corners, color, (0.0, 0.0, -1.0), "fence")


def _wall_color(draws: Draws) -> Color:
    if draws.chance(0.3):
        return hsv(draws.uniform(0.0, 0.07), draws.uniform(0.35, 0.6), draws.uniform(0.5, 0.75))
    return hsv(draws.uniform(0.04, 0.2) if draws.chance(0.7) else draws.uniform(0, 1), draws.uniform(0.05, 0.35),
               draws.uniform(0.75, 0.95))  # fmt: skip


def _roof_color(draws: Draws, time: str) -> Color:
    if time == "winter" and draws.chance(0.7):
        return hsv(0.58, 0.04, 0.95)
    return hsv(0.6, 0.1, draws.uniform(0.3, 0.45)) if draws.chance(0.4) else hsv(0.02, 0.6, draws.uniform(0.4, 0.65))


def _trim(draws: Draws) -> Color:
    return (0.93, 0.93, 0.9) if draws.chance(0.75) else hsv(draws.uniform(0, 1), 0.3, 0.4)
