"""v of files from before PyTorch 1.0, against the power iteration that it came from and against PyTorch's loader."""

import numpy as np
import pytest

from edgeconnect_jax.importers.old_spectral_norm import solve_v


def unit(x):
    return x / np.linalg.norm(x)


def trained(shape, rng, iterations=3):
    """(kernel, normalised kernel, u, v, sigma) as a training pass leaves them, in float32 but for sigma."""
    kernel = (rng.standard_normal(shape) / 10).astype(np.float32)
    matrix, u = kernel.astype(np.float64).reshape(-1, shape[-1]).T, unit(rng.standard_normal(shape[-1]))
    for _ in range(iterations):
        v = unit(matrix.T @ u)
        u = unit(matrix @ v)
    sigma = u @ matrix @ v
    return kernel, (kernel / sigma).astype(np.float32), u.astype(np.float32), v.reshape(shape[:-1]), sigma


@pytest.mark.parametrize("shape", [(4, 4, 2, 64), (3, 3, 32, 8), (4, 4, 16, 1), (7, 7, 3, 16)])
def test_finds_the_v_of_training(shape, rng):
    kernel, normalised, u, v, sigma = trained(shape, rng)
    solved = solve_v(kernel, normalised, u)
    assert solved.dtype == np.float32 and solved.shape == shape[:-1]
    np.testing.assert_allclose(solved, v, atol=2e-6)
    assert np.einsum("o,hwio,hwi->", u, kernel, solved) == pytest.approx(sigma, rel=1e-5)


def test_elements_of_0_are_left_out(rng):
    kernel, normalised, u, *_, sigma = trained((3, 3, 4, 8), rng)
    kernel[0, 0], normalised[0, 0] = 0, 0
    solved = solve_v(kernel, normalised, u)
    assert np.einsum("o,hwio,hwi->", u, kernel, solved) == pytest.approx(sigma, rel=1e-5)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_what_cannot_be_solved_is_nan(value, rng):
    kernel, _, u, *_ = trained((3, 3, 4, 8), rng)
    assert np.isnan(solve_v(np.full_like(kernel, value), np.zeros_like(kernel), u)).all()


@pytest.mark.oracles
@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("tall", [True, False])
def test_is_what_torchs_own_loader_makes_of_it(transposed, tall, rng):
    """Where W has more columns than rows, torch's v has noise besides, which W maps to 0: only sigma is compared."""
    torch = pytest.importorskip("torch")
    shape = (3, 3, 2, 24) if tall else (3, 3, 12, 8)  # [kh, kw, I, O]
    axes = (2, 3, 0, 1) if transposed else (3, 2, 0, 1)
    kernel, normalised, u, *_ = trained(shape, rng)
    kind = torch.nn.ConvTranspose2d if transposed else torch.nn.Conv2d
    layer = torch.nn.utils.spectral_norm(kind(shape[2], shape[3], shape[0], bias=False))
    old = {"weight_orig": kernel.transpose(axes), "weight": normalised.transpose(axes), "weight_u": u}
    layer.load_state_dict({key: torch.from_numpy(array.copy()) for key, array in old.items()})
    v = solve_v(kernel, normalised, u)
    theirs = layer.weight_v.numpy().reshape(shape[2], *shape[:2]).transpose(1, 2, 0)
    if tall:
        np.testing.assert_allclose(v, theirs, atol=2e-5)
    sigma = np.einsum("o,hwio,hwi->", u, kernel, v)
    layer.eval()(torch.zeros(1, shape[2], 8, 8))  # computes `weight`
    np.testing.assert_allclose((kernel / sigma).transpose(axes), layer.weight.detach().numpy(), rtol=1e-4, atol=1e-6)
