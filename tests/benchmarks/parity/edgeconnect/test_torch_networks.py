"""Our networks against the PyTorch statement of them, on random weights."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.parity.edgeconnect.reference_weights import FILES, SHAPES, entries_of, state_dict
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.importers.layouts import to_variables
from edgeconnect_jax.layers.spectral_norm import COLLECTION
from edgeconnect_jax.models.discriminators import PatchDiscriminator
from edgeconnect_jax.models.vgg import VGG19
from edgeconnect_jax.systems.edgeconnect import pictures
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from edgeconnect_jax.systems.edgeconnect.networks import EdgeGenerator, InpaintGenerator
from tests.synthetic import picture

torch = pytest.importorskip("torch")
torch_networks = pytest.importorskip("benchmarks.parity.edgeconnect.torch_networks")

pytestmark = pytest.mark.oracles

TOLERANCE = 5e-5  # of edges and colours
NARROW = {"features": 8, "residual_blocks": 2}
GENERATORS = {
    "edge_generator": (torch_networks.EdgeGenerator, EdgeGenerator, 3),
    "inpaint_generator": (torch_networks.InpaintGenerator, InpaintGenerator, 4),
}
SIZE = (36, 52)  # high and wide: not square, and both sides odd multiples of 4


def statement_of(name):
    """The network called `name` in PyTorch, at full width."""
    if name == "vgg19":
        return torch_networks.VGG19()
    if name in GENERATORS:
        return GENERATORS[name][0]()
    return torch_networks.Discriminator({"edge_discriminator": 2, "inpaint_discriminator": 3}[name])


def randomise(network, seed):
    """Gives a PyTorch network kernels that keep the scale of what they are given, biases that are not 0, and u and v
    that are near the singular vectors, as those of trained networks are."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            scale = 0.3 if parameter.ndim == 1 else parameter[0].numel() ** -0.5
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
        for module in network.modules():
            if hasattr(module, "weight_u"):
                matrix = module.weight_orig.detach().numpy()
                matrix = matrix.swapaxes(0, 1) if isinstance(module, torch.nn.ConvTranspose2d) else matrix
                u, _, v = np.linalg.svd(matrix.reshape(len(matrix), -1), full_matrices=False)
                module.weight_u.copy_(torch.from_numpy(u[:, 0].copy()))
                module.weight_v.copy_(torch.from_numpy(v[0].copy()))
                # Not quite: an iteration must change them.
                module.weight_u += 0.1 * torch.randn(len(u), generator=generator) / len(u) ** 0.5
                module.weight_u /= module.weight_u.norm()
    return network


def variables_of(network, entries):
    """Our variables with the weights that a PyTorch network has now."""
    return to_variables({key: tensor.numpy().copy() for key, tensor in network.state_dict().items()}, entries)


def narrow_generator(name, seed):
    """(PyTorch, our module, our variables) of a narrow generator."""
    kind, ours, _ = GENERATORS[name]
    network = randomise(kind(**NARROW), seed)
    entries = entries_of(name, NARROW)
    return network, ours(**NARROW), variables_of(network, entries)


def nchw(x):
    return torch.from_numpy(np.asarray(x, np.float32).transpose(0, 3, 1, 2).copy())


def nhwc(x):
    return x.detach().numpy().transpose(0, 2, 3, 1)


def assert_same_vectors(ours, network, entries):
    """The spectral-norm vectors of our collection and of a PyTorch network."""
    flat = jax.tree.leaves(ours)
    expected = jax.tree.leaves(variables_of(network, entries)[COLLECTION])
    assert len(flat) == len(expected) > 0
    for a, b in zip(flat, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("name", FILES)
def test_state_dicts_have_the_originals_keys_and_shapes(name):
    shapes = {key: list(tensor.shape) for key, tensor in statement_of(name).state_dict().items()}
    assert shapes == json.loads(SHAPES.read_text())[FILES[name]]


def test_weights_start_as_the_originals():
    network = torch_networks.EdgeGenerator(16, 1)
    for key, parameter in network.named_parameters():
        if parameter.ndim == 1:
            assert not parameter.any(), key
        else:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.15), key


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_agree(name, rng):
    network, module, variables = narrow_generator(name, seed=1)
    given = rng.random((2, *SIZE, GENERATORS[name][2]), np.float32)
    ours = jax.jit(module.apply)(variables, given)
    theirs = nhwc(network.eval()(nchw(given)))
    assert np.ptp(theirs) > 0.3
    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)


@pytest.mark.parametrize("name", GENERATORS)
def test_generators_agree_at_full_width(name, rng):
    """On reference weights of another seed than the golden numbers'."""
    kind, ours, channels = GENERATORS[name]
    state = state_dict(name, seed=12)
    network = kind().eval()
    torch_networks.load_arrays(network, state)
    given = rng.random((1, 24, 40, channels), np.float32)
    theirs = nhwc(network(nchw(given)))
    assert np.ptp(theirs) > 0.3
    np.testing.assert_allclose(
        jax.jit(ours().apply)(to_variables(state, entries_of(name)), given), theirs, atol=TOLERANCE
    )


def test_the_edge_generator_agrees_in_training_mode(rng):
    name = "edge_generator"
    network, module, variables = narrow_generator(name, seed=2)
    given = rng.random((2, *SIZE, 3), np.float32)
    before = variables[COLLECTION]
    apply = jax.jit(lambda variables: module.apply(variables, given, train=True, mutable=[COLLECTION]))
    for _ in range(2):
        ours, changed = apply(variables)
        variables = variables | changed
        np.testing.assert_allclose(ours, nhwc(network(nchw(given))), atol=TOLERANCE)
    assert_same_vectors(variables[COLLECTION], network, entries_of(name, NARROW))
    moved = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), variables[COLLECTION], before)
    assert min(jax.tree.leaves(moved)) > 1e-3


def random_discriminator(channels, *, sigmoid):
    network = randomise(torch_networks.Discriminator(channels, sigmoid, features=8), seed=3)
    return network, variables_of(network, entries_of("edge_discriminator"))


@pytest.mark.parametrize("sigmoid", [True, False])
@pytest.mark.parametrize("channels", [2, 3])
def test_discriminators_agree(channels, sigmoid, rng):
    network, variables = random_discriminator(channels, sigmoid=sigmoid)
    given = rng.random((2, *SIZE, channels), np.float32)
    ours = PatchDiscriminator(features=8).apply(variables, given)
    output, maps = network.eval()(nchw(given))
    expected = jax.nn.sigmoid(ours.logits) if sigmoid else ours.logits
    np.testing.assert_allclose(expected, nhwc(output), atol=1e-5)
    assert len(maps) == 5
    for mine, theirs in zip(ours.features, maps, strict=True):
        np.testing.assert_allclose(mine, nhwc(theirs), atol=1e-5)


def test_discriminators_agree_over_the_three_passes_of_a_step(rng):
    network, variables = random_discriminator(3, sigmoid=False)
    entries = entries_of("edge_discriminator")
    for _ in range(3):
        given = rng.random((2, *SIZE, 3), np.float32)
        ours, changed = PatchDiscriminator(features=8).apply(variables, given, train=True, mutable=[COLLECTION])
        variables = variables | changed
        np.testing.assert_allclose(ours.logits, nhwc(network(nchw(given))[0]), atol=1e-5)
        assert_same_vectors(variables[COLLECTION], network, entries)


def test_vgg19_agrees(rng):
    state = state_dict("vgg19", seed=12)
    network = torch_networks.VGG19()
    torch_networks.load_arrays(network, state)
    given = rng.random((1, 32, 48, 3), np.float32)
    ours = jax.jit(VGG19().apply)(to_variables(state, entries_of("vgg19")), given)
    theirs = network(nchw(given))
    assert list(ours) == list(theirs)
    for name, expected in theirs.items():
        expected = nhwc(expected)
        np.testing.assert_allclose(ours[name], expected, atol=1e-4 * expected.std(), err_msg=name)
    assert list(network(nchw(given), "relu2_1")) == ["relu1_1", "relu1_2", "relu2_1"]
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.fixture(scope="module")
def generators():
    """name -> (PyTorch, our module, our variables), narrow."""
    return {name: narrow_generator(name, seed) for seed, name in enumerate(GENERATORS, start=4)}


def inpainter(generators, compat):
    networks = {name: variables for name, (_, _, variables) in generators.items()}
    return Inpainter(checkpoints.Weights(networks, dict.fromkeys(networks, NARROW)), compat=compat)


def filled_by_torch(generators, image, known, hole, *, composite):
    image, known, hole = (nchw(np.asarray(x, np.float32)[None]) for x in (image, known[..., None], hole[..., None]))
    edge_generator, inpaint_generator = (generators[name][0].eval() for name in GENERATORS)
    result = torch_networks.fill(image, known, hole, edge_generator, inpaint_generator, composite)
    return [nhwc(x)[0] for x in result]


@pytest.mark.parametrize("size", [(50, 67), (33, 44), (48, 31)])
@pytest.mark.parametrize("composite", [True, False])
def test_whole_inference_agrees_on_any_size(generators, size, composite):
    image, mask = picture(7, *size)
    hole = mask > 0
    hole[-9:, 5:20] = hole[10:30, -7:] = True  # up to the borders that are continued by reflection
    known = pictures.known_edges(image, hole, 2.0)
    assert known.any()
    unit = image / np.float32(255)  # in floats nothing is rounded
    result = inpainter(generators, None if composite else "original")(unit, hole)
    edges, output, merged = filled_by_torch(generators, unit, known, hole, composite=composite)
    np.testing.assert_allclose(result.edges, edges[..., 0], atol=TOLERANCE)
    np.testing.assert_allclose(result.image, merged, atol=TOLERANCE)
    assert np.ptp(output[hole]) > 0.3
    assert (edges[~hole][..., 0] == known[~hole]).all() == composite


def test_what_was_reflected_reaches_the_picture(generators):
    """Reflecting the input is no formality: continued by black, the result is another one."""
    image, mask = picture(7, 50, 67)
    unit, hole = image / np.float32(255), mask > 0
    hole[-9:, 5:20] = True
    known = np.zeros(hole.shape)
    _, _, reflected = filled_by_torch(generators, unit, known, hole, composite=True)
    black = [np.pad(x, ((0, 2), (0, 1), (0, 0))[: x.ndim]) for x in (unit, known, hole)]
    _, _, other = filled_by_torch(generators, *black, composite=True)
    assert np.abs(reflected - other[:50, :67]).max() > 100 * TOLERANCE


def test_pictures_that_are_too_small_are_refused(generators):
    with pytest.raises(ValueError, match="at least 16 pixels, not 15 x 40"):
        filled_by_torch(generators, *(np.zeros(s) for s in ((15, 40, 3), (15, 40), (15, 40))), composite=True)


def test_arrays_that_do_not_fit_are_refused():
    network = torch_networks.Discriminator(2, features=4)
    state = {key: tensor.numpy() for key, tensor in network.state_dict().items()}
    with pytest.raises(RuntimeError, match="conv2"):
        torch_networks.load_arrays(network, {key: x for key, x in state.items() if not key.startswith("conv2")})
