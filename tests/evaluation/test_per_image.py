import pathlib

import numpy as np
import pytest
from skimage.feature import canny
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from edgeconnect_jax.evaluation.outputs import Output
from edgeconnect_jax.evaluation.pairs import Pair
from edgeconnect_jax.evaluation.per_image import Settings, measure
from edgeconnect_jax.images.edges import to_gray
from tests.synthetic import picture


@pytest.fixture
def example(rng):
    """A pair, its truth, its hole, and a noisy output with random edges."""
    truth, mask = picture(2, 60, 72)
    noisy = np.clip(truth + rng.normal(0, 20, truth.shape), 0, 255).astype(np.uint8)
    return Pair(pathlib.Path("a.png"), (60, 72)), truth, mask > 0, Output(noisy, rng.random((60, 72), np.float32))


def test_pixel_metrics_are_those_of_scikit_image(example):
    _, truth, hole, output = example
    values = measure(*example, Settings(("psnr", "ssim", "l1", "legacy"))).values
    mean, full = structural_similarity(
        truth, output.image, channel_axis=-1, data_range=255, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )  # fmt: skip
    gray = to_gray(truth), to_gray(output.image)
    expected = {
        "psnr": peak_signal_noise_ratio(truth, output.image),
        "psnr_hole": peak_signal_noise_ratio(truth[hole], output.image[hole]),
        "ssim": mean,
        "ssim_hole": full[hole].mean(),
        "l1": np.abs(truth / 2.55 - output.image / 2.55).mean(),
        "l1_hole": np.abs(truth / 2.55 - output.image / 2.55)[hole].mean(),
        "legacy_psnr": peak_signal_noise_ratio(*gray, data_range=1),
        "legacy_ssim": structural_similarity(*gray, data_range=1, win_size=51),
        "legacy_mae": np.abs(gray[0] - gray[1]).sum() / (gray[0] + gray[1]).sum(),
    }
    assert values == pytest.approx(expected, rel=1e-6)


def test_edges_are_counted_in_the_hole_against_canny_of_the_truth(example):
    _, truth, hole, output = example
    row = measure(*example, Settings(("edges",), threshold=0.7, sigma=1.5))
    assert output.edges is not None and row.edges is not None
    said, true = (output.edges > 0.7) & hole, canny(to_gray(truth), sigma=1.5) & hole
    assert row.edges == ((said & true).sum(), said.sum(), true.sum())
    precision, recall = (said & true).sum() / said.sum(), (said & true).sum() / true.sum()
    assert row.values == pytest.approx({"edge_precision_picture": precision, "edge_recall_picture": recall})
    assert row.hole_pixels == hole.sum() and row.ratio == hole.mean()


def test_without_a_hole_only_the_whole_picture_is_measured(example):
    pair, truth, _, output = example
    row = measure(pair, truth, None, output, Settings(("psnr", "ssim", "l1", "edges")))
    assert set(row.values) == {"psnr", "ssim", "l1"}
    assert row.ratio is row.edges is row.hole_hash is None


def test_only_what_is_chosen_is_measured(example):
    assert set(measure(*example, Settings(("l1",))).values) == {"l1", "l1_hole"}


def test_hashes_tell_pictures_and_holes_apart(example):
    pair, truth, hole, output = example
    settings = Settings(("l1",))
    row = measure(*example, settings)
    other = measure(pair, np.where(truth == 100, np.uint8(101), truth), ~hole, output, settings)
    assert row.truth_hash != other.truth_hash and row.hole_hash != other.hole_hash
    assert measure(*example, settings)[-2:] == row[-2:]
