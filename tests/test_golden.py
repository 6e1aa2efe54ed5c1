"""Stage 4 at full width, with all networks and losses, against what the PyTorch original computed.

The weights are those of tests/reference_weights.py, the numbers those of tests/data/train_steps.npz.
"""

import jax
import numpy as np
import pytest
from flax import traverse_util

from configs import default
from edgeconnect_jax import tasks
from edgeconnect_jax.importers.torch import ENTRIES, to_variables
from edgeconnect_jax.tasks.base import Context, Variables
from tests.reference_weights import DATA, FILES, generator_of, state_dict

RUN = "stage4_nsgan"
# Gradients pass a dozen instance norms in float32, where torch and XLA add up in different orders.
GRADIENT_TOLERANCE = 1e-2

# Loss by its name in the original's log.
LOSSES = {
    "l_d1": "edge_discriminator",
    "l_g1": "edge_adversarial",
    "l_fm": "feature_matching",
    "l_d2": "inpaint_discriminator",
    "l_g2": "inpaint_adversarial",
    "l_l1": "l1",
    "l_per": "content",
    "l_sty": "style",
}


@pytest.fixture(scope="module")
def golden():
    with np.load(DATA / "train_steps.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def step(golden):
    """(sums, gradients, collections) of the first step."""
    config = default.get_config()
    config.task.name = "joint"
    config.losses.vgg_weights = "given"
    task = tasks.create(config)
    networks = {name: to_variables(state_dict(name), ENTRIES[name]()) for name in (*task.architecture, "vgg19")}
    frozen = {"vgg19": networks.pop("vgg19")}
    params = {name: tree.pop("params") for name, tree in networks.items()}
    batch = {name: golden[f"batch/{name}"] for name in ("image", "edge", "mask")}
    batch = {name: array if array.ndim == 4 else array[..., None] for name, array in batch.items()}
    update = task.phases[0].updates[0]
    context = Context(np.int32(0), np.zeros((2, 2), np.uint32), lambda x: x)

    def loss(trained):
        return update.loss(Variables(params | trained, networks, frozen, {}), batch, context)

    trained = {name: params[name] for name in update.players}
    gradients, aux = jax.jit(jax.grad(loss, has_aux=True))(trained)
    return jax.device_get(aux.sums), jax.device_get(gradients), jax.device_get(aux.collections)


def picked(network, key, array):
    """The 256 elements of a tensor that the golden file holds."""
    places = generator_of(f"pick/{FILES[network]}.{key}").integers(0, array.size, 256)
    return array.reshape(-1)[places]


def entries_with_values(trees, collection):
    """(network, key, array in the original's layout) of every array of `trees` that a state dict has."""
    for network, tree in trees.items():
        flat = traverse_util.flatten_dict({collection: tree} if collection else tree)
        for key, (path, layout) in ENTRIES[network]().items():
            if path in flat:
                yield network, key, np.ascontiguousarray(layout.to_torch(np.asarray(flat[path])))


def relative_error(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def test_losses(step, golden):
    sums, *_ = step
    for theirs, ours in LOSSES.items():
        total, count = sums[ours]
        assert total / count == pytest.approx(float(golden[f"{RUN}/step1/{theirs}"]), rel=1e-5), theirs


def test_gradients(step, golden):
    _, gradients, _ = step
    compared = 0
    for network, key, gradient in entries_with_values(gradients, "params"):
        if key.endswith("bias") and not key.startswith("decoder.7"):
            continue  # in front of an instance norm its gradient is nothing but rounding
        name = f"{FILES[network]}.{key}"
        error = relative_error(picked(network, key, gradient), golden[f"{RUN}/grad/{name}"])
        assert error < GRADIENT_TOLERANCE, name
        norm = np.linalg.norm(gradient)
        assert norm == pytest.approx(float(golden[f"{RUN}/grad_norm/{name}"]), rel=GRADIENT_TOLERANCE), name
        compared += 1
    # 22 kernels and one bias of each generator, 5 kernels of each discriminator.
    assert compared == 2 * (22 + 1 + 5)


def test_singular_vectors(step, golden):
    *_, collections = step
    compared = 0
    for network, key, array in entries_with_values(collections, ""):
        name = f"{FILES[network]}.{key}"
        expected = golden[f"{RUN}/step1/{name}"]
        assert relative_error(picked(network, key, array), expected) < 1e-3, name
        compared += 1
    # u and v of the edge generator's convolutions but the last, and of the discriminators'.
    assert compared == 2 * (21 + 5 + 5)
