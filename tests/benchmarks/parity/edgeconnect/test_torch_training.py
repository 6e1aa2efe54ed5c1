"""The PyTorch statement of the training steps against the golden numbers, which the original computed.

Where the original's own float32 ends is seen here: a unit of a ReLU whose input is nothing but rounding falls on
either side, and moves the gradients of all layers before it by up to 1%. The gradients' bounds leave room for that,
but not those of the last layers, which lie behind such units.
"""

import numpy as np
import pytest

from benchmarks.parity.comparison import cosine_distance, relative_error
from benchmarks.parity.edgeconnect.golden_training import LOSSES, config_of, picked, read
from benchmarks.parity.edgeconnect.reference_weights import FILES, state_dict
from configs import tiny
from tests.synthetic import picture

torch = pytest.importorskip("torch")
torch_networks = pytest.importorskip("benchmarks.parity.edgeconnect.torch_networks")
torch_training = pytest.importorskip("benchmarks.parity.edgeconnect.torch_training")

pytestmark = pytest.mark.oracles

GOLDEN = "tests/data/golden/train_steps.npz"
# Runs and how many of their steps are taken here: those after the first cost much and tell little more.
RUNS = {
    **{"stage1_nsgan": 3, "stage1_lsgan": 1, "stage1_hinge": 1},
    **{"stage2_nsgan": 2, "stage3_nsgan": 1, "stage4_nsgan": 2},
}
# Largest relative errors of the losses in steps 1, 2, 3.
LOSS_BOUNDS = {"stage1": (1e-6, 1e-4, 2e-3), "completion": (2e-6, 1e-3)}
# Of the gradients: of any kernel, and of the last layers, behind all units that may fall on either side.
GRADIENT_BOUNDS = {"stage1": (5e-3, 1e-3), "completion": (3e-2, 1e-3)}
LAST_LAYERS = ("decoder.7", "conv5.0")


@pytest.fixture(scope="module")
def golden(request):
    return read(request.config.rootpath / GOLDEN)


@pytest.fixture(scope="module")
def states():
    return {name: state_dict(name) for name in FILES}


def nchw(x):
    return torch.from_numpy((x if x.ndim == 4 else x[..., None]).transpose(0, 3, 1, 2).copy())


def start(config, golden, states):
    """(training step, its networks, the golden batch) with the golden run's weights."""
    networks = torch_training.networks_of(config)
    for name, network in networks.items():
        torch_networks.load_arrays(network, states[name])
    vgg = torch_networks.VGG19()
    torch_networks.load_arrays(vgg, states["vgg19"])
    batch = {name: nchw(golden[f"batch/{name}"]) for name in ("image", "gray", "edge", "mask")}
    return torch_training.TrainingStep(config, networks, vgg), networks, batch


def trained_parameters(config, networks):
    """(FILE.KEY, parameter) of all that the stage trains."""
    for name in torch_training.PLAYERS[config.task.name]:
        for key, parameter in networks[name].named_parameters():
            yield f"{FILES[name]}.{key}", parameter


def is_noise(tensor):
    """A bias in front of an instance norm: its gradient is nothing but rounding."""
    return tensor.endswith(".bias") and "decoder.7" not in tensor


def loss_errors(losses, golden, step):
    known = [key for key in LOSSES if f"{step}/{key}" in golden]
    assert {LOSSES[key] for key in known} == losses.keys()
    return {key: relative_error(losses[LOSSES[key]], golden[f"{step}/{key}"]) for key in known}


def vector_errors(config, networks, golden, step):
    """FILE.KEY -> error, for u and v of the networks that are trained."""
    errors = {}
    for name in torch_training.PLAYERS[config.task.name]:
        for key, array in networks[name].state_dict().items():
            if key.endswith(("weight_u", "weight_v")):
                tensor = f"{FILES[name]}.{key}"
                errors[tensor] = relative_error(picked(tensor, array.numpy()), golden[f"{step}/{tensor}"])
    return errors


def gradient_errors(config, networks, golden, run):
    """FILE.KEY -> errors of its gradient's picked elements and of its norm."""
    errors = {}
    for tensor, parameter in trained_parameters(config, networks):
        if not is_noise(tensor):
            gradient = parameter.grad.numpy()
            error = relative_error(picked(tensor, gradient), golden[f"{run}/grad/{tensor}"])
            norm = relative_error(np.linalg.norm(gradient), golden[f"{run}/grad_norm/{tensor}"])
            errors[tensor] = error, norm
    return errors


def changes(config, networks, before, golden, run):
    """FILE.KEY -> (1 - cosine, relative difference in length) of the first change of each kernel."""
    errors = {}
    for tensor, parameter in trained_parameters(config, networks):
        if not tensor.endswith(".bias"):
            ours = picked(tensor, parameter.detach().numpy() - before[tensor])
            theirs = golden[f"{run}/delta/{tensor}"]
            length = relative_error(np.linalg.norm(ours), np.linalg.norm(theirs))
            errors[tensor] = cosine_distance(ours, theirs), length
    return errors


def check_first_step(config, networks, before, golden, run, kind):
    of_any, of_last = GRADIENT_BOUNDS[kind]
    errors = gradient_errors(config, networks, golden, run)
    for tensor, (error, norm) in errors.items():
        assert error < (of_last if any(layer in tensor for layer in LAST_LAYERS) else of_any), tensor
        assert norm < 1e-3, tensor
    moved = changes(config, networks, before, golden, run)
    for tensor, (distance, length) in moved.items():
        assert distance < 6e-2 and length < 1e-2, tensor
    distances = sorted(distance for distance, _ in moved.values())
    assert distances[int(0.8 * len(distances))] < 5e-3
    return len(errors)


@pytest.mark.parametrize("run", RUNS)
def test_steps_are_the_originals(run, golden, states):
    config = config_of(run)
    step, networks, batch = start(config, golden, states)
    before = {tensor: parameter.detach().numpy().copy() for tensor, parameter in trained_parameters(config, networks)}
    kind = "stage1" if run.startswith("stage1") else "completion"
    for number in range(1, RUNS[run] + 1):
        name = f"{run}/step{number}"
        result = step(batch)
        for loss, error in loss_errors(result.losses, golden, name).items():
            assert error < LOSS_BOUNDS[kind][number - 1], (name, loss)
        vectors = vector_errors(config, networks, golden, name)
        assert max(vectors.values()) < 1e-3, name
        if number == 1:
            output = result.output.numpy().transpose(0, 2, 3, 1)
            np.testing.assert_allclose(output, golden[f"{name}/output"], atol=2e-5)
            compared = check_first_step(config, networks, before, golden, run, kind)
    # 22 kernels and one bias of each generator, 5 kernels of each discriminator.
    assert compared == (2 if run.startswith("stage4") else 1) * (22 + 1 + 5)


def test_what_is_wrong_is_seen(golden, states):
    """The checks above fail for a wrong weight of a loss, wrong learning rates and one iteration of u too many."""
    run = "stage1_nsgan"
    config = config_of(run)
    config.losses.feature_matching *= 1.01
    config.optimizer.update(learning_rate=1.05e-4, d2g_ratio=0.11)
    step, networks, batch = start(config, golden, states)
    before = {tensor: parameter.detach().numpy().copy() for tensor, parameter in trained_parameters(config, networks)}
    with torch.no_grad():
        networks["edge_discriminator"](torch.cat([batch["gray"], batch["edge"]], dim=1))
    losses = loss_errors(step(batch).losses, golden, f"{run}/step1")
    assert losses["l_fm"] == pytest.approx(0.01, rel=0.1)
    lengths = {tensor: length for tensor, (_, length) in changes(config, networks, before, golden, run).items()}
    assert min(length for tensor, length in lengths.items() if "_gen" in tensor) > 0.04
    assert min(length for tensor, length in lengths.items() if "_dis" in tensor) > 0.1
    vectors = vector_errors(config, networks, golden, f"{run}/step1")
    assert max(error for tensor, error in vectors.items() if "_dis" in tensor) > 3e-3


def narrow(stage):
    """The configuration of a narrow network's stage without VGG19, and a batch."""
    config = tiny.get_config()
    config.task.name = stage
    image, mask = (x[None] / np.float32(255) for x in picture(1, 32, 32))
    gray = image.mean(axis=-1)
    arrays = {"image": image, "gray": gray, "edge": (gray > 0.5).astype(np.float32), "mask": mask}
    return config, {name: nchw(array) for name, array in arrays.items()}


def test_stage_3_iterates_its_frozen_edge_generator_and_leaves_its_weights():
    config, batch = narrow("edge_inpaint")
    networks = torch_training.networks_of(config)
    frozen = networks["edge_generator"]
    before = {key: tensor.clone() for key, tensor in frozen.state_dict().items()}
    torch_training.TrainingStep(config, networks)(batch)
    for key, tensor in frozen.state_dict().items():
        iterated = key.endswith(("weight_u", "weight_v"))
        assert torch.equal(tensor, before[key]) != iterated, key
    assert all(parameter.grad is None for parameter in frozen.parameters())


def test_stage_4_reaches_the_edge_generator_through_the_picture():
    config, batch = narrow("joint")
    config.losses.feature_matching = 0.0
    gradients = []
    for weight in (1.0, 2.0):
        config.losses.l1 = weight
        torch.manual_seed(0)
        networks = torch_training.networks_of(config)
        torch_training.TrainingStep(config, networks)(batch)
        gradients.append(networks["edge_generator"].decoder[7].weight.grad)
    assert not torch.allclose(gradients[0], gradients[1], rtol=1e-3, atol=0)


def test_all_that_is_not_stated_is_refused_at_once():
    config, _ = narrow("joint")
    config.losses.update(pool_size=5, style=1.0)
    config.optimizer.schedule = "plateau"
    config.task.edge_discriminator = False
    networks = torch_training.networks_of(config)
    with pytest.raises(ValueError, match=r"pool_size.*schedule.*edge_discriminator.*vgg"):
        torch_training.TrainingStep(config, networks)
