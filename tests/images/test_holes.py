import numpy as np
import pytest

from edgeconnect_jax.images import holes


def test_hole_of_each_kind_of_mask():
    hole = np.array([[True, False, True], [False, True, False]])
    for mask in (
        hole,
        hole[..., None],
        hole.astype(np.uint8) * 255,
        np.where(hole, 128, 127).astype(np.uint8),
        np.where(hole, 0.6, 0.4),
        hole.astype(np.float32),
    ):
        np.testing.assert_array_equal(holes.hole_of(mask, (2, 3)), hole)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((3, 2), bool), r"\[2, 3\] like the picture, not \[3, 2\]"),
        (np.zeros((2, 3, 3), np.uint8), r"not \[2, 3, 3\]"),
        (np.eye(2, 3, dtype=np.uint8), "the hole by 255"),
        (np.zeros((2, 3), np.int64), "int64"),
    ],
)
def test_masks_that_are_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        holes.hole_of(mask, (2, 3))


def test_the_nearest_known_pixel_fills(rng):
    color = rng.integers(0, 65536, (9, 12, 3), dtype=np.uint16)
    hole = np.zeros((9, 12), bool)
    hole[2:7, 3:9] = True
    filled = holes.nearest_fill(color, hole)
    assert filled.dtype == color.dtype
    np.testing.assert_array_equal(filled[~hole], color[~hole])
    np.testing.assert_array_equal(filled[2, 4:8], color[1, 4:8])
    np.testing.assert_array_equal(filled[4, 3], color[4, 2])
    known = {tuple(pixel) for pixel in color[~hole]}
    assert {tuple(pixel) for pixel in filled[hole]} <= known
    assert holes.nearest_fill(color, np.zeros_like(hole)) is color
