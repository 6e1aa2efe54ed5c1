import jax
import numpy as np
import pytest

from edgeconnect_jax.importers.layouts import to_variables
from edgeconnect_jax.models.lpips import LPIPS, SCALE, SHIFT, SMALLEST_SIDES, AlexNet
from tests.importers import originals
from tests.metrics import oracles


def test_equals_the_definition(rng):
    """In NumPy, from the maps of the backbone; tests/metrics/test_deep.py compares with the package lpips."""
    variables = to_variables(oracles.state("lpips_alex"), originals.entries_of("lpips_alex", {}))
    side = SMALLEST_SIDES["alex"]
    pair = rng.random((2, 1, side, side + 2, 3), np.float32)
    scaled = ((2 * pair - 1 - np.array(SHIFT)) / np.array(SCALE)).astype(np.float32)
    trunk = {"params": variables["params"]["backbone"]}
    maps = jax.device_get(AlexNet().apply(trunk, scaled[:, 0]))
    assert [features.shape for features in maps] == [
        *[(2, 7, 7, 64), (2, 3, 3, 192)],
        *[(2, 1, 1, 384), (2, 1, 1, 256), (2, 1, 1, 256)],
    ]
    expected = 0
    for i, features in enumerate(maps):
        units = features / np.linalg.norm(features, axis=-1, keepdims=True)
        head = variables["params"][f"linear_{i}"]["kernel"][0, 0, :, 0]
        expected += (np.square(units[0] - units[1]) @ head).mean()
    assert LPIPS("alex").apply(variables, *pair) == pytest.approx(expected, rel=1e-5)
    assert expected > 1e-2
