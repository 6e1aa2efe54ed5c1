import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.importers.backbones import INCEPTION
from edgeconnect_jax.models.inception import FEATURES, Inception
from tests.metrics import oracles


@pytest.mark.parametrize("tensorflow", [True, False])
def test_features_of_the_smallest_picture(tensorflow):
    """What they are is compared with PyTorch's in tests/metrics/test_deep.py."""
    picture = jnp.zeros((2, 75, 75, 3))
    features, _ = jax.eval_shape(Inception(tensorflow).init_with_output, jax.random.PRNGKey(0), picture)
    assert features.shape == (2, FEATURES)


@pytest.mark.oracles
def test_layers_are_torchvisions_in_its_order():
    torchvision = oracles.import_torchvision()
    theirs = torchvision.models.Inception3(aux_logits=False, init_weights=False).state_dict()
    keys = [key for key in theirs if not key.startswith("fc.") and not key.endswith("num_batches_tracked")]
    assert list(INCEPTION.entries("inception", {})) == keys
    shapes = {key: tuple(theirs[key].shape) for key in keys}
    assert {key: np.shape(array) for key, array in oracles.state("inception").items()} == shapes
