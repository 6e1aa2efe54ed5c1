import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.inference.compiled import Compiled
from edgeconnect_jax.layers import pixels
from edgeconnect_jax.systems.edgeconnect import inference, pictures
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from edgeconnect_jax.systems.edgeconnect.networks import EdgeGenerator, InpaintGenerator, completion_input, edge_input
from tests.synthetic import picture
from tests.systems.edgeconnect.weights import SIZES, weights, write_checkpoint


@pytest.fixture(scope="module")
def loaded():
    return weights()


@pytest.fixture(scope="module")
def full(loaded):
    return Inpainter(loaded)


def by_hand(loaded, image, hole, edge, *, raw=False):
    """The two networks, one after the other, on a picture whose sides need no padding."""
    gray, color, edge, mask = (
        jnp.asarray(x, jnp.float32)[None]
        for x in (image @ np.array([0.2125, 0.7154, 0.0721], np.float32), image, edge, hole)
    )
    gray, edge, mask = gray[..., None], edge[..., None], mask[..., None]
    given = edge_input(gray, edge, mask)
    drawn = jax.jit(EdgeGenerator(**SIZES).apply)(loaded.networks["edge_generator"], given)
    shown = drawn if raw else pixels.composite(drawn, edge, mask)
    given = completion_input(color, shown, mask)
    return jax.jit(InpaintGenerator(**SIZES).apply)(loaded.networks["inpaint_generator"], given)[0], shown[0, ..., 0]


def example(height=32, width=40, seed=5):
    image, mask = picture(seed, height, width)
    return image, mask > 0


def test_full_runs_both_networks_in_order(full, loaded):
    image, hole = example()
    known = pictures.known_edges(image, hole, 2.0)
    assert known.any() and hole.any()
    generated, edges = by_hand(loaded, image / np.float32(255), hole, known)
    result = full(image, hole)
    np.testing.assert_allclose(result.edges, edges, atol=1e-5)
    np.testing.assert_array_equal(result.edges[~hole], known[~hole])
    assert result.image.dtype == np.uint8 and result.image.shape == image.shape
    np.testing.assert_array_equal(result.image[~hole], image[~hole])
    np.testing.assert_allclose(result.image[hole] / 255, np.asarray(generated)[hole], atol=0.51 / 255)
    assert np.ptp(result.image[hole].astype(int)) > 10  # the narrow network's output is no flat gray


def test_compat_feeds_raw_edges_and_truncates(full, loaded):
    image, hole = example()
    known = pictures.known_edges(image, hole, 2.0)
    generated, edges = by_hand(loaded, image / np.float32(255), hole, known, raw=True)
    result = Inpainter(loaded, compat="original")(image, hole)
    assert result.image is not None
    np.testing.assert_allclose(result.edges, edges, atol=1e-5)
    values = np.asarray(generated)[hole] * 255
    away_from_ties = abs(values - np.rint(values)) > 1e-2
    np.testing.assert_array_equal(result.image[hole][away_from_ties], np.trunc(values)[away_from_ties])
    np.testing.assert_array_equal(result.image[~hole], image[~hole])
    assert (result.image != full(image, hole).image).any()


def test_compat_composites_the_edges_of_steps_edge(loaded):
    """As the original's test script writes them, though it feeds the raw ones to the completion network."""
    image, hole = example()
    result = Inpainter(loaded, steps="edge", compat="original")(image, hole)
    assert result.image is None
    np.testing.assert_array_equal(result.edges[~hole], pictures.known_edges(image, hole, 2.0)[~hole])


def test_full_reads_given_edges_outside_the_hole_only(full):
    image, hole = example()
    edges = np.random.default_rng(1).random(hole.shape) > 0.8
    result = full(image, hole, edges)
    inside_changed = np.where(hole, ~edges, edges)
    np.testing.assert_array_equal(full(image, hole, inside_changed).image, result.image)
    outside_changed = np.where(hole, edges, ~edges)
    assert (full(image, hole, outside_changed).image != result.image).any()
    np.testing.assert_array_equal(result.edges[~hole], edges[~hole])


def test_inpaint_reads_all_of_the_given_edges(loaded):
    image, hole = example()
    fill = Inpainter(loaded, steps="inpaint")
    edges = np.random.default_rng(1).random(hole.shape) > 0.8
    result = fill(image, hole, edges)
    np.testing.assert_array_equal(result.edges, edges)
    assert (fill(image, hole, np.where(hole, ~edges, edges)).image != result.image).any()
    np.testing.assert_array_equal(fill(image, hole).edges, pictures.known_edges(image, hole, 2.0))


def test_canny_is_computed_before_padding_and_the_rest_is_cut_off(loaded):
    """17 x 22 is run as 20 x 24, reflected; edges and mask are reflected with the picture."""
    image, hole = example(17, 22)
    known = pictures.known_edges(image, hole, 2.0)

    def pad(x):
        return np.pad(x, [(0, 3), (0, 2)] + [(0, 0)] * (x.ndim - 2), mode="reflect")

    generated, edges = by_hand(loaded, pad(image) / np.float32(255), pad(hole), pad(known))
    result = Inpainter(loaded)(image, hole)
    assert result.image is not None
    np.testing.assert_allclose(result.edges, edges[:17, :22], atol=1e-5)
    np.testing.assert_allclose(result.image[hole] / 255, np.asarray(generated)[:17, :22][hole], atol=0.51 / 255)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (5, 3), (15, 17)])
def test_tiny_pictures(full, size):
    image, _ = example(*size)
    hole = np.zeros(size, bool)
    hole[0, 0] = True
    result = full(image, hole)
    assert result.image.shape == image.shape and result.edges.shape == size
    np.testing.assert_array_equal(result.image[~hole], image[~hole])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
def test_every_kind_of_picture_keeps_its_shape_dtype_and_known_values(full, channels, dtype):
    rgb, hole = example()
    scale = 1 if dtype == np.float32 else np.iinfo(dtype).max
    image = (rgb / 255 * scale).astype(dtype)
    if dtype == np.uint16:  # so that values are no multiples of 257
        image ^= np.random.default_rng(0).integers(0, 8, rgb.shape, dtype=dtype)
    alpha = image[::-1, :, :1]
    color = image if channels > 2 else image[..., :1]
    image = {0: color[..., 0], 1: color, 3: color}.get(channels, np.concatenate([color, alpha], -1))
    result = full(image, hole).image
    assert result.shape == image.shape and result.dtype == dtype
    np.testing.assert_array_equal(result[~hole], image[~hole])
    if channels in (2, 4):
        np.testing.assert_array_equal(result[..., -1], image[..., -1])
    assert (result[hole] != image[hole]).any()
    eight_bits = full(rgb if channels > 2 else rgb[..., :1], hole).image
    filled = result.reshape(*hole.shape, -1)[..., : color.shape[-1]]
    np.testing.assert_allclose(filled / scale, eight_bits / 255, atol=0.01)


def test_gray_result_is_the_luminance_of_the_generated_colours(full):
    rgb, hole = example()
    gray = rgb[..., 0]
    colours = full(np.repeat(gray[..., None], 3, -1), hole).image
    assert np.ptp(colours[hole].astype(int), axis=-1).max() > 3
    luminance = colours[hole] @ [0.2125, 0.7154, 0.0721]
    np.testing.assert_allclose(full(gray, hole).image[hole], luminance, atol=1.1)


def test_empty_and_whole_holes(full):
    image, _ = example()
    np.testing.assert_array_equal(full(image, np.zeros(image.shape[:2], bool)).image, image)
    whole = full(image, np.ones(image.shape[:2], bool))
    # Nothing of the picture may shine through.
    np.testing.assert_array_equal(full(255 - image, np.ones(image.shape[:2], bool)).image, whole.image)


def test_what_is_in_the_hole_does_not_matter(full):
    image, hole = example()
    other = np.where(hole[..., None], np.random.default_rng(0).integers(0, 256, image.shape), image)
    np.testing.assert_array_equal(full(other.astype(np.uint8), hole).image, full(image, hole).image)


def test_programs_are_kept_and_their_number_is_bounded(loaded, monkeypatch):
    compiled, compile_ = [], Compiled._compile
    monkeypatch.setattr(Compiled, "_compile", lambda self, *x: (compiled.append(x[0].shape), compile_(self, *x))[1])
    fill = Inpainter(loaded, cache_size=2)
    for size in [(16, 16), (15, 13), (16, 20), (16, 16), (20, 16), (16, 20)]:
        image, hole = example(*size)
        fill(image, hole)
    assert compiled == [(1, 16, 16, 3), (1, 16, 20, 3), (1, 20, 16, 3), (1, 16, 20, 3)]


def test_bfloat16_is_close_to_float32_and_not_equal(full, loaded):
    image, hole = example()
    half = Inpainter(loaded, dtype="bfloat16")(image, hole)
    exact = full(image, hole)
    assert half.image is not None
    assert (half.edges != exact.edges).any()
    assert np.abs(half.image.astype(int) - exact.image).mean() < 5


def test_sigma_reaches_canny(loaded):
    image, hole = example()
    edges = {s: Inpainter(loaded, steps="inpaint", sigma=s)(image, hole).edges for s in (-1, 1, 2)}
    assert not edges[-1].any()
    assert (edges[1] != edges[2]).any()


@pytest.mark.parametrize(
    "wrong", [{"steps": "half"}, {"compat": "torch"}, {"dtype": "int8"}, {"cache_size": 0}, {"sigma": 0}]
)
def test_unknown_choices_are_refused(loaded, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Inpainter(loaded, **wrong)


def test_weights_that_do_not_fit_are_refused(loaded):
    sizes = {"features": 8, "residual_blocks": 2}
    wrong = loaded._replace(meta={name: sizes for name in loaded.networks})
    with pytest.raises(ValueError, match=r"edge_generator(.|\n)*block_1"):
        Inpainter(wrong)


def test_from_checkpoint_loads_what_the_steps_need(tmp_path, full):
    image, hole = example()
    edge = write_checkpoint(tmp_path / "edge", ("edge_generator",))
    colour = write_checkpoint(tmp_path / "colour", ("inpaint_generator",))
    result = Inpainter.from_checkpoint([edge, str(colour)])(image, hole)
    np.testing.assert_array_equal(result.image, full(image, hole).image)
    np.testing.assert_array_equal(result.edges, full(image, hole).edges)
    assert Inpainter.from_checkpoint(edge, steps="edge")(image, hole).image is None
    assert Inpainter.from_checkpoint(str(colour), steps="inpaint")(image, hole).image is not None
    with pytest.raises(ValueError, match="inpaint_generator"):
        Inpainter.from_checkpoint(edge)
    with pytest.raises(ValueError, match="steps"):
        Inpainter.from_checkpoint(edge, steps="half")


@pytest.mark.parametrize(
    ("config", "expected"),
    [({}, 2.0), ({"edges": {"sigma": 0}}, 2.0), ({"edges": {"sigma": 1.5}}, 1.5), ({"edges": {"sigma": -1.0}}, -1.0)],
)
def test_sigma_is_the_checkpoints_own_unless_given(loaded, config, expected):
    trained = loaded._replace(config=config)
    assert Inpainter(trained).sigma == expected
    assert Inpainter(trained, sigma=3.0).sigma == 3.0


def test_sigma_is_read_from_a_checkpoint(tmp_path, monkeypatch, loaded):
    monkeypatch.setattr(
        inference.checkpoints, "load_weights", lambda *_, **__: loaded._replace(config={"edges": {"sigma": 1.0}})
    )
    assert Inpainter.from_checkpoint(tmp_path).sigma == 1.0


@pytest.mark.parametrize("steps", ["full", "edge"])
def test_pictures_of_one_size_are_filled_at_once_as_one_by_one(loaded, steps):
    network = Inpainter(loaded, steps=steps)
    pictures = [example(seed=seed, height=30, width=41) for seed in (1, 2, 3)]
    image = np.stack([image for image, _ in pictures]) / np.float32(255)
    mask = np.stack([hole for _, hole in pictures])[..., None]
    together = network.generate(image, 0.0 * mask, mask)
    singly = [network.generate(image[i], 0.0 * mask[i], mask[i]) for i in range(3)]
    assert np.shape(together[1]) == (3, 30, 41)
    for i, (generated, drawn) in enumerate(singly):
        np.testing.assert_allclose(together[1][i], drawn, atol=1e-6)
        if steps == "full":
            np.testing.assert_allclose(together[0][i], generated, atol=2e-6)
        else:
            assert together[0] is None and generated is None


def test_an_inpainter_with_other_steps_has_the_same_weights(full, loaded):
    image, hole = example()
    for steps in ("edge", "inpaint", "full"):
        part, alone = full.with_steps(steps), Inpainter(loaded, steps=steps)
        assert part.steps == steps and full.steps == "full"
        for ours, expected in zip(part(image, hole), alone(image, hole), strict=True):
            np.testing.assert_array_equal(ours, expected)
        assert all(part._variables[name] is full._variables[name] for name in part._variables)


def test_steps_without_their_networks_is_refused(full):
    with pytest.raises(ValueError, match="steps must be one of edge, not full"):
        full.with_steps("edge").with_steps("full")
    with pytest.raises(ValueError, match="steps must be one of full, edge, inpaint, not colours"):
        full.with_steps("colours")


def test_warming_up_compiles_the_program_of_the_padded_size(loaded, monkeypatch):
    compiled, compile_ = [], Compiled._compile
    monkeypatch.setattr(Compiled, "_compile", lambda self, *x: (compiled.append(x[0].shape), compile_(self, *x))[1])
    fill = Inpainter(loaded, steps="inpaint")
    fill.warm_up(17, 22)
    assert compiled == [(1, 20, 24, 3)]
    fill(*example(18, 23))
    assert compiled == [(1, 20, 24, 3)]
