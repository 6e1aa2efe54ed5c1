import numpy as np

from edgeconnect_jax.images.grid import labelled_grid, to_rgb8


def test_pictures_are_rows_of_columns_enlarged_by_whole_factors(rng):
    first, second = rng.integers(0, 255, (2, 80, 80, 3), dtype=np.uint8)
    grid = labelled_grid({"truth": [first], "output": [second]})
    top = grid.shape[0] - 160 - 4
    np.testing.assert_array_equal(grid[top : top + 160 : 2, 4:164:2], first)
    np.testing.assert_array_equal(grid[top : top + 160 : 2, 168:328:2], second)
    assert (grid[:top] < 255).any()  # the labels


def test_captions_are_written_in_full():
    picture = np.zeros((160, 160, 3), np.uint8)
    plain = labelled_grid({"a": [picture]})
    short, long = labelled_grid({"a": [picture]}, ["x"]), labelled_grid({"a": [picture]}, ["x" * 100])
    assert short.shape[0] > plain.shape[0] and short.shape[1] == plain.shape[1]
    assert long.shape[1] > short.shape[1]
    assert (long[-15:, -30:-5] < 255).any()


def test_bytes_pass_and_floats_are_rounded_down():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    np.testing.assert_array_equal(to_rgb8(levels)[..., 1], levels[..., 0])
    np.testing.assert_array_equal(to_rgb8(np.full((1, 1, 1), 0.999))[..., 0], 254)
