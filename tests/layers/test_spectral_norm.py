import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.layers import spectral_norm
from edgeconnect_jax.layers.convolution import Convolution, UpsampleConvolution


@pytest.fixture
def kernel(rng):
    return jnp.asarray(rng.normal(size=(3, 3, 5, 7)), jnp.float32)


def as_matrix(kernel):
    """Output channels as rows."""
    return np.asarray(kernel).reshape(-1, kernel.shape[-1]).T


def test_iterations_find_the_largest_singular_value(kernel, rng):
    u = jnp.asarray(rng.normal(size=7), jnp.float32)
    for _ in range(200):
        u, v = spectral_norm.power_iteration(kernel, u)
    largest = np.linalg.svd(as_matrix(kernel), compute_uv=False)[0]
    np.testing.assert_allclose(spectral_norm.spectral_scale(kernel, u, v), largest, rtol=1e-5)
    np.testing.assert_allclose([jnp.linalg.norm(u), jnp.linalg.norm(v)], 1, rtol=1e-6)


def test_sigma_is_differentiable_and_the_vectors_are_constants(kernel, rng):
    u = jnp.asarray(rng.normal(size=7), jnp.float32)

    def sigma(kernel):
        return spectral_norm.spectral_scale(kernel, *spectral_norm.power_iteration(kernel, u))

    new_u, v = spectral_norm.power_iteration(kernel, u)
    # d(u^T W v)/dW = u v^T when u and v are constants.
    np.testing.assert_allclose(jax.grad(sigma)(kernel), v[..., None] * new_u[None, None, None, :], rtol=1e-5)


@pytest.mark.parametrize("layer", [Convolution, UpsampleConvolution])
def test_training_advances_the_vectors_by_one_iteration_and_evaluation_keeps_them(layer, rng):
    x = jnp.asarray(rng.normal(size=(1, 8, 8, 3)), jnp.float32)
    module = layer(4, spectral=True)
    variables = module.init(jax.random.PRNGKey(0), x)
    before = variables["spectral"]["norm"]
    _, after = module.apply(variables, x, train=True, mutable=["spectral"])
    u, v = spectral_norm.power_iteration(variables["params"]["kernel"], before["u"])
    np.testing.assert_allclose(after["spectral"]["norm"]["u"], u, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(after["spectral"]["norm"]["v"], v, rtol=1e-5, atol=1e-7)
    assert not np.allclose(before["u"], u)
    _, unchanged = module.apply(variables, x, train=False, mutable=["spectral"])
    np.testing.assert_array_equal(unchanged.get("spectral", variables["spectral"])["norm"]["u"], before["u"])


def test_iterate_tree_does_what_a_training_pass_does(rng):
    x = jnp.asarray(rng.normal(size=(1, 8, 8, 3)), jnp.float32)
    module = Convolution(4, spectral=True)
    variables = module.init(jax.random.PRNGKey(0), x)
    _, after = module.apply(variables, x, train=True, mutable=["spectral"])
    iterated = spectral_norm.iterate_tree(variables["params"], variables["spectral"])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7), iterated, after["spectral"])
    assert spectral_norm.iterate_tree(variables["params"], {}) == {}


@pytest.mark.oracles
@pytest.mark.parametrize("transposed", [False, True])
def test_equals_torch(transposed, rng):
    torch = pytest.importorskip("torch")
    from edgeconnect_jax.importers.layouts import convolution, to_variables

    kind = torch.nn.ConvTranspose2d if transposed else torch.nn.Conv2d
    theirs = torch.nn.utils.spectral_norm(kind(3, 5, 4, 2, 1), dim=1 if transposed else 0)
    state = {f"layer.{name}": array.numpy().copy() for name, array in theirs.state_dict().items()}
    variables = to_variables(state, convolution("layer", (), bias=True, spectral=True, transposed=transposed))
    ours = UpsampleConvolution(5, spectral=True) if transposed else Convolution(5, stride=2, padding=1, spectral=True)
    x = rng.normal(size=(2, 8, 8, 3)).astype(np.float32)
    given = torch.from_numpy(x.transpose(0, 3, 1, 2))
    for _ in range(2):
        expected = theirs(given).detach().numpy().transpose(0, 2, 3, 1)
        result, changed = ours.apply(variables, x, train=True, mutable=["spectral"])
        variables = {**variables, **changed}
        np.testing.assert_allclose(result, expected, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(variables["spectral"]["norm"]["u"], theirs.weight_u.numpy(), rtol=1e-5, atol=1e-6)
    theirs.eval()
    expected = theirs(given).detach().numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(ours.apply(variables, x, train=False), expected, rtol=2e-5, atol=2e-6)
