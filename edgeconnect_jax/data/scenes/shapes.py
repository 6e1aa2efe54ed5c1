"""What a scene is made of."""

from typing import NamedTuple, TypeAlias

import numpy as np

from edgeconnect_jax.data.scenes.draws import Color

Points: TypeAlias = np.ndarray  # float64 [N, 2]: x to the right and y down, the picture being [0, 1] x [0, 1]


class Fill(NamedTuple):
    """How a shape is painted.

    Attributes:
        top: its colour at `span[0]`, RGB in [0, 1].
        bottom: its colour at `span[1]`.
        span: heights y between which the colour changes linearly.
        grain: amplitude of a texture, of 1.
        cells: of the texture's lattice along the picture's width.
        stretch: how much wider than high its spots are.
        opacity: 1 = what is behind does not show.
    """

    top: Color
    bottom: Color
    span: tuple[float, float] = (0.0, 1.0)
    grain: float = 0.0
    cells: int = 64
    stretch: float = 1.0
    opacity: float = 1.0


class Shape(NamedTuple):
    """A polygon.

    Attributes:
        points: its corners.
        fill: how it is painted.
        label: its class; None = it changes colours alone, as a shadow does.
        number: of its object among all of the scene, from 1; 0 = it belongs to none.
    """

    points: Points
    fill: Fill
    label: int | None
    number: int = 0


class Scene(NamedTuple):
    """A scene.

    Attributes:
        shapes: from the farthest to the nearest.
        palette: name -> what its colours and its light were made of.
        seed: of the textures.
    """

    shapes: tuple[Shape, ...]
    palette: dict[str, str | float | list[float]]
    seed: int


def plain(color: Color) -> Fill:
    """One colour."""
    return Fill(color, color)


def ellipse(x: float, y: float, width: float, height: float, corners: int = 24) -> Points:
    """The outline of an ellipse with these half axes."""
    angle = 2 * np.pi * np.arange(corners) / corners
    # Rounded, because the last digit of a cosine is not the same on every machine.
    cosine, sine = np.round(np.cos(angle), 9), np.round(np.sin(angle), 9)
    return np.stack([x + width * cosine, y + height * sine], axis=1)
