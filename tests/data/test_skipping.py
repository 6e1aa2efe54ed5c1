"""Leaving out bad files: the same for any workers and processes, exact after a restart, counted and bounded."""

import dataclasses
import itertools
import logging
import pathlib
import shutil
from typing import Any

import numpy as np
import pytest
from PIL import Image

from configs.default import get_config
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import pipeline, records, skipping
from edgeconnect_jax.data.augmentation import Example
from edgeconnect_jax.data.prepared import format, write
from edgeconnect_jax.systems.edgeconnect.data import READER
from tests.conftest import write_masks, write_photographs
from tests.data import batches
from tests.data.batches import assert_equal
from tests.systems.edgeconnect import sets

BAD = "broken.png"


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """Four photographs and, between them by name, one that is cut short; masks to draw from, one of them empty."""
    write_photographs(tmp_path / "images", 40, 40)
    write_masks(tmp_path / "masks", 40, 40)
    data = (tmp_path / "images/coffee.png").read_bytes()
    (tmp_path / "images" / BAD).write_bytes(data[: len(data) // 2])
    return tmp_path


def _config(images: pathlib.Path, **changes: Any) -> Config:
    config = get_config()
    config.data.update(train=str(images), image_size=32, skip_bad=1)
    config.train.batch_size = 4
    config.update_from_flattened_dict({key.replace("__", "."): value for key, value in changes.items()})
    return config


def _batches(config: Config, count: int = 5, **process: int) -> list[Example]:
    return batches.train(config, READER, count, **process)


def test_batches_are_those_of_the_set_without_the_bad_file(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with_bad = _batches(_config(folder / "images"))
    clean = pathlib.Path(shutil.copytree(folder / "images", tmp_path / "clean"))
    (clean / BAD).unlink()
    assert_equal(with_bad, _batches(_config(clean, data__skip_bad=0)))


def test_processes_leave_out_the_same(folder: pathlib.Path) -> None:
    config = _config(folder / "images")
    whole = _batches(config)
    shares = [_batches(config, process_index=i, process_count=2) for i in range(2)]
    for batch, *parts in zip(whole, *shares, strict=True):
        assert sorted(batch["id"]) == sorted(np.concatenate([part["id"] for part in parts]))


@pytest.mark.parametrize("workers", [0, 1])
def test_with_any_workers_the_position_means_the_same_after_a_restart(folder: pathlib.Path, workers: int) -> None:
    whole = _batches(_config(folder / "images"), 6)
    config = _config(folder / "images", data__workers=workers)
    iterator = pipeline.train_iterator(config, READER)
    assert_equal(whole[:3], itertools.islice(iterator, 3))
    state = iterator.get_state()
    if workers:
        iterator.close()
    skipping._decided.clear()  # as in another process
    again = pipeline.train_iterator(config, READER)
    again.set_state(state)
    assert_equal(whole[3:], itertools.islice(again, 3))
    if workers:
        again.close()


def test_what_is_left_out_is_said_and_counted(folder: pathlib.Path, caplog: pytest.LogCaptureFixture) -> None:
    config = _config(folder / "images", masks__kind="external", masks__train=str(folder / "masks"), data__skip_bad=3)
    (folder / "masks/rocket.png").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        pipeline.train_iterator(config, READER)
        pipeline.describe_train(config, READER)  # opens it again
    assert caplog.text.count("1 file is left out (data.skip_bad=3)") == 2
    assert caplog.text.count(f"images/{BAD}: ") == caplog.text.count("masks/rocket.png: ") == 1
    assert pipeline.describe_train(config, READER) == f"4 pictures, 3 masks, without {BAD}, rocket.png"


def test_past_the_limit_and_by_default_it_stops_by_name(folder: pathlib.Path) -> None:
    (folder / "images/empty.png").touch()
    with pytest.raises(ValueError, match=rf"more than data.skip_bad=1 files(.|\n)*{BAD}(.|\n)*empty.png"):
        pipeline.train_iterator(_config(folder / "images"), READER)
    with pytest.raises(ValueError, match=rf"({BAD}|empty.png): not a picture"):
        _batches(_config(folder / "images", data__skip_bad=0))
    for path in (folder / "images").iterdir():
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="no file can be used"):
        pipeline.train_iterator(_config(folder / "images", data__skip_bad=100), READER)


def test_a_file_that_goes_bad_later_stops_the_run(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    iterator = pipeline.train_iterator(_config(folder / "images"), READER)
    (folder / "images/rocket.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"rocket\.png: not a picture"):
        list(itertools.islice(iterator, 5))


def test_too_small_pictures_are_left_out_too(folder: pathlib.Path) -> None:
    Image.new("RGB", (20, 20)).save(folder / "images/small.png")
    config = _config(folder / "images", data__image_size=0, data__skip_bad=2)
    assert pipeline.describe_train(config, READER) == f"4 pictures, without {BAD}, small.png"


def test_validation_leaves_out_and_repeats_as_before(folder: pathlib.Path) -> None:
    config = _config(folder / "images", data__validation=str(folder / "images"), eval__repeats=2, eval__batch_size=4)
    batches = list(pipeline.validation_batches(config, READER))
    assert [batch["id"].tolist() for batch in batches] == [[0, 1, 2, 3]] * 2


def test_files_are_read_once_and_in_order(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    read = records.ComputedRecords.read
    monkeypatch.setattr(records.ComputedRecords, "read", lambda self, index: reads.append(index) or read(self, index))
    for _ in range(2):
        kept, bad = skipping.without_bad(sets.computed(folder / "images"), 1, "limit")
        assert [item.index for item in bad] == [1] and len(kept) == 4
    assert sorted(reads) == [0, 1, 2, 3, 4]


def test_a_prepared_set_without_bad_files_trains_like_the_pictures(folder: pathlib.Path) -> None:
    computed, output = sets.computed(folder / "images"), folder / "set"
    manifest = write.prepare(computed, [], output, shards=2, progress=False, skip_bad=1)
    assert manifest.finished and manifest.images == 5
    (line,) = manifest.left_out
    assert line.startswith(str(folder / "images" / BAD))
    assert not (output / "left_out").exists()
    # A run may change from the one to the other.
    assert pipeline.describe_train(_config(output), READER) == pipeline.describe_train(
        _config(folder / "images"), READER
    )
    assert_equal(_batches(_config(folder / "images")), _batches(_config(output)))
    assert write.prepare(computed, [], output, progress=False) == manifest  # it is finished, and stays as it is


def test_a_preparation_past_the_limit_can_be_taken_up(folder: pathlib.Path) -> None:
    good = (folder / "images/coffee.png").read_bytes()
    (folder / "images/empty.png").touch()
    output = folder / "set"
    with pytest.raises(ValueError, match=r"more than --skip_bad=1; repair(.|\n)*broken.png(.|\n)*empty.png"):
        write.prepare(sets.computed(folder / "images"), [], output, shards=6, progress=False, skip_bad=1)
    # A shard that would hold nothing is none that anyone could read, but it may lack all of its one picture.
    manifest = write.prepare(sets.computed(folder / "images"), [], output, shards=6, progress=False, skip_bad=2)
    assert len(manifest.left_out) == 2
    assert len(_batches(_config(output))) == 5
    other = folder / "other"
    with pytest.raises(ValueError, match="2 files cannot be used"):
        write.prepare(sets.computed(folder / "images"), [], other, shards=2, progress=False, skip_bad=1)
    (folder / "images" / BAD).write_bytes(good)
    (folder / "images/empty.png").write_bytes(good)
    manifest = write.prepare(sets.computed(folder / "images"), [], other, shards=2, progress=False)
    assert manifest.finished and not manifest.left_out
    assert sorted(path.name for path in other.iterdir()) == ["images", "prepared.json"]


def test_a_set_of_nothing_but_bad_files_is_never_finished(folder: pathlib.Path) -> None:
    for path in (folder / "images").iterdir():
        path.write_bytes(b"no picture")
    for _ in range(2):  # the second takes up the first
        with pytest.raises(ValueError, match=rf"no file of images can be used(.|\n)*{BAD}"):
            write.prepare(sets.computed(folder / "images"), [], folder / "set", progress=False, skip_bad=9)
    assert not format.read_manifest(folder / "set").finished


def test_a_refused_preparation_removes_nothing(folder: pathlib.Path) -> None:
    output = folder / "set"
    (folder / "images/empty.png").touch()
    with pytest.raises(ValueError, match="more than --skip_bad=1"):
        write.prepare(sets.computed(folder / "images"), [], output, shards=6, progress=False, skip_bad=1)
    before = sorted(output.rglob("*"))
    other = sets.computed(folder / "images")
    other = dataclasses.replace(other, options=other.options._replace(image_size=28))
    with pytest.raises(ValueError, match="differs in image_size"):
        write.prepare(other, [], output, progress=False)
    assert sorted(output.rglob("*")) == before


def test_worker_processes_leave_out_the_same(folder: pathlib.Path) -> None:
    manifests = [
        write.prepare(sets.computed(folder / "images"), [], folder / f"set{n}", n, shards=2, progress=False, skip_bad=1)
        for n in (0, 1)
    ]
    assert manifests[0] == manifests[1]
