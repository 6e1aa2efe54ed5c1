"""What the shared rooms do with the fields of a system that is not EdgeConnect: int32 labels stay what they are."""

import json
import pathlib

import numpy as np
import pytest
from ml_collections import ConfigDict

from edgeconnect_jax.data import pipeline, records, sources
from edgeconnect_jax.data.prepared import format, write
from edgeconnect_jax.data.reader import Example
from tests.data import batches, labelled
from tests.data.batches import assert_equal
from tests.data.labelled import READER


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> ConfigDict:
    return labelled.write_labelled(tmp_path_factory.mktemp("labelled"))


@pytest.fixture
def config(written: ConfigDict) -> ConfigDict:
    return ConfigDict(written.to_dict())


def _prepared(config: ConfigDict, folder: pathlib.Path) -> ConfigDict:
    """The configuration of the same set, prepared."""
    pools = [records.pool_files(READER, READER.options(config), pool) for pool in READER.pools(config, "train")]
    write.prepare(labelled.computed(config), pools, folder, workers=1, shards=2, progress=False)
    changed = ConfigDict(config.to_dict())
    changed.data.train = changed.data.validation = str(folder)
    for group in (changed.labels, changed.exemplars):
        group.train = group.validation = ""
    return changed


def _train(config: ConfigDict, count: int = 4) -> list[Example]:
    return batches.train(config, READER, count)


def test_labels_are_resized_to_values_that_were_there(config: ConfigDict) -> None:
    config.data.crop = "center"
    record, whole = labelled.computed(config)[0], sources.open_source(config.data.train)[0]
    assert record["label"].shape == (24, 24, 1) and record["label"].dtype == np.int32
    assert set(np.unique(record["label"])) <= set(np.unique(labelled.label_of(whole)))
    assert record["label"].max() > 2**24


def test_labels_stay_with_their_pixels_when_cropped_mirrored_and_batched(config: ConfigDict) -> None:
    taken = _train(config)
    for batch in taken:
        assert {field: (array.shape, array.dtype) for field, array in batch.items()} == {
            "image": ((4, 24, 24, 3), np.uint8),
            "label": ((4, 24, 24, 1), np.int32),
            "exemplar": ((4, 24, 24, 3), np.uint8),
            "id": ((4,), np.int32),
        }
        np.testing.assert_array_equal(batch["label"], labelled.label_of(batch["image"]))
    assert len({exemplar.tobytes() for batch in taken for exemplar in batch["exemplar"]}) > 4  # mirrored, too


def test_a_prepared_set_gives_the_same_records_and_batches(config: ConfigDict, tmp_path: pathlib.Path) -> None:
    prepared = _prepared(config, tmp_path / "set")
    stored = format.open_records(tmp_path / "set", READER, READER.options(config))
    for index, record in enumerate(labelled.computed(config)[i] for i in range(4)):
        assert_equal([stored[index]], [record])
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["exemplars", "images", "prepared.json"]
    manifest = json.loads((tmp_path / "set/prepared.json").read_text())
    assert (manifest["images"], manifest["exemplars"]) == (4, 4)
    assert_equal(_train(config), _train(prepared))
    assert_equal(pipeline.validation_batches(config, READER), pipeline.validation_batches(prepared, READER))
    description = pipeline.describe_train(prepared, READER)
    assert description == pipeline.describe_train(config, READER) == "4 pictures, 4 exemplars"


@pytest.mark.parametrize("kind", ["files", "prepared"])
def test_worker_processes_give_the_same_batches(kind: str, config: ConfigDict, tmp_path: pathlib.Path) -> None:
    ours = _train(config)
    config = _prepared(config, tmp_path / "set") if kind == "prepared" else config
    config.data.workers = 1
    assert_equal(ours, _train(config))


def test_validation_is_cropped_but_not_mirrored(config: ConfigDict) -> None:
    validated = list(pipeline.validation_batches(config, READER))
    assert [batch["valid"].tolist() for batch in validated] == [[1, 1, 1], [1, 0, 0]]
    whole = [READER.read_pool(READER.options(config), "exemplar", path) for path in _exemplars(config)]
    for batch in validated:
        np.testing.assert_array_equal(batch["label"], labelled.label_of(batch["image"]))
        assert all(any((exemplar == x).all() for x in whole) for exemplar in batch["exemplar"])


def _exemplars(config: ConfigDict) -> list[pathlib.Path]:
    return sources.list_files(config.exemplars.validation)


def test_the_spec_names_every_field(config: ConfigDict) -> None:
    spec = pipeline.element_spec(pipeline.open_train(config, READER))
    assert spec["label"] == ((24, 24, 1), np.dtype(np.int32)) and spec.keys() == {"image", "label", "exemplar", "id"}


def test_what_is_missing_or_other_is_named_by_the_systems_own_options(
    config: ConfigDict, tmp_path: pathlib.Path
) -> None:
    prepared = _prepared(config, tmp_path / "set")
    prepared.data.image_size = 20
    with pytest.raises(ValueError, match=r"data\.image_size: prepared with 24, the configuration says 20"):
        pipeline.open_train(prepared, READER)
    prepared.data.image_size, prepared.labels.train = 24, config.labels.train
    with pytest.raises(ValueError, match=r"contains its own label maps, so labels\.train="):
        pipeline.open_train(prepared, READER)
    config.exemplars.train = ""
    with pytest.raises(ValueError, match=r"exemplars\.train is empty, but drawing exemplars needs exemplars"):
        pipeline.open_train(config, READER)


def test_bad_labels_and_exemplars_are_left_out(tmp_path: pathlib.Path) -> None:
    config = labelled.write_labelled(tmp_path)
    (tmp_path / "labels/2.png").write_bytes(b"")
    (tmp_path / "exemplars/0.png").write_bytes(b"")
    config.data.skip_bad = 1
    assert pipeline.describe_train(config, READER) == "3 pictures, 3 exemplars, without 2.png, 0.png"
