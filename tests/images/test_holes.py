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
