import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.layers.pixels import gray_of
from edgeconnect_jax.systems.edgeconnect.networks import EdgeGenerator, InpaintGenerator, completion_input, edge_input


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def shapes(module, channels):
    return jax.eval_shape(module.init, jax.random.PRNGKey(0), jnp.zeros((1, 16, 16, channels)))


def test_full_width_sizes_are_the_originals():
    # Sums of the shapes in the original's state dicts.
    assert count(shapes(EdgeGenerator(), 3)["params"]) == 10_761_089
    assert count(shapes(InpaintGenerator(), 4)["params"]) == 10_774_595


def test_spectral_norm_is_on_all_of_the_edge_generator_but_the_last_convolution():
    variables = shapes(EdgeGenerator(features=4, residual_blocks=3), 3)
    normalised = set(variables["spectral"]["body"])
    assert normalised == set(variables["params"]["body"]) - {"output"}
    assert "spectral" not in shapes(InpaintGenerator(features=4, residual_blocks=3), 4)


def test_only_residual_convolutions_with_spectral_norm_lack_a_bias():
    edge = shapes(EdgeGenerator(features=4, residual_blocks=1), 3)["params"]["body"]
    assert set(edge["block_0"]["conv_0"]) == {"kernel"}
    assert all("bias" in edge[name] for name in ("encoder_0", "decoder_1", "output"))
    inpaint = shapes(InpaintGenerator(features=4, residual_blocks=1), 4)["params"]["body"]
    assert set(inpaint["block_0"]["conv_0"]) == {"kernel", "bias"}


@pytest.mark.parametrize("size", [(16, 16), (20, 36)])
@pytest.mark.parametrize(("module", "given", "returned"), [(EdgeGenerator, 3, 1), (InpaintGenerator, 4, 3)])
def test_output_has_the_pictures_size_and_range(module, given, returned, size, rng):
    network = module(features=4, residual_blocks=2)
    x = jnp.asarray(rng.random((2, *size, given)), jnp.float32)
    variables = network.init(jax.random.PRNGKey(1), x)
    # Weights of deviation 0.02 leave every output near 1/2; larger ones show the range.
    variables = {**variables, "params": jax.tree.map(lambda p: 30 * p, variables["params"])}
    y = network.apply(variables, x)
    assert y.shape == (2, *size, returned)
    assert y.dtype == jnp.float32
    assert 0 <= y.min() < 0.4 and 0.6 < y.max() <= 1


def test_bfloat16_changes_the_arithmetic_and_not_the_parameters(rng):
    x = jnp.asarray(rng.random((1, 16, 16, 4)), jnp.float32)
    narrow = InpaintGenerator(features=4, residual_blocks=1, dtype=jnp.bfloat16)
    variables = narrow.init(jax.random.PRNGKey(0), x)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(variables))
    wide = InpaintGenerator(features=4, residual_blocks=1).apply(variables, x)
    difference = np.abs(narrow.apply(variables, x) - wide).max()
    assert 0 < difference < 0.02


def test_generators_see_white_holes_and_no_edges_in_them(rng):
    image = rng.random((2, 6, 5, 3)).astype(np.float32)
    edge, mask = ((rng.random((2, 6, 5, 1)) > 0.5).astype(np.float32) for _ in range(2))
    gray = gray_of(image)
    given = edge_input(gray, edge, mask)
    hole = mask[..., 0] == 1
    np.testing.assert_array_equal(given[..., 0][hole], 1)
    np.testing.assert_array_equal(given[..., 1][hole], 0)
    np.testing.assert_array_equal(given[..., 0][~hole], gray[..., 0][~hole])
    np.testing.assert_array_equal(given[..., 1][~hole], edge[..., 0][~hole])
    np.testing.assert_array_equal(given[..., 2:], mask)
    completion = completion_input(image, edge, mask)
    np.testing.assert_array_equal(completion[..., :3][hole], 1)
    np.testing.assert_array_equal(completion[..., 3:], edge)
