import numpy as np

from edgeconnect_jax.metrics import batched
from edgeconnect_jax.tasks import sums


def test_infinite_values_have_no_mean_and_nan_shows():
    values, weight = np.array([1.0, np.inf, 3.0, 5.0]), np.array([1.0, 1.0, 1.0, 0.0])
    assert [float(x) for x in sums.averaged(values, weight)] == [4.0, 2.0]
    total, count = sums.averaged(np.array([1.0, np.nan]), np.ones(2))
    assert np.isnan(total) and count == 2
    total, count = sums.averaged(np.array([1.0, np.nan]), np.array([1.0, 0.0]))
    assert (total, count) == (1, 1)


def test_pixels_are_measured_in_8_bits(rng):
    truth, found = rng.random((2, 2, 16, 16, 3)).astype(np.float32)
    measured = sums.of_pixels(found, truth)
    expected = batched.psnr(batched.whole_levels(found), batched.whole_levels(truth))
    np.testing.assert_allclose(measured["psnr"], [float(expected.sum()), 2], rtol=1e-6)
    # Less than half a level apart is equal.
    nearly = np.round(truth * 255) / 255 + 0.4 / 255
    assert sums.of_pixels(nearly, np.round(truth * 255) / 255)["mae"] == (0, 2)


def test_a_hole_is_measured_where_there_is_one(rng):
    truth, found = rng.random((2, 2, 16, 16, 3)).astype(np.float32)
    mask = np.zeros((2, 16, 16, 1), np.float32)
    mask[0, 4:8] = 1
    measured = sums.of_filled(found, truth, mask, np.ones(2, np.float32))
    assert measured["psnr"][1] == 2 and measured["psnr_hole"][1] == measured["ssim_hole"][1] == 1
    assert sums.of_filled(found, truth, mask, np.array([0.0, 1.0]))["psnr_hole"][1] == 0


def test_the_parts_of_a_set_are_measured_apart(rng):
    truth, found = rng.random((2, 3, 16, 16, 3)).astype(np.float32)
    mask, first = np.ones((3, 16, 16, 1), np.float32), np.array([True, False, False])
    measured = sums.of_filled(found, truth, mask, np.ones(3, np.float32), {"first": first, "others": ~first})
    for name in ("psnr_hole", "ssim_hole", "mae_hole"):
        alone = sums.of_filled(found[:1], truth[:1], mask[:1], np.ones(1, np.float32))[name]
        np.testing.assert_allclose(measured[f"{name}_first"], alone, rtol=1e-6)
        both = np.add(measured[f"{name}_first"], measured[f"{name}_others"])
        np.testing.assert_allclose(both, measured[name], rtol=1e-6)
