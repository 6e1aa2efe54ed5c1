"""Which examples belong in each file of a prepared set, and writing one."""

import pathlib

import numpy as np
import pytest

from edgeconnect_jax.data.prepared import format, notes, shards
from edgeconnect_jax.data.prepared.shards import Inputs, Shard
from tests.data import labelled
from tests.systems.edgeconnect import sets


def test_shards_hold_everything_once(tmp_path: pathlib.Path) -> None:
    manifest = format.Manifest(options={}, images=10, pools={"masks": 2}, shards=4)
    plan = shards.plan_shards(tmp_path, manifest)
    assert [(s.start, s.stop) for s in plan if s.dataset == "images"] == [(0, 2), (2, 5), (5, 7), (7, 10)]
    assert [(s.start, s.stop) for s in plan if s.dataset == "masks"] == [(0, 1), (1, 2)]


def _shard(folder: pathlib.Path, dataset: str = "images") -> Shard:
    (folder / dataset).mkdir()
    return Shard(dataset, folder / dataset / "shard", 0, 4)


@pytest.mark.parametrize("skip_bad", [0, 1])
def test_a_shard_is_written_whole_or_not_at_all(skip_bad: int, tmp_path: pathlib.Path) -> None:
    config = labelled.write_labelled(tmp_path / "files")
    (tmp_path / "files/pictures/1.png").write_bytes(b"")
    shard, inputs = _shard(tmp_path), Inputs(labelled.computed(config), skip_bad=skip_bad)
    problems = shards.write_shard(inputs, shard)
    assert shard.path.exists() == bool(skip_bad) and len(problems) == 1 - skip_bad
    assert ["1.png" in line for line in problems or notes.read(shard.path)] == [True]
    assert not list(shard.path.parent.glob(".*"))


def test_the_fields_of_a_dataset(photograph_masks: pathlib.Path, photographs: pathlib.Path) -> None:
    inputs = Inputs(sets.computed(photographs), {"masks": sets.pool(photograph_masks)})
    assert list(shards.fields_of(inputs, format.IMAGES)) == ["image", "edges"]
    assert shards.fields_of(inputs, "masks")["mask"].channels == 1


def test_a_field_of_another_type_than_declared_is_not_converted(tmp_path: pathlib.Path) -> None:
    config, reader = labelled.write_labelled(tmp_path / "files"), labelled.READER._replace(complete=_as_floats)
    with pytest.raises(ValueError, match="float32"):
        shards.write_shard(Inputs(labelled.computed(config, reader)), _shard(tmp_path))
    assert not list((tmp_path / "images").iterdir())


def _as_floats(options: labelled.Options, record: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return record | {"label": record["label"].astype(np.float32)}
