import jax.numpy as jnp
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from edgeconnect_jax.metrics import batched
from tests.synthetic import picture


@pytest.fixture
def pair(rng):
    """Two pictures and versions of them with noise, [2, 40, 52, 3] in [0, 1]; a mask."""
    images, masks = zip(*(picture(seed, 40, 52) for seed in (1, 2)), strict=True)
    truth = np.stack(images).astype(np.float32) / 255
    noisy = np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1).astype(np.float32)
    return noisy, truth, (np.stack(masks)[..., None] > 0).astype(np.float32)


def reference_map(output, truth):
    return structural_similarity(
        truth, output, channel_axis=-1, data_range=1.0, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )  # fmt: skip


def test_equal_scikit_image(pair):
    output, truth, _ = pair
    psnr = [peak_signal_noise_ratio(t, o, data_range=1.0) for t, o in zip(truth, output, strict=True)]
    np.testing.assert_allclose(batched.psnr(output, truth), psnr, rtol=1e-5)
    means, maps = zip(*map(reference_map, output, truth), strict=True)
    np.testing.assert_allclose(batched.ssim(output, truth), means, rtol=1e-4)
    np.testing.assert_allclose(batched.ssim_map(output, truth), np.stack(maps), atol=2e-4)


def test_inside_the_hole_only_its_pixels_count(pair):
    output, truth, mask = pair
    hole = np.broadcast_to(mask > 0, truth.shape)
    error = [np.abs(o - t)[h] for o, t, h in zip(output, truth, hole, strict=True)]
    np.testing.assert_allclose(batched.mae(output, truth, mask), [e.mean() for e in error], rtol=1e-5)
    psnr = [-10 * np.log10((e.astype(np.float64) ** 2).mean()) for e in error]
    np.testing.assert_allclose(batched.psnr(output, truth, mask), psnr, rtol=1e-5)
    ssim = [reference_map(o, t)[1][h].mean() for o, t, h in zip(output, truth, hole, strict=True)]
    np.testing.assert_allclose(batched.ssim(output, truth, mask), ssim, rtol=1e-3)
    changed = np.where(hole, output, 0)
    np.testing.assert_allclose(batched.psnr(changed, truth, mask), psnr, rtol=1e-5)


def test_an_empty_hole_has_no_value(pair):
    output, truth, mask = pair
    assert np.isnan(batched.psnr(output, truth, 0 * mask)).all()


def test_quantize_rounds_down_but_keeps_whole_levels():
    levels = jnp.arange(256) / 255.0
    np.testing.assert_allclose(batched.whole_levels(levels) * 255, np.arange(256), atol=1e-4)
    np.testing.assert_allclose(batched.whole_levels(levels[:-1] + 0.9 / 255) * 255, np.arange(255), atol=1e-4)
