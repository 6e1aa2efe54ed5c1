import numpy as np
import pytest

from edgeconnect_jax.metrics.resizing import bicubic, bilinear


@pytest.mark.oracles
@pytest.mark.parametrize("shape", [(64, 80, 3), (37, 23, 3), (1, 2, 3), (299, 299, 3), (500, 411, 3)])
def test_bilinear_equals_torch(rng, shape):
    torch = pytest.importorskip("torch")
    picture = rng.random(shape, np.float32)
    x = torch.from_numpy(picture.transpose(2, 0, 1)[None])
    expected = torch.nn.functional.interpolate(x, size=(299, 299), mode="bilinear", align_corners=False)
    found = bilinear(picture, 299)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.transpose(2, 0, 1), expected[0].numpy(), atol=5e-6)


@pytest.mark.oracles
@pytest.mark.parametrize("shape", [(64, 80, 3), (500, 411, 3)])
def test_bicubic_equals_torchs_with_antialiasing(rng, shape):
    torch = pytest.importorskip("torch")
    picture = rng.integers(0, 256, shape, np.uint8)
    x = torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32))
    options = {"mode": "bicubic", "align_corners": False, "antialias": True}
    expected = torch.nn.functional.interpolate(x, size=(299, 299), **options)[0].clamp(0, 255)
    found = bicubic(picture, 299)
    assert found.dtype == np.float32 and (found != np.rint(found)).any()
    np.testing.assert_allclose(found.transpose(2, 0, 1), expected.numpy(), atol=1e-2)


def test_bicubic_is_cut_to_the_range():
    """Beside a sharp border it would go beyond."""
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:, 20:] = 255
    found = bicubic(picture, 299)
    assert found.min() == 0 and found.max() == 255 and ((found > 0) & (found < 255)).any()
