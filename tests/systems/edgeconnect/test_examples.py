"""What is drawn from records: every option, and the same from prepared and unprepared pictures."""

import pathlib

import numpy as np
import pytest

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.data.hole_shapes import mixed
from edgeconnect_jax.data.reader import Example
from edgeconnect_jax.systems.edgeconnect.data import READER
from tests.data import batches
from tests.data.batches import assert_equal
from tests.systems.edgeconnect import sets


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return sets.write_folders(tmp_path_factory.mktemp("folders"))


def _train(config: Config, count: int, **process: int) -> list[Example]:
    return batches.train(config, READER, count, **process)


def test_shapes_types_and_values(folders: dict[str, str]) -> None:
    batch = _train(sets.config(folders), 1)[0]
    wanted = {"image": (4, 32, 32, 3), "edge": (4, 32, 32, 1), "mask": (4, 32, 32, 1), "id": (4,)}
    assert {key: array.shape for key, array in batch.items()} == wanted
    assert {key: array.dtype for key, array in batch.items()} == {
        **dict.fromkeys(("image", "edge", "mask"), np.uint8),
        "id": np.int32,
    }
    for key in ("edge", "mask"):
        assert set(np.unique(batch[key])) == {0, 255}


# Options by case; "@NAME" is the folder of that name.
CASES = {
    **{kind: {"masks__kind": kind} for kind in ("block", "half", "freeform")},
    **{
        kind: {"masks__kind": kind, "masks__train": "@external"}
        for kind in ("external", "external_block", "external_block_half")
    },
    "paired": {"masks__kind": "paired", "masks__train": "@masks"},
    "random crop": {"data__crop": "random", "data__short_side": 36},
    "random crop, paired": {"data__crop": "random", "masks__kind": "paired", "masks__train": "@masks"},
    "random sigma": {"edges__sigma": 0.0},
    "no edges": {"edges__sigma": -1.0},
    "external edges": {"edges__source": "external", "edges__train": "@edges"},
    "thinned edges": {"edges__source": "external", "edges__train": "@edges", "edges__nms": True},
    "random crop, thinned edges": {
        "data__crop": "random",
        "edges__source": "external",
        "edges__train": "@edges",
        "edges__nms": True,
    },
    "own size": {"data__image_size": 0, "edges__source": "external", "edges__train": "@edges"},
    "own size, external masks": {"data__image_size": 0, "masks__kind": "external", "masks__train": "@external"},
    "own size, paired": {"data__image_size": 0, "masks__kind": "paired", "masks__train": "@masks"},
}


@pytest.mark.parametrize("case", CASES)
def test_prepared_pictures_give_the_same_batches(case: str, folders: dict[str, str], tmp_path: pathlib.Path) -> None:
    changes = {key: folders[value[1:]] if str(value).startswith("@") else value for key, value in CASES[case].items()}
    config = sets.config(folders, **changes)
    prepared = config.copy_and_resolve_references()
    prepared.data.train = sets.prepare(config, tmp_path / "set")
    prepared.masks.train = prepared.edges.train = ""
    ours = _train(config, 3)
    assert_equal(ours, _train(prepared, 3))
    assert sum(np.count_nonzero(batch["mask"]) for batch in ours) > 0
    assert any(batch["edge"].any() for batch in ours) == (config.edges.sigma != -1)
    for each in (config, prepared):
        each.data.validation, each.masks.validation, each.edges.validation = (
            each.data.train,
            each.masks.train,
            each.edges.train,
        )
    assert_equal(pipeline.validation_batches(config, READER), pipeline.validation_batches(prepared, READER))


@pytest.mark.parametrize(
    "change",
    [
        {"train__seed": 11},
        {"masks__kind": "block"},
        {"data__crop": "random"},
        {"data__flip": False},
        {"data__color_jitter": 0.5},
        {"edges__sigma": 1.0},
        {"edges__sigma": 0.0},
        {"data__image_size": 40},
    ],
)
def test_every_option_changes_the_batches(change: dict, folders: dict[str, str]) -> None:
    before, after = _train(sets.config(folders), 1)[0], _train(sets.config(folders, **change), 1)[0]
    assert any(before[key].shape != after[key].shape or (before[key] != after[key]).any() for key in before)


def test_everything_is_flipped_together(folders: dict[str, str]) -> None:
    config = sets.config(folders, masks__kind="paired", masks__train=folders["masks"])
    plain = {int(i): x for x in _train(sets.config(folders, **{
        "masks__kind": "paired", "masks__train": folders["masks"], "data__flip": False
    }), 1) for i, x in zip(x["id"], zip(x["image"], x["edge"], x["mask"], strict=True), strict=True)}  # fmt: skip
    flips = 0
    for batch in _train(config, 12):
        for i, *arrays in zip(batch["id"], batch["image"], batch["edge"], batch["mask"], strict=True):
            flipped = (arrays[0] != plain[int(i)][0]).any()
            flips += flipped
            for array, stored in zip(arrays, plain[int(i)], strict=True):
                np.testing.assert_array_equal(array, stored[:, ::-1] if flipped else stored)
    assert 12 < flips < 36


def test_jitter_changes_the_colours_alone_and_in_training_alone(folders: dict[str, str]) -> None:
    plain, jittered = (sets.config(folders, data__color_jitter=amount) for amount in (0.0, 0.5))
    before, after = _train(plain, 1)[0], _train(jittered, 1)[0]
    for key in ("edge", "mask", "id"):
        np.testing.assert_array_equal(before[key], after[key])
    inside = (after["image"] > 0) & (after["image"] < 255) & (before["image"] > 0)
    for x, y, i in zip(before["image"], after["image"], inside, strict=True):
        for channel in range(3):  # one line for each channel: factor within 0.5 of 1, shift within 32 levels
            known, seen = x[..., channel][i[..., channel]], y[..., channel][i[..., channel]]
            factor, shift = np.polyfit(known.astype(float), seen.astype(float), 1)
            np.testing.assert_allclose(factor * known + shift, seen, atol=1)
            assert 0.49 < factor < 1.51 and abs(shift) < 33
    assert_equal(pipeline.validation_batches(plain, READER), pipeline.validation_batches(jittered, READER))


def test_random_crops_cut_picture_edges_and_mask_alike(folders: dict[str, str]) -> None:
    changes = {"masks__kind": "paired", "masks__train": folders["masks"], "data__flip": False}
    config = sets.config(folders, data__crop="random", **changes)
    whole = sets.computed(folders["images"], masks=folders["masks"], crop="random", paired_masks=True)
    places = set()
    for batch in _train(config, 8):
        for i, image, edge, mask in zip(*(batch[key] for key in ("id", "image", "edge", "mask")), strict=True):
            record = whole[int(i)]
            windows = np.lib.stride_tricks.sliding_window_view(record["image"], (32, 32, 3))[:, :, 0]
            (top, left), *others = np.argwhere((windows == image).all((2, 3, 4)))
            assert not others
            cut = np.s_[top : top + 32, left : left + 32]
            np.testing.assert_array_equal(edge, record["edges"][cut])
            np.testing.assert_array_equal(mask, record["mask"][cut])
            places.add((int(top), int(left)))
    assert len(places) > 20 and {top for top, _ in places} >= {0, 10}


def test_random_sigma_uses_all_four_maps(folders: dict[str, str]) -> None:
    config = sets.config(folders, edges__sigma=0.0, data__flip=False)
    stored = sets.computed(folders["images"], sigma=0.0)
    used = np.zeros(4, int)
    for batch in _train(config, 16):
        for i, edge in zip(batch["id"], batch["edge"], strict=True):
            same = (stored[int(i)]["edges"] == edge).all((0, 1))
            assert same.any()
            used += same
    assert used.min() > 4


def test_a_prepared_set_refuses_other_edges(folders: dict[str, str], tmp_path: pathlib.Path) -> None:
    config = sets.config(folders, edges__source="external", edges__train=folders["edges"])
    config.data.train = sets.prepare(config, tmp_path / "set")
    with pytest.raises(ValueError, match=r"contains its own edge maps, so edges\.train=.* would not be read"):
        pipeline.train_iterator(config, READER)
    config.edges.train = config.data.train
    assert next(pipeline.train_iterator(config, READER))["edge"].any()


def test_a_prepared_set_of_other_options_names_each_of_them(folders: dict[str, str], tmp_path: pathlib.Path) -> None:
    config = sets.config(folders)
    config.data.train = sets.prepare(config, tmp_path / "set")
    config.data.image_size, config.edges.sigma = 64, 1.0
    with pytest.raises(ValueError) as error:
        pipeline.train_iterator(config, READER)
    assert "data.image_size: prepared with 32, the configuration says 64" in str(error.value)
    assert "edges.sigma: prepared with 2.0, the configuration says 1.0" in str(error.value)
    assert "data.crop" not in str(error.value)
    config = sets.config(folders, data__train=config.data.train, masks__kind="external")
    with pytest.raises(ValueError, match="prepared without masks to draw from; prepare it with --masks"):
        pipeline.train_iterator(config, READER)


def test_a_validation_example_tells_the_shape_of_its_hole_where_shapes_mix(folders: dict[str, str]) -> None:
    config = sets.config(folders, masks__kind="block_freeform", eval__repeats=5)
    numbers = mixed("block_freeform")
    seen = set()
    for batch in pipeline.validation_batches(config, READER):
        assert batch["hole_shape"].dtype == np.int32 and batch["hole_shape"].shape == (4, 1, 1, 1)
        for mask, number in zip(batch["mask"], batch["hole_shape"].ravel(), strict=True):
            rows, columns = mask.any((1, 2)).sum(), mask.any((0, 2)).sum()
            is_block = np.count_nonzero(mask) == rows * columns == 256
            assert is_block == (number == numbers["block"])
            seen.add(int(number))
    assert seen == set(numbers.values())
    plain = next(iter(pipeline.validation_batches(sets.config(folders), READER)))
    assert "hole_shape" not in plain and "hole_shape" not in _train(config, 1)[0]
