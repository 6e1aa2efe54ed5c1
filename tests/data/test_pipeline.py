"""Batches: reproducible, shared by processes, in order to validate. EdgeConnect's serve as the example."""

import itertools
import json
import pathlib
from collections.abc import Iterable

import numpy as np
import pytest

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.data.reader import Example
from edgeconnect_jax.systems.edgeconnect.data import READER
from tests.conftest import write_photographs
from tests.data import batches
from tests.data.batches import assert_equal
from tests.systems.edgeconnect import sets


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return sets.write_folders(tmp_path_factory.mktemp("folders"))


def _train(config: Config, count: int, **process: int) -> list[Example]:
    return batches.train(config, READER, count, **process)


def test_the_same_seed_gives_the_same_batches_with_any_number_of_threads(folders: dict[str, str]) -> None:
    assert_equal(_train(sets.config(folders, data__threads=0), 4), _train(sets.config(folders, data__threads=3), 4))


def test_worker_processes_give_the_same_batches(folders: dict[str, str]) -> None:
    ours = _train(sets.config(folders), 3)
    iterator = pipeline.train_iterator(sets.config(folders, data__workers=1), READER)
    try:
        assert_equal(ours, itertools.islice(iterator, 3))
    finally:
        iterator.close()


def test_every_epoch_has_all_pictures_in_another_order_with_other_masks(folders: dict[str, str]) -> None:
    batches = _train(sets.config(folders), 6)
    orders = [batch["id"].tolist() for batch in batches]
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    holes = {batch["mask"][i].tobytes() for batch in batches for i in range(4)}
    assert len(holes) == 24


def test_position_can_be_saved_and_restored(folders: dict[str, str]) -> None:
    config = sets.config(folders)
    iterator = pipeline.train_iterator(config, READER)
    list(itertools.islice(iterator, 3))
    state = json.loads(json.dumps(iterator.get_state()))
    wanted = list(itertools.islice(iterator, 3))
    again = pipeline.train_iterator(config, READER)
    again.set_state(state)
    assert_equal(wanted, itertools.islice(again, 3))


def _together(shares: Iterable[Iterable[Example]]) -> list[Example]:
    """The global batches that the shares of all processes make up, in the order of the processes."""
    return [
        {key: np.concatenate([part[key] for part in parts]) for key in parts[0]} for parts in zip(*shares, strict=True)
    ]


def test_processes_share_each_global_batch_in_order(folders: dict[str, str]) -> None:
    """So do processes that go on where another number of them stopped."""
    config = sets.config(folders, train__batch_size=6)
    whole = _train(config, 5)
    iterators = [pipeline.train_iterator(config, READER, process_index=i, process_count=3) for i in range(3)]
    shares = [list(itertools.islice(iterator, 3)) for iterator in iterators]
    assert all(len(batch["id"]) == 2 for share in shares for batch in share)
    assert_equal(whole[:3], _together(shares))
    positions = [iterator.get_state() for iterator in iterators]
    assert positions[0] == positions[1] == positions[2] and json.loads(json.dumps(positions[0])) == positions[0]
    halves = [pipeline.train_iterator(config, READER, process_index=i, process_count=2) for i in range(2)]
    for iterator in halves:
        iterator.set_state(positions[0])
    assert_equal(whole[3:], _together([list(itertools.islice(iterator, 2)) for iterator in halves]))


def test_validation_is_in_order_padded_and_the_same_every_time(folders: dict[str, str]) -> None:
    batches = pipeline.validation_batches(sets.config(folders, eval__batch_size=3), READER)
    first = list(batches)
    assert len(batches) == len(first) == 2
    assert [batch["id"].tolist() for batch in first] == [[0, 1, 2], [3, 3, 3]]
    assert [batch["valid"].tolist() for batch in first] == [[1, 1, 1], [1, 0, 0]]
    for key in ("image", "edge", "mask"):
        np.testing.assert_array_equal(first[1][key][0], first[1][key][2])
    assert_equal(first, batches)
    assert_equal(first, pipeline.validation_batches(sets.config(folders, eval__batch_size=3, data__flip=False), READER))
    other = next(iter(pipeline.validation_batches(sets.config(folders, eval__batch_size=3, train__seed=1), READER)))
    assert (other["mask"] != first[0]["mask"]).any()
    np.testing.assert_array_equal(other["image"], first[0]["image"])


def test_validation_examples_do_not_depend_on_the_batch_size(folders: dict[str, str]) -> None:
    config = sets.config(folders, data__crop="random", edges__sigma=0.0)
    single = list(pipeline.validation_batches(sets.config(
        folders, data__crop="random", edges__sigma=0.0, eval__batch_size=1
    ), READER))  # fmt: skip
    whole = next(iter(pipeline.validation_batches(config, READER)))
    assert_equal([whole], [{key: np.concatenate([batch[key] for batch in single]) for key in whole}])


def test_validation_repeats_draw_other_holes(folders: dict[str, str]) -> None:
    batches = list(pipeline.validation_batches(sets.config(folders, eval__repeats=2), READER))
    assert [batch["id"].tolist() for batch in batches] == [[0, 1, 2, 3]] * 2
    np.testing.assert_array_equal(batches[0]["image"], batches[1]["image"])
    assert all((batches[0]["mask"][i] != batches[1]["mask"][i]).any() for i in range(4))
    assert all(batch["valid"].all() for batch in batches)


def test_validation_processes_have_the_same_number_of_batches(folders: dict[str, str]) -> None:
    config = sets.config(folders, eval__batch_size=6)
    shares = [list(pipeline.validation_batches(config, READER, process_index=i, process_count=3)) for i in range(3)]
    assert [len(share) for share in shares] == [1, 1, 1]
    assert_equal(pipeline.validation_batches(config, READER), _together(shares))


def test_own_size_validates_one_at_a_time(folders: dict[str, str], tmp_path: pathlib.Path) -> None:
    write_photographs(tmp_path / "more", 33, 48)
    (tmp_path / "more.txt").write_text("more/coffee.png\n" + f"{folders['images']}/rocket.png\n")
    config = sets.config(folders, data__image_size=0, data__validation=str(tmp_path / "more.txt"))
    sizes = [batch["image"].shape for batch in pipeline.validation_batches(config, READER)]
    assert sizes == [(1, 32, 48, 3), (1, 40, 56, 3)]
    config.data.train, config.train.batch_size = config.data.validation, 2
    with pytest.raises(ValueError, match=r"(coffee.*48 x 32.*rocket.*56 x 40|rocket.*coffee).*data.image_size=0"):
        _train(config, 1)
    config.train.batch_size = 1
    assert {batch["image"].shape for batch in _train(config, 4)} == set(sizes)


def test_a_set_that_was_opened_is_not_opened_again(folders: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    config = sets.config(folders, data__image_size=0, train__batch_size=1)
    opened = pipeline.open_train(config, READER)
    monkeypatch.setattr(pipeline, "_open", None)
    assert next(pipeline.train_iterator(config, READER, opened))["image"].shape[1:3] == (40, 56)
    assert pipeline.element_spec(opened)["image"] == ((40, 56, 3), np.uint8)
    assert pipeline.describe_train(config, READER, opened).endswith(" pictures")


@pytest.mark.parametrize(("side", "size"), [(32, (32, 32)), (0, (40, 56))])
def test_the_spec_is_that_of_an_example(side: int, size: tuple[int, int], folders: dict[str, str]) -> None:
    opened = pipeline.open_train(sets.config(folders, data__image_size=side), READER)
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
    config = sets.config(folders, data__flip=False)
    iterator = pipeline.train_iterator(config, READER)
    for batch in itertools.islice(iterator, 3):
        for array in batch.values():
            array[...] = 0
    assert_equal([next(iterator)], _train(config, 4)[3:])


def test_errors(folders: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"train\.batch_size=4 cannot be divided among 3 processes"):
        pipeline.train_iterator(sets.config(folders), READER, process_index=0, process_count=3)
    with pytest.raises(ValueError, match=r"eval\.batch_size=4 cannot be divided among 3 processes"):
        pipeline.validation_batches(sets.config(folders), READER, process_count=3)
    with pytest.raises(ValueError, match=r"data\.train='nowhere': nowhere: no such folder"):
        pipeline.train_iterator(sets.config(folders, data__train="nowhere"), READER)
    with pytest.raises(ValueError, match=r"masks\.train is empty, .* name a folder"):
        pipeline.train_iterator(sets.config(folders, masks__kind="external"), READER)
    with pytest.raises(ValueError, match=r"data\.image_size=30"):
        pipeline.train_iterator(sets.config(folders, data__image_size=30), READER)
