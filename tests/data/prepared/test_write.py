"""Prepared sets: what is stored, how a run is taken up again, and what is refused."""

import dataclasses
import json
import pathlib
import shutil
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from edgeconnect_jax.data import records
from edgeconnect_jax.data.prepared import format
from edgeconnect_jax.data.prepared import write as prepare
from edgeconnect_jax.data.prepared.shards import Inputs, Shard
from edgeconnect_jax.systems.edgeconnect.data import READER
from tests.systems.edgeconnect import sets

DATA = pathlib.Path(__file__).parents[1]


@pytest.fixture
def images(photographs: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy of the photographs that a test may change."""
    return pathlib.Path(shutil.copytree(photographs, tmp_path / "images"))


def _computed(images: pathlib.Path, masks: str = "", **changes: Any) -> records.ComputedRecords:
    return sets.computed(images, "", masks, **changes)


def _prepare(computed: records.ComputedRecords, folder: pathlib.Path, **arguments: Any) -> format.Manifest:
    pools = [arguments.pop("pool")] if "pool" in arguments else []
    return prepare.prepare(computed, pools, folder, progress=False, **{"shards": 3, **arguments})


def _shards(folder: pathlib.Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in sorted((folder / "images").glob("*.array_record*"))}


def _read_by_tfds(folder: pathlib.Path) -> Any:
    builder: Any = tfds.builder_from_directory(folder)
    return builder.as_data_source("train")


def test_tfds_reads_a_prepared_set(
    photographs: pathlib.Path, photograph_masks: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    computed = _computed(photographs, str(photograph_masks), sigma=0, paired_masks=True)
    pool = sets.pool(photograph_masks, 2)
    manifest = _prepare(computed, tmp_path / "set", pool=pool)
    assert (manifest.images, manifest.pools, manifest.shards, manifest.finished) == (4, {"masks": 2}, 3, True)
    data = _read_by_tfds(tmp_path / "set/images")
    assert len(data) == 4
    for stored, record, name in zip(data, computed, sorted(photographs.iterdir()), strict=True):
        np.testing.assert_array_equal(stored["image"], record["image"])
        np.testing.assert_array_equal(stored["edges"], record["edges"])
        np.testing.assert_array_equal(stored["mask"], record["mask"])
        assert stored["edges"].shape == (32, 32, 4) and stored["name"].decode() == str(name)
    masks = _read_by_tfds(tmp_path / "set/masks")
    np.testing.assert_array_equal([m["mask"] for m in masks], [pool[0], pool[1]])


def test_worker_processes_write_the_same_set(photographs: pathlib.Path, tmp_path: pathlib.Path) -> None:
    computed = _computed(photographs)
    manifests = [_prepare(computed, tmp_path / name, workers=n) for name, n in (("here", 0), ("there", 2))]
    assert manifests[0] == manifests[1]
    files = [{str(p.relative_to(tmp_path / x)) for p in (tmp_path / x).rglob("*")} for x in ("here", "there")]
    assert files[0] == files[1] and len(files[0]) == 7  # a folder, three shards, two descriptions by TFDS, one by us
    sets = [_read_by_tfds(tmp_path / name / "images") for name in ("here", "there")]
    for here, there in zip(*sets, strict=True):
        assert here["name"] == there["name"]
        np.testing.assert_array_equal(here["image"], there["image"])
        np.testing.assert_array_equal(here["edges"], there["edges"])


def test_a_killed_run_goes_on(
    photographs: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed, folder = _computed(photographs), tmp_path / "set"
    real = prepare.write_shard

    def killed_at_the_last(inputs: Inputs, shard: Shard) -> list[str]:
        if shard.stop == 4:
            (folder / "images/.half.part").touch()
            raise KeyboardInterrupt
        return real(inputs, shard)

    monkeypatch.setattr(prepare, "write_shard", killed_at_the_last)
    with pytest.raises(KeyboardInterrupt):
        _prepare(computed, folder)
    monkeypatch.undo()
    before = _shards(folder)
    assert len(before) == 2 and not format.read_manifest(folder).finished
    with pytest.raises(ValueError, match="is not finished; run scripts/prepare_data"):
        format.open_records(folder, READER, computed.options)
    _prepare(computed, folder, shards=0)
    after = _shards(folder)
    assert len(after) == 3 and before.items() <= after.items()
    assert not list(folder.rglob(".*"))
    assert len(format.open_records(folder, READER, computed.options)) == 4


def test_a_finished_set_is_left_alone(photographs: pathlib.Path, tmp_path: pathlib.Path) -> None:
    _prepare(_computed(photographs), tmp_path / "set")
    before = _shards(tmp_path / "set")
    assert _prepare(_computed(photographs), tmp_path / "set").finished
    assert _shards(tmp_path / "set") == before


def test_all_bad_pictures_are_reported_and_can_be_mended(images: pathlib.Path, tmp_path: pathlib.Path) -> None:
    good = {}
    for name in ("astronaut.png", "rocket.png"):
        good[name] = (images / name).read_bytes()
        (images / name).write_bytes(good[name][: len(good[name]) // 2])
    folder = tmp_path / "set"
    with pytest.raises(ValueError, match=r"2 files cannot be used(.|\n)*astronaut.png(.|\n)*rocket.png"):
        _prepare(_computed(images), folder, shards=4)
    before = _shards(folder)
    assert len(before) == 2 and not format.read_manifest(folder).finished
    assert not (folder / "images/features.json").exists() and not list(folder.rglob("*.part"))
    for name, content in good.items():
        (images / name).write_bytes(content)
    assert _prepare(_computed(images), folder, shards=0).finished
    assert before.items() <= _shards(folder).items()


def test_a_full_disk_is_not_blamed_on_the_pictures(
    photographs: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk:
        def __init__(self, *_: Any) -> None: ...

        def write(self, _: bytes) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("array_record.python.array_record_module.ArrayRecordWriter", FullDisk)
    with pytest.raises(OSError, match="No space left") as error:
        _prepare(_computed(photographs), tmp_path / "set")
    assert error.type is OSError and not list((tmp_path / "set").rglob("*.part"))


def test_changed_pictures_are_refused(images: pathlib.Path, tmp_path: pathlib.Path) -> None:
    _prepare(_computed(images), tmp_path / "set")
    Image.effect_noise((80, 64), 90).save(images / "rocket.png")
    with pytest.raises(ValueError, match=r"the pictures of these parts have changed(.|\n)*00002-of-00003") as error:
        _prepare(_computed(images), tmp_path / "set")
    assert "00000-of-00003" not in str(error.value)


def test_another_set_in_the_folder_is_refused(images: pathlib.Path, tmp_path: pathlib.Path) -> None:
    _prepare(_computed(images), tmp_path / "set")
    with pytest.raises(ValueError, match="differs in shards, sigma"):
        _prepare(_computed(images, sigma=1), tmp_path / "set", shards=2)
    (images / "rocket.png").unlink()
    with pytest.raises(ValueError, match="differs in images"):
        _prepare(_computed(images), tmp_path / "set")
    with pytest.raises(ValueError, match="holds other files"):
        _prepare(_computed(images), images)


def test_training_refuses_other_options_by_name(photographs: pathlib.Path, tmp_path: pathlib.Path) -> None:
    _prepare(_computed(photographs, crop="random", short_side=40), tmp_path / "set")
    with pytest.raises(ValueError) as error:
        format.open_records(tmp_path / "set", READER, sets.options(image_size=40, paired_masks=True))
    for line in (
        "data.image_size: prepared with 32, the configuration says 40",
        "data.crop: prepared with 'random', the configuration says 'center'",
        "data.short_side: prepared with 40, the configuration says 0",
        'masks.kind="paired": prepared with False, the configuration says True',
    ):
        assert line in str(error.value)
    assert "edges" not in str(error.value)


def test_stored_masks_may_go_unused(
    photographs: pathlib.Path, photograph_masks: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    _prepare(_computed(photographs, str(photograph_masks), paired_masks=True), tmp_path / "set")
    assert format.open_records(tmp_path / "set", READER, sets.options())[0].keys() == {"image", "edges"}
    assert format.open_records(tmp_path / "set", READER, sets.options(paired_masks=True))[0].keys() == {
        "image",
        "edges",
        "mask",
    }


def test_external_masks_must_be_there_and_of_the_size(
    photographs: pathlib.Path, photograph_masks: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    _prepare(_computed(photographs), tmp_path / "without")
    with pytest.raises(ValueError, match="prepared without masks to draw from; prepare it with --masks"):
        format.open_pool(tmp_path / "without", READER, sets.options(), sets.drawn())
    pool = sets.pool(photograph_masks)
    _prepare(_computed(photographs), tmp_path / "with", pool=pool)
    np.testing.assert_array_equal(format.open_pool(tmp_path / "with", READER, sets.options(), sets.drawn())[2], pool[2])
    with pytest.raises(ValueError, match=r"data.image_size: prepared with 32, the configuration says 64"):
        format.open_pool(tmp_path / "with", READER, sets.options(image_size=64), sets.drawn())


@pytest.mark.parametrize("content", ["{", "[]", '{"images": 3}'])
def test_a_broken_description_is_named(content: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / format.MANIFEST).write_text(content)
    with pytest.raises(ValueError, match=r"prepared.json: not the description of a prepared set"):
        format.open_records(tmp_path, READER, sets.options())


def test_is_prepared(photographs: pathlib.Path, tmp_path: pathlib.Path) -> None:
    manifest = format.Manifest(options={}, images=1, pools={"masks": 0}, shards=1)
    assert not format.is_prepared("") and not format.is_prepared(photographs)
    manifest.write(tmp_path)
    assert format.is_prepared(tmp_path)
    assert format.read_manifest(tmp_path) == manifest
    dataclasses.replace(manifest, finished=True).write(tmp_path)
    assert json.loads((tmp_path / format.MANIFEST).read_text())["finished"] is True


def test_a_set_that_an_earlier_version_wrote_is_read_and_would_be_written_alike(tmp_path: pathlib.Path) -> None:
    """golden/prepared_set.zip holds what 0.1.0 made of the pictures in examples/, run in the repository's root."""
    old, examples = tmp_path / "old", DATA / "examples"
    shutil.unpack_archive(DATA / "golden/prepared_set.zip", old)
    changes = dict(paired_masks=True, crop="random", short_side=36, sigma=0)
    computed, pool = _computed(examples / "images", str(examples / "masks"), **changes), sets.pool(examples / "masks")
    opened = format.open_records(old, READER, computed.options)
    assert len(opened) == len(computed) == 2
    for index in range(2):
        assert opened[index].keys() == computed[index].keys() == {"image", "edges", "mask"}
        for field, array in computed[index].items():
            np.testing.assert_array_equal(opened[index][field], array)
    assert opened.name(1) == "tests/data/examples/images/synthetic_02.png"
    masks = format.open_pool(old, READER, computed.options, sets.drawn())
    np.testing.assert_array_equal([masks[0], masks[1]], [pool[0], pool[1]])
    assert _prepare(computed, old, pool=pool, shards=0).pools == {"masks": 2}  # it is finished, and stays as it is
    _prepare(computed, tmp_path / "new", pool=pool, shards=1)
    for name in ("prepared.json", "images/features.json", "masks/features.json"):
        assert (old / name).read_bytes() == (tmp_path / "new" / name).read_bytes()


def test_the_folder_of_a_set_without_masks_to_draw_says_so(photographs: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert _prepare(_computed(photographs), tmp_path / "set").pools == {"masks": 0}
    assert json.loads((tmp_path / "set" / format.MANIFEST).read_text())["masks"] == 0
