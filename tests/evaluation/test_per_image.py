import pathlib

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from edgeconnect_jax.evaluation.definitions import MeasurementSettings, Measures, MetricGroup, PairArrays
from edgeconnect_jax.evaluation.groups import L1, NETWORKS, PIXELS
from edgeconnect_jax.evaluation.outputs import Output
from edgeconnect_jax.evaluation.pairs import Pair
from edgeconnect_jax.evaluation.per_image import load, measure, measuring, refused_titles
from tests.synthetic import picture


@pytest.fixture
def example(rng):
    """A pair, its truth, its hole, and a noisy output."""
    truth, mask = picture(2, 60, 72)
    noisy = np.clip(truth + rng.normal(0, 20, truth.shape), 0, 255).astype(np.uint8)
    return PairArrays(Pair(pathlib.Path("a.png"), (60, 72)), truth, mask > 0, Output(noisy))


def test_pixel_metrics_are_those_of_scikit_image(example):
    _, truth, hole, output = example
    values = measure(example, MeasurementSettings((*PIXELS, *NETWORKS))).values
    mean, full = structural_similarity(
        truth, output.image, channel_axis=-1, data_range=255, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )  # fmt: skip
    expected = {
        "psnr": peak_signal_noise_ratio(truth, output.image),
        "psnr_hole": peak_signal_noise_ratio(truth[hole], output.image[hole]),
        "ssim": mean,
        "ssim_hole": full[hole].mean(),
        "l1": np.abs(truth / 2.55 - output.image / 2.55).mean(),
        "l1_hole": np.abs(truth / 2.55 - output.image / 2.55)[hole].mean(),
    }
    assert values == pytest.approx(expected, rel=1e-6)


def test_without_a_hole_only_the_whole_picture_is_measured(example):
    row = measure(example._replace(hole=None), MeasurementSettings(PIXELS))
    assert set(row.values) == {"psnr", "ssim", "l1"}
    assert row.ratio is row.hole_pixels is row.hole_hash is None


def test_only_what_is_chosen_is_measured(example):
    row = measure(example, MeasurementSettings((L1,)))
    assert set(row.values) == {"l1", "l1_hole"} and row.counts == {}
    assert row.hole_pixels == example.hole.sum() and row.ratio == example.hole.mean()


def test_groups_count_and_find_what_they_have_loaded(example):
    def nothing(options):
        raise ValueError("no weights")

    counting = MetricGroup(
        "counting", (), lambda found, settings: Measures({"n": settings.values["n"]}, settings.loaded["counting"]),
        load=lambda options: [options],
    )  # fmt: skip
    lacking = MetricGroup("lacking", (), lambda *_: pytest.fail("measured"), load=nothing, title="what lacks")
    settings = load(MeasurementSettings((counting, lacking), {"n": 3.0}), "options")  # pyright: ignore[reportArgumentType]
    assert measuring(settings) == [counting] and refused_titles(settings) == {"what lacks": "no weights"}
    row = measure(example, settings)
    assert row.values == {"n": 3.0} and row.counts == {"counting": ["options"]}


def test_hashes_tell_pictures_and_holes_apart(example):
    settings = MeasurementSettings((L1,))
    row = measure(example, settings)
    changed = np.where(example.truth == 100, np.uint8(101), example.truth)
    other = measure(example._replace(truth=changed, hole=~example.hole), settings)
    assert row.truth_hash != other.truth_hash and row.hole_hash != other.hole_hash
    assert measure(example, settings)[-2:] == row[-2:]
