import pathlib

import numpy as np
import pytest

from edgeconnect_jax.evaluation.holes import KINDS, DrawnHoles
from edgeconnect_jax.evaluation.pairs import Pair


def pair(name, size=(40, 56)):
    return Pair(pathlib.Path(f"{name}.png"), size)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hole_depends_on_name_and_seed_alone(kind):
    names = [f"picture{i}" for i in range(8)]
    holes = {name: DrawnHoles(kind, 3)(pair(name)) for name in names}
    again = DrawnHoles(kind, 3)
    for name in reversed(names):
        np.testing.assert_array_equal(again(pair(name)), holes[name])
    assert any((holes[names[0]] != hole).any() for hole in holes.values())
    assert any((DrawnHoles(kind, 4)(pair(name)) != holes[name]).any() for name in names)
    assert all(hole.dtype == bool and hole.shape == (40, 56) for hole in holes.values())


def test_a_block_is_a_quarter_and_a_half_is_a_half():
    assert DrawnHoles("block", 0)(pair("a")).mean() == 0.25
    assert DrawnHoles("half", 0)(pair("a")).mean() == 0.5


def test_strokes_cover_the_area_that_is_asked_for():
    for low, high in ((0.1, 0.2), (0.2, 0.4)):
        shares = [DrawnHoles("freeform", 0, (low, high))(pair(f"{i}")).mean() for i in range(20)]
        assert low <= min(shares) and max(shares) <= high


def test_settings_say_what_was_drawn():
    assert DrawnHoles("freeform", 5, (0.2, 0.4)).settings["area"] == (0.2, 0.4)
    assert DrawnHoles("block", 5).settings == {"kind": "block", "seed": 5, "height": 0.5, "width": 0.5}
