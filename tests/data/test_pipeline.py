"""Batches: the same from prepared and unprepared pictures, reproducible, shared by processes, in order to validate."""

import itertools
import json
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from configs.default import get_config
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import pipeline, records, sources
from edgeconnect_jax.data.augmentation import Example
from edgeconnect_jax.data.prepared import write
from edgeconnect_jax.systems.edgeconnect.data import READER
from tests.conftest import write_masks, write_photographs
from tests.synthetic import picture
from tests.systems.edgeconnect import sets


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Four photographs, 42 x 57, with masks and soft edge maps of other sizes, and masks to draw from."""
    home = tmp_path_factory.mktemp("pipeline")
    write_photographs(home / "images", 42, 57)
    write_masks(home / "masks", 60, 70)
    for kind in ("edges", "external"):
        (home / kind).mkdir()
    for seed, path in enumerate(sorted((home / "images").iterdir())):
        soft, hole = picture(seed, 50, 64)
        Image.fromarray(soft[..., 0]).save(home / "edges" / path.name)
        Image.fromarray(hole[:, 8:48]).save(home / "external" / f"hole{seed}.png")
    return {path.name: str(path) for path in home.iterdir()}


def _config(folders: dict[str, str], **changes: Any) -> Config:
    config = get_config()
    config.data.train = config.data.validation = folders["images"]
    config.data.image_size = 32
    config.train.batch_size = config.eval.batch_size = 4
    config.update_from_flattened_dict({key.replace("__", "."): value for key, value in changes.items()})
    return config


def _train(config: Config, count: int, **process: int) -> list[Example]:
    return list(itertools.islice(pipeline.train_iterator(config, READER, **process), count))


def _assert_equal(first: Iterable[Example], second: Iterable[Example]) -> None:
    for a, b in zip(first, second, strict=True):
        assert a.keys() == b.keys()
        for key in a:
            np.testing.assert_array_equal(a[key], b[key])


def _prepare(config: Config, folder: pathlib.Path) -> str:
    options, source = READER.options(config), sources.open_source(config.data.train)
    computed = records.compute_records(READER, options, source, READER.partners(config, "train"))
    pools = [records.pool_files(READER, options, pool) for pool in READER.pools(config, "train")]
    write.prepare(computed, pools, folder, shards=2, progress=False)
    return str(folder)


def test_shapes_types_and_values(folders: dict[str, str]) -> None:
    batch = _train(_config(folders), 1)[0]
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
    config = _config(folders, **changes)
    prepared = config.copy_and_resolve_references()
    prepared.data.train = _prepare(config, tmp_path / "set")
    prepared.masks.train = prepared.edges.train = ""
    ours = _train(config, 3)
    _assert_equal(ours, _train(prepared, 3))
    assert sum(np.count_nonzero(batch["mask"]) for batch in ours) > 0
    assert any(batch["edge"].any() for batch in ours) == (config.edges.sigma != -1)
    for each in (config, prepared):
        each.data.validation, each.masks.validation, each.edges.validation = (
            each.data.train,
            each.masks.train,
            each.edges.train,
        )
    _assert_equal(pipeline.validation_batches(config, READER), pipeline.validation_batches(prepared, READER))


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
    before, after = _train(_config(folders), 1)[0], _train(_config(folders, **change), 1)[0]
    assert any(before[key].shape != after[key].shape or (before[key] != after[key]).any() for key in before)


def test_the_same_seed_gives_the_same_batches_with_any_number_of_threads(folders: dict[str, str]) -> None:
    _assert_equal(_train(_config(folders, data__threads=0), 4), _train(_config(folders, data__threads=3), 4))


def test_worker_processes_give_the_same_batches(folders: dict[str, str]) -> None:
    ours = _train(_config(folders), 3)
    iterator = pipeline.train_iterator(_config(folders, data__workers=1), READER)
    try:
        _assert_equal(ours, itertools.islice(iterator, 3))
    finally:
        iterator.close()


def test_every_epoch_has_all_pictures_in_another_order_with_other_masks(folders: dict[str, str]) -> None:
    batches = _train(_config(folders), 6)
    orders = [batch["id"].tolist() for batch in batches]
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    holes = {batch["mask"][i].tobytes() for batch in batches for i in range(4)}
    assert len(holes) == 24


def test_everything_is_flipped_together(folders: dict[str, str]) -> None:
    config = _config(folders, masks__kind="paired", masks__train=folders["masks"])
    plain = {int(i): x for x in _train(_config(folders, **{
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
    plain, jittered = (_config(folders, data__color_jitter=amount) for amount in (0.0, 0.5))
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
    _assert_equal(pipeline.validation_batches(plain, READER), pipeline.validation_batches(jittered, READER))


def test_random_crops_cut_picture_edges_and_mask_alike(folders: dict[str, str]) -> None:
    changes = {"masks__kind": "paired", "masks__train": folders["masks"], "data__flip": False}
    config = _config(folders, data__crop="random", **changes)
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
    config = _config(folders, edges__sigma=0.0, data__flip=False)
    stored = sets.computed(folders["images"], sigma=0.0)
    used = np.zeros(4, int)
    for batch in _train(config, 16):
        for i, edge in zip(batch["id"], batch["edge"], strict=True):
            same = (stored[int(i)]["edges"] == edge).all((0, 1))
            assert same.any()
            used += same
    assert used.min() > 4


def test_position_can_be_saved_and_restored(folders: dict[str, str]) -> None:
    config = _config(folders)
    iterator = pipeline.train_iterator(config, READER)
    list(itertools.islice(iterator, 3))
    state = json.loads(json.dumps(iterator.get_state()))
    wanted = list(itertools.islice(iterator, 3))
    again = pipeline.train_iterator(config, READER)
    again.set_state(state)
    _assert_equal(wanted, itertools.islice(again, 3))


def _together(shares: Iterable[Iterable[Example]]) -> list[Example]:
    """The global batches that the shares of all processes make up, in the order of the processes."""
    return [
        {key: np.concatenate([part[key] for part in parts]) for key in parts[0]} for parts in zip(*shares, strict=True)
    ]


def test_processes_share_each_global_batch_in_order(folders: dict[str, str]) -> None:
    """So do processes that go on where another number of them stopped."""
    config = _config(folders, train__batch_size=6)
    whole = _train(config, 5)
    iterators = [pipeline.train_iterator(config, READER, process_index=i, process_count=3) for i in range(3)]
    shares = [list(itertools.islice(iterator, 3)) for iterator in iterators]
    assert all(len(batch["id"]) == 2 for share in shares for batch in share)
    _assert_equal(whole[:3], _together(shares))
    positions = [iterator.get_state() for iterator in iterators]
    assert positions[0] == positions[1] == positions[2] and json.loads(json.dumps(positions[0])) == positions[0]
    halves = [pipeline.train_iterator(config, READER, process_index=i, process_count=2) for i in range(2)]
    for iterator in halves:
        iterator.set_state(positions[0])
    _assert_equal(whole[3:], _together([list(itertools.islice(iterator, 2)) for iterator in halves]))


def test_validation_is_in_order_padded_and_the_same_every_time(folders: dict[str, str]) -> None:
    batches = pipeline.validation_batches(_config(folders, eval__batch_size=3), READER)
    first = list(batches)
    assert len(batches) == len(first) == 2
    assert [batch["id"].tolist() for batch in first] == [[0, 1, 2], [3, 3, 3]]
    assert [batch["valid"].tolist() for batch in first] == [[1, 1, 1], [1, 0, 0]]
    for key in ("image", "edge", "mask"):
        np.testing.assert_array_equal(first[1][key][0], first[1][key][2])
    _assert_equal(first, batches)
    _assert_equal(first, pipeline.validation_batches(_config(folders, eval__batch_size=3, data__flip=False), READER))
    other = next(iter(pipeline.validation_batches(_config(folders, eval__batch_size=3, train__seed=1), READER)))
    assert (other["mask"] != first[0]["mask"]).any()
    np.testing.assert_array_equal(other["image"], first[0]["image"])


def test_validation_examples_do_not_depend_on_the_batch_size(folders: dict[str, str]) -> None:
    config = _config(folders, data__crop="random", edges__sigma=0.0)
    single = list(pipeline.validation_batches(_config(
        folders, data__crop="random", edges__sigma=0.0, eval__batch_size=1
    ), READER))  # fmt: skip
    whole = next(iter(pipeline.validation_batches(config, READER)))
    _assert_equal([whole], [{key: np.concatenate([batch[key] for batch in single]) for key in whole}])


def test_validation_repeats_draw_other_holes(folders: dict[str, str]) -> None:
    batches = list(pipeline.validation_batches(_config(folders, eval__repeats=2), READER))
    assert [batch["id"].tolist() for batch in batches] == [[0, 1, 2, 3]] * 2
    np.testing.assert_array_equal(batches[0]["image"], batches[1]["image"])
    assert all((batches[0]["mask"][i] != batches[1]["mask"][i]).any() for i in range(4))
    assert all(batch["valid"].all() for batch in batches)


def test_validation_processes_have_the_same_number_of_batches(folders: dict[str, str]) -> None:
    config = _config(folders, eval__batch_size=6)
    shares = [list(pipeline.validation_batches(config, READER, process_index=i, process_count=3)) for i in range(3)]
    assert [len(share) for share in shares] == [1, 1, 1]
    _assert_equal(pipeline.validation_batches(config, READER), _together(shares))


def test_own_size_validates_one_at_a_time(folders: dict[str, str], tmp_path: pathlib.Path) -> None:
    write_photographs(tmp_path / "more", 33, 48)
    (tmp_path / "more.txt").write_text("more/coffee.png\n" + f"{folders['images']}/rocket.png\n")
    config = _config(folders, data__image_size=0, data__validation=str(tmp_path / "more.txt"))
    sizes = [batch["image"].shape for batch in pipeline.validation_batches(config, READER)]
    assert sizes == [(1, 32, 48, 3), (1, 40, 56, 3)]
    config.data.train, config.train.batch_size = config.data.validation, 2
    with pytest.raises(ValueError, match=r"(coffee.*48 x 32.*rocket.*56 x 40|rocket.*coffee).*data.image_size=0"):
        _train(config, 1)
    config.train.batch_size = 1
    assert {batch["image"].shape for batch in _train(config, 4)} == set(sizes)


def test_a_set_that_was_opened_is_not_opened_again(folders: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    config = _config(folders, data__image_size=0, train__batch_size=1)
    opened = pipeline.open_train(config, READER)
    monkeypatch.setattr(pipeline, "_open", None)
    assert next(pipeline.train_iterator(config, READER, opened))["image"].shape[1:3] == (40, 56)
    assert pipeline.element_spec(opened)["image"] == ((40, 56, 3), np.uint8)
    assert pipeline.describe_train(config, READER, opened).endswith(" pictures")


@pytest.mark.parametrize(("side", "size"), [(32, (32, 32)), (0, (40, 56))])
def test_the_spec_is_that_of_an_example(side: int, size: tuple[int, int], folders: dict[str, str]) -> None:
    opened = pipeline.open_train(_config(folders, data__image_size=side), READER)
    channels = {"image": 3, "edge": 1, "mask": 1}
    wanted = {name: ((*size, c), np.dtype(np.uint8)) for name, c in channels.items()}
    assert pipeline.element_spec(opened) == wanted | {"id": ((), np.dtype(np.int32))}


def test_computed_records_are_kept_while_they_fit(photographs: pathlib.Path) -> None:
    computed = sets.computed(photographs, image_size=16)
    size = 16 * 16 * 4
    cached = pipeline.CachedRecords(computed, 2 * size)
    first = [cached[i] for i in range(4)]
    assert [cached[i] is first[i] for i in range(4)] == [True, True, False, False]
    for i in range(4):
        np.testing.assert_array_equal(cached[i]["image"], computed[i]["image"])


def test_examples_may_be_changed_without_harm_to_what_is_kept(folders: dict[str, str]) -> None:
    config = _config(folders, data__flip=False)
    iterator = pipeline.train_iterator(config, READER)
    for batch in itertools.islice(iterator, 3):
        for array in batch.values():
            array[...] = 0
    _assert_equal([next(iterator)], _train(config, 4)[3:])


def test_errors(folders: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"train\.batch_size=4 cannot be divided among 3 processes"):
        pipeline.train_iterator(_config(folders), READER, process_index=0, process_count=3)
    with pytest.raises(ValueError, match=r"eval\.batch_size=4 cannot be divided among 3 processes"):
        pipeline.validation_batches(_config(folders), READER, process_count=3)
    with pytest.raises(ValueError, match=r"data\.train='nowhere': nowhere: no such folder"):
        pipeline.train_iterator(_config(folders, data__train="nowhere"), READER)
    with pytest.raises(ValueError, match=r"set masks\.train to a folder"):
        pipeline.train_iterator(_config(folders, masks__kind="external"), READER)
    with pytest.raises(ValueError, match=r"data\.image_size=30"):
        pipeline.train_iterator(_config(folders, data__image_size=30), READER)


def test_a_prepared_set_refuses_other_edges(folders: dict[str, str], tmp_path: pathlib.Path) -> None:
    config = _config(folders, edges__source="external", edges__train=folders["edges"])
    config.data.train = _prepare(config, tmp_path / "set")
    with pytest.raises(ValueError, match=r"brings its own edge maps: edges\.train=.* would not be read"):
        pipeline.train_iterator(config, READER)
    config.edges.train = config.data.train
    assert next(pipeline.train_iterator(config, READER))["edge"].any()


def test_a_prepared_set_of_other_options_names_each_of_them(folders: dict[str, str], tmp_path: pathlib.Path) -> None:
    config = _config(folders)
    config.data.train = _prepare(config, tmp_path / "set")
    config.data.image_size, config.edges.sigma = 64, 1.0
    with pytest.raises(ValueError) as error:
        pipeline.train_iterator(config, READER)
    assert "data.image_size: prepared with 32, the configuration says 64" in str(error.value)
    assert "edges.sigma: prepared with 2.0, the configuration says 1.0" in str(error.value)
    assert "data.crop" not in str(error.value)
    config = _config(folders, data__train=config.data.train, masks__kind="external")
    with pytest.raises(ValueError, match="prepared without masks to draw from; prepare it with --masks"):
        pipeline.train_iterator(config, READER)
