"""Random holes: their shape, area, order of draws and reproducibility."""

import numpy as np
import pytest

from configs.default import get_config
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import masks
from edgeconnect_jax.data.hole_shapes import mixed


@pytest.fixture
def options() -> Config:
    return get_config().masks


def _draws(kind: str, options: Config, count: int = 60, external: list | None = None) -> list[np.ndarray]:
    options.kind = kind
    pool = external and [mask[..., None] for mask in external]
    return [masks.draw(np.random.default_rng(seed), 32, 48, options, pool).mask for seed in range(count)]


def _is_rectangle(mask: np.ndarray, height: int, width: int) -> bool:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    full = np.count_nonzero(mask) == height * width
    return full and np.ptp(rows) + 1 == height and np.ptp(columns) + 1 == width


def test_block_lies_anywhere_inside(rng: np.random.Generator) -> None:
    drawn = [masks.block(rng, 8, 12) for _ in range(400)]
    assert all(_is_rectangle(mask, 4, 6) for mask in drawn)
    corners = {tuple(np.argwhere(mask)[0]) for mask in drawn}
    assert corners == {(top, left) for top in range(5) for left in range(7)}


def test_block_size_is_an_option(options: Config) -> None:
    options.block_height, options.block_width = 0.25, 0.75
    assert all(_is_rectangle(mask, 8, 36) for mask in _draws("block", options))


def test_half_is_left_or_right(rng: np.random.Generator) -> None:
    left = np.zeros((4, 7), np.uint8)
    left[:, :3] = 255
    drawn = {masks.half(rng, 4, 7).tobytes() for _ in range(40)}
    assert drawn == {left.tobytes(), (255 - left).tobytes()}


def test_external_draws_from_the_whole_set_and_thresholds_after_the_resize(options: Config) -> None:
    external = [np.zeros((16, 24), np.uint8) for _ in range(3)]
    for index, mask in enumerate(external):
        mask[:, 8 * index] = 1 + index
    drawn = _draws("external", options, external=external)
    wanted = {masks.binary(mask, 32, 48).tobytes() for mask in external}
    assert {mask.tobytes() for mask in drawn} == wanted
    assert all(set(np.unique(mask)) == {0, 255} for mask in drawn)


def test_binary_counts_every_value_above_zero_as_hole() -> None:
    soft = np.array([[0, 0, 3, 200]], np.uint8).repeat(2, 0)
    np.testing.assert_array_equal(masks.binary(soft, 2, 4)[0], [0, 0, 255, 255])
    widened = masks.binary(soft, 4, 8)
    assert widened.shape == (4, 8)
    assert np.count_nonzero(widened) > 4 * 4  # the resize spreads the hole


@pytest.mark.parametrize(
    ("kind", "share"), [("external_block", (1 / 2, 0, 1 / 2)), ("external_block_half", (1 / 3, 1 / 3, 1 / 3))]
)
def test_mixed_kinds_are_equally_likely(kind: str, share: tuple, options: Config) -> None:
    external = [np.eye(32, 48, dtype=np.uint8)]
    drawn = _draws(kind, options, 600, external)
    blocks = sum(_is_rectangle(mask, 16, 24) for mask in drawn)
    halves = sum(_is_rectangle(mask, 32, 24) for mask in drawn)
    found = np.array([blocks, halves, len(drawn) - blocks - halves]) / len(drawn)
    np.testing.assert_allclose(found, share, atol=0.06)


def test_freeform_area_lies_in_the_range(options: Config) -> None:
    areas = [np.count_nonzero(mask) / mask.size for mask in _draws("freeform", options, 200)]
    assert min(areas) >= 0.1 and max(areas) <= 0.5
    assert np.ptp(areas) > 0.2
    options.freeform.area = (0.25, 0.4)
    assert all(0.25 <= np.count_nonzero(mask) / mask.size <= 0.4 for mask in _draws("freeform", options, 50))


def test_freeform_takes_the_nearest_area_when_none_fits(options: Config) -> None:
    options.freeform.area = (0.99, 1.0)
    area = np.mean([np.count_nonzero(mask) / mask.size for mask in _draws("freeform", options, 20)])
    options.freeform.area = (0.0, 1.0)
    assert area > 1.3 * np.mean([np.count_nonzero(mask) / mask.size for mask in _draws("freeform", options, 20)])


@pytest.mark.parametrize(
    ("name", "value"),
    [("strokes", (8, 8)), ("vertices", (20, 20)), ("length", (0.8, 0.9)), ("width", (0.3, 0.4))],
)
def test_every_freeform_size_makes_larger_holes(name: str, value: tuple, options: Config) -> None:
    options.freeform.area = (0.0, 1.0)
    before = np.mean(_draws("freeform", options))
    options.freeform[name] = value
    assert np.mean(_draws("freeform", options)) > 1.2 * before


def test_max_turn_bends_the_strokes(options: Config) -> None:
    freeform = options.freeform
    freeform.area, freeform.strokes, freeform.max_turn = (0.0, 1.0), (1, 1), 0.0
    freeform.vertices, freeform.length, freeform.width = (3, 3), (0.05, 0.05), (0.02, 0.02)
    straight = _draws("freeform", options)
    freeform.max_turn = 3.0
    bent = _draws("freeform", options)
    extent = [np.mean([np.ptp(np.argwhere(m), axis=0).max() for m in drawn]) for drawn in (straight, bent)]
    assert extent[1] < extent[0]


def test_freeform_strokes_do_not_gather_at_the_border(options: Config) -> None:
    covered = np.mean(_draws("freeform", options, 300), axis=0) / 255
    assert covered[0].mean() < covered[8:24, 8:40].mean()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 4), (4, 64), (65, 33)])
@pytest.mark.parametrize("kind", ["block", "half", "freeform"])
def test_any_size(kind: str, height: int, width: int, options: Config, rng: np.random.Generator) -> None:
    options.kind = kind
    mask = masks.draw(rng, height, width, options).mask
    assert mask.shape == (height, width) and mask.dtype == np.uint8
    assert set(np.unique(mask)) <= {0, 255}
    assert mask.any() or width == 1  # the left half of one column is empty


def test_the_same_seed_draws_the_same_holes(options: Config) -> None:
    first, again = _draws("freeform", options), _draws("freeform", options)
    np.testing.assert_array_equal(first, again)
    assert len({mask.tobytes() for mask in first}) == len(first)


def test_what_cannot_be_drawn_is_an_error(options: Config, rng: np.random.Generator) -> None:
    for kind, reason in (
        ("paired", "cannot be drawn"),
        ("ring", "cannot be drawn"),
        ("external", "needs a set"),
    ):
        options.kind = kind
        with pytest.raises(ValueError, match=reason):
            masks.draw(rng, 8, 8, options)


def test_kinds() -> None:
    assert set(masks.KINDS) == {
        "block",
        "half",
        "external",
        "external_block",
        "external_block_half",
        "paired",
        "freeform",
        "block_freeform",
    }
    assert [kind for kind in masks.KINDS if masks.needs_external(kind)] == [
        "external",
        "external_block",
        "external_block_half",
    ]


def test_a_mixed_kind_draws_every_shape_and_names_it(options: Config) -> None:
    pool = [np.full((4, 4, 1), 255, np.uint8)]
    for kind, shapes in (
        ("block_freeform", {"block", "freeform"}),
        ("external_block_half", {"external", "block", "half"}),
    ):
        options.kind = kind
        drawn = [masks.draw(np.random.default_rng(seed), 32, 48, options, pool) for seed in range(60)]
        assert {shape for _, shape in drawn} == shapes == set(mixed(kind))
        assert all(_is_rectangle(mask, 16, 24) for mask, shape in drawn if shape == "block")
        assert all(mask.all() == (shape == "external") for mask, shape in drawn)


def test_only_a_kind_that_mixes_shapes_has_numbers() -> None:
    assert mixed("block_freeform") == {"block": 0, "freeform": 2}
    assert not any(mixed(kind) for kind in ("block", "paired", "freeform", "external", "ring"))
