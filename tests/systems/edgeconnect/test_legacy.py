import pathlib

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from edgeconnect_jax.evaluation.definitions import MeasurementSettings, PairArrays
from edgeconnect_jax.evaluation.outputs import Output
from edgeconnect_jax.evaluation.pairs import Pair
from edgeconnect_jax.evaluation.per_image import measure
from edgeconnect_jax.images.edges import to_gray
from edgeconnect_jax.systems.edgeconnect import legacy
from tests.synthetic import picture


@pytest.fixture
def pair(rng):
    truth = to_gray(picture(1, 60, 72)[0])
    return np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1), truth


def test_psnr_is_that_of_a_range_of_one(pair):
    output, truth = pair
    assert legacy.psnr(output, truth) == pytest.approx(-10 * np.log10(((output - truth) ** 2).mean()), rel=1e-12)
    assert legacy.psnr(truth, truth) == np.inf


def test_ssim_has_a_uniform_window_of_51_and_sample_covariances(pair):
    output, truth = pair
    values = []
    for top in range(60 - 50):
        for left in range(72 - 50):
            a, b = (x[top : top + 51, left : left + 51].ravel() for x in (output, truth))
            (var_a, covariance), (_, var_b) = np.cov(a, b)
            numerator = (2 * a.mean() * b.mean() + 1e-4) * (2 * covariance + 9e-4)
            values.append(numerator / ((a.mean() ** 2 + b.mean() ** 2 + 1e-4) * (var_a + var_b + 9e-4)))
    assert legacy.ssim(output, truth) == pytest.approx(np.mean(values), rel=1e-9)


def test_mae_is_a_quotient_of_sums():
    assert legacy.mae(np.array([[0.2, 0.4]]), np.array([[0.4, 0.4]])) == pytest.approx(0.2 / 1.4, rel=1e-12)
    assert legacy.mae(np.zeros((1, 2)), np.zeros((1, 2))) == 0


def test_colours_are_measured_in_gray(rng):
    truth, mask = picture(2, 60, 72)
    noisy = np.clip(truth + rng.normal(0, 20, truth.shape), 0, 255).astype(np.uint8)
    example = PairArrays(Pair(pathlib.Path("a.png"), (60, 72)), truth, mask > 0, Output(noisy))
    gray = to_gray(example.truth), to_gray(example.output.image)
    assert measure(example, MeasurementSettings((legacy.LEGACY,))).values == pytest.approx(
        {
            "legacy_psnr": peak_signal_noise_ratio(*gray, data_range=1),
            "legacy_ssim": structural_similarity(*gray, data_range=1, win_size=51),
            "legacy_mae": np.abs(gray[0] - gray[1]).sum() / (gray[0] + gray[1]).sum(),
        },
        rel=1e-6,
    )
