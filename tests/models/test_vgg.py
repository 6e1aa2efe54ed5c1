import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.checkpoints.weights import fingerprint
from edgeconnect_jax.importers.backbones import VGG19 as PUBLISHED
from edgeconnect_jax.models.backbones import BACKBONES
from edgeconnect_jax.models.network import random_variables
from edgeconnect_jax.models.vgg import VGG19


@pytest.fixture(scope="module")
def variables():
    return jax.device_get(random_variables(BACKBONES["vgg19"]))


def test_random_weights_are_the_same_every_time_and_differ_between_seeds(variables):
    again, other = random_variables(BACKBONES["vgg19"]), random_variables(BACKBONES["vgg19"], seed=1)
    np.testing.assert_array_equal(again["params"]["conv3_2"]["kernel"], variables["params"]["conv3_2"]["kernel"])
    assert not np.allclose(other["params"]["conv3_2"]["kernel"], variables["params"]["conv3_2"]["kernel"])


def test_random_weights_are_those_of_every_version(variables):
    """Checkpoints of runs with random weights name them by this hash."""
    assert fingerprint(variables) == "8b1cb18310d5f18081277bbbf83c98206acdb8d6c497e08c3158aa0982dc9eff"


def test_stops_at_the_last_layer_asked_for(variables, rng):
    x = jnp.asarray(rng.random((1, 32, 32, 3)), jnp.float32)
    maps = VGG19("relu2_1").apply(variables, x)
    assert list(maps) == ["relu1_1", "relu1_2", "relu2_1"]
    assert maps["relu2_1"].shape == (1, 16, 16, 128)


@pytest.mark.oracles
def test_equals_torch(variables, rng):
    torch = pytest.importorskip("torch")
    entries = PUBLISHED.entries("vgg19", {})
    x = torch.from_numpy(rng.random((1, 3, 32, 32)).astype(np.float32))
    maps = VGG19().apply(variables, x.numpy().transpose(0, 2, 3, 1))
    layers = {}
    for key, (path, layout) in entries.items():
        leaf = variables[path[0]][path[1]][path[2]]
        layers.setdefault(path[1], {})[path[2]] = torch.from_numpy(layout.to_theirs(np.asarray(leaf)).copy())
        assert key.startswith("features.")
    stage = "1"
    for name, layer in layers.items():  # the input goes in as it is, without ImageNet's normalisation
        if name[4] != stage:
            x, stage = torch.nn.functional.max_pool2d(x, 2), name[4]
        x = torch.relu(torch.nn.functional.conv2d(x, layer["kernel"], layer["bias"], padding=1))
        ours = np.asarray(maps[name.replace("conv", "relu")]).transpose(0, 3, 1, 2)
        np.testing.assert_allclose(ours, x.numpy(), rtol=1e-3, atol=1e-5)
