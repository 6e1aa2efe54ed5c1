import itertools

import numpy as np
import pytest

from edgeconnect_jax.systems.edgeconnect.metrics import edge_counts, near_counts


def test_counts_only_edges_of_the_hole_above_the_threshold(rng):
    output = rng.random((3, 8, 8, 1)).astype(np.float32)
    truth = (rng.random((3, 8, 8, 1)) > 0.7).astype(np.float32)
    mask = (rng.random((3, 8, 8, 1)) > 0.5).astype(np.float32)
    counts = edge_counts(output, truth, mask, 0.4)
    for i in range(3):
        said, true, hole = output[i] > 0.4, truth[i] > 0, mask[i] > 0
        assert counts.hits[i] == (said & true & hole).sum()
        assert counts.predicted[i] == (said & hole).sum()
        assert counts.true[i] == (true & hole).sum()


def near(pixels, tolerance):
    """The pixels of bool [H, W] that lie within the tolerance of a true one."""
    rows, columns = np.indices(pixels.shape)
    result = np.zeros(pixels.shape, bool)
    for row, column in np.argwhere(pixels):
        result |= np.maximum(abs(rows - row), abs(columns - column)) <= tolerance
    return result


@pytest.fixture
def maps(rng):
    """Predicted edges in [0, 1], true edges and the mask of three examples, the second without a hole."""
    output = rng.random((3, 9, 12, 1)).astype(np.float32)
    truth, mask = ((rng.random((3, 9, 12, 1)) > share).astype(np.float32) for share in (0.9, 0.4))
    mask[1] = 0
    return output, truth, mask


@pytest.mark.parametrize("tolerance", [1, 2])
def test_edges_near_one_another_are_right_and_found(maps, tolerance):
    counts = near_counts(*maps, 0.8, tolerance)
    for i, (output, truth, mask) in enumerate(zip(*(x[..., 0] for x in maps), strict=True)):
        hole, true = mask > 0, truth > 0
        said = (output > 0.8) & hole
        assert counts.right[i] == (said & near(true, tolerance)).sum()
        assert counts.found[i] == (true & hole & near(said, tolerance)).sum()
    assert counts.right[0] > edge_counts(*maps, 0.8).hits[0]


def test_without_a_tolerance_the_counts_are_exact(maps):
    exact, counts = edge_counts(*maps, 0.8), near_counts(*maps, 0.8, 0)
    pixels = maps[2].sum(axis=(1, 2, 3))
    np.testing.assert_array_equal(counts.right, exact.hits)
    np.testing.assert_array_equal(counts.found, exact.hits)
    expected = exact.predicted * exact.true / np.maximum(pixels, 1)
    np.testing.assert_allclose(counts.chance_right, expected, rtol=1e-5)
    np.testing.assert_allclose(counts.chance_found, expected, rtol=1e-5)


@pytest.mark.parametrize("marked", [0, 1, 3, 8])
def test_chance_is_the_mean_over_all_maps_with_as_many_edges(marked, rng):
    hole = np.zeros((4, 5), bool)
    hole[:2, 1:] = True  # eight pixels
    true = rng.random(hole.shape) > 0.6
    places, rows = np.argwhere(hole), []
    for chosen in itertools.combinations(places, marked):
        said = np.zeros(hole.shape, bool)
        for row, column in chosen:
            said[row, column] = True
        rows.append(((said & near(true, 1)).sum(), (true & hole & near(said, 1)).sum()))
    counts = near_counts(*(np.float32(x)[None, ..., None] for x in (said, true, hole)), 0.5, 1)
    np.testing.assert_allclose([counts.chance_right[0], counts.chance_found[0]], np.mean(rows, axis=0), rtol=1e-5)
    assert (true & hole).sum() > 1
