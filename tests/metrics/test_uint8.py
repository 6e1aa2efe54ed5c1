from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from edgeconnect_jax.metrics import uint8
from tests.metrics import oracles
from tests.synthetic import picture

RELATIVE = 1e-6


def pair(seed, height=40, width=52, noise=25):
    """A picture with noise, the picture, and a hole."""
    truth, mask = picture(seed, height, width)
    shift = np.random.default_rng(seed).normal(0, noise, truth.shape)
    return np.clip(truth + shift, 0, 255).astype(np.uint8), truth, mask > 0


def reference_map(output, truth):
    return structural_similarity(
        truth, output, channel_axis=-1, data_range=255, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )  # fmt: skip


@pytest.mark.parametrize("noise", [0.5, 25, 400])
@pytest.mark.parametrize("size", [(40, 52), (11, 11), (37, 64)])
def test_equal_scikit_image(size, noise):
    output, truth, hole = pair(1, *size, noise)
    mean, full = reference_map(output, truth)
    np.testing.assert_allclose(uint8.ssim_map(output, truth), full, rtol=RELATIVE, atol=1e-12)
    whole, inside = uint8.ssim(output, truth, hole)
    assert whole == pytest.approx(mean, rel=RELATIVE)
    assert inside == pytest.approx(full[hole].mean(), rel=RELATIVE)
    assert uint8.psnr(output, truth) == pytest.approx(peak_signal_noise_ratio(truth, output), rel=RELATIVE)
    assert uint8.l1_percent(output, truth) == pytest.approx(np.abs(output / 255 - truth / 255).mean() * 100, rel=1e-9)


@pytest.mark.oracles
@pytest.mark.parametrize("noise", [0.5, 25])
def test_equal_torchmetrics(noise):
    torch = pytest.importorskip("torch")
    oracles.import_torchvision()  # torchmetrics looks for it
    metrics = oracles.quietly(pytest.importorskip, "torchmetrics.functional.image")
    output, truth, _ = pair(2, noise=noise)
    batch = [torch.tensor(x.transpose(2, 0, 1)[None].astype(np.float64)) for x in (output, truth)]
    expected = metrics.peak_signal_noise_ratio(*batch, data_range=255.0).item()
    assert uint8.psnr(output, truth) == pytest.approx(expected, rel=RELATIVE)
    # It mirrors the border otherwise, and takes its mean over the border, too.
    options = {"sigma": 1.5, "data_range": 255.0, "return_full_image": True}
    _, full = metrics.structural_similarity_index_measure(*batch, **options)
    expected = full[..., 5:-5, 5:-5].mean().item()
    assert uint8.ssim(output, truth)[0] == pytest.approx(expected, rel=RELATIVE)


def test_inside_the_hole_only_its_pixels_count():
    output, truth, hole = pair(2)
    error = (output.astype(float) - truth)[hole]
    assert uint8.psnr(output, truth, hole) == pytest.approx(20 * np.log10(255 / np.sqrt((error**2).mean())), rel=1e-9)
    assert uint8.l1_percent(output, truth, hole) == pytest.approx(np.abs(error).mean() / 2.55, rel=1e-9)
    outside = np.where(hole[..., None], output, 0)
    assert uint8.psnr(outside, truth, hole) == uint8.psnr(output, truth, hole) != uint8.psnr(output, truth)


def test_equal_pictures_and_empty_holes():
    _, truth, hole = pair(3)
    assert uint8.psnr(truth, truth) == np.inf and uint8.l1_percent(truth, truth) == 0
    assert uint8.ssim(truth, truth, hole) == (1, 1)
    empty = np.zeros_like(hole)
    assert np.isnan([uint8.psnr(truth, truth, empty), uint8.l1_percent(truth, truth, empty)]).all()
    assert np.isnan([uint8.ssim(truth, truth, empty)[1], uint8.ssim(truth, truth)[1]]).all()


def test_arguments_stay_and_results_do_not_change_with_the_next_call():
    output, truth, _ = pair(4)
    before = output.copy(), truth.copy()
    kept = uint8.ssim_map(output, truth)
    copied = kept.copy()
    uint8.ssim_map(truth, truth)
    np.testing.assert_array_equal(kept, copied)
    np.testing.assert_array_equal(np.stack([output, truth]), np.stack(before))


def test_threads_do_not_disturb_each_other():
    pairs = [pair(seed, 40 + seed % 3, 52)[:2] for seed in range(40)]
    alone = [uint8.ssim(*p)[0] for p in pairs]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda p: uint8.ssim(*p)[0], pairs)) == alone
