"""Preparing with Apache Beam: the same sets as without, whatever happens to workers."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from edgeconnect_jax.data import records, sources
from edgeconnect_jax.data.prepared import beam, format, write
from edgeconnect_jax.data.prepared.shards import Inputs, Shard, fingerprint
from edgeconnect_jax.systems.edgeconnect.data import READER
from scripts import prepare_data
from tests.metrics import oracles
from tests.systems.edgeconnect import sets

pytestmark = pytest.mark.oracles


@pytest.fixture(autouse=True, scope="module")
def apache_beam() -> Any:
    """Skips all of this without the extra; imports it without its warnings of what will be deprecated."""
    return oracles.quietly(pytest.importorskip, "apache_beam")


@pytest.fixture
def images(photographs: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy of the photographs that a test may change."""
    return pathlib.Path(shutil.copytree(photographs, tmp_path / "images"))


def _computed(images: pathlib.Path, masks: str = "", **changes: Any) -> records.ComputedRecords:
    return sets.computed(images, images, masks, paired_masks=bool(masks), **changes)


def _prepare(computed: records.ComputedRecords, folder: pathlib.Path, *flags: str, **arguments: Any) -> None:
    pipeline = beam.create_pipeline(beam.DIRECT_RUNNER, flags, 0)

    def run(inputs: Inputs, todo: Any) -> Any:
        return beam.write_shards(inputs, todo, pipeline)

    pools = [arguments.pop("pool")] if "pool" in arguments else []
    write.prepare(computed, pools, folder, progress=False, run=run, **{"shards": 3, **arguments})


def _shards(folder: pathlib.Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in sorted(folder.glob("*/*.array_record*"))}


def _read(folder: pathlib.Path) -> list[dict[str, Any]]:
    builder: Any = tfds.builder_from_directory(folder)
    return list(builder.as_data_source("train"))


def _info(folder: pathlib.Path) -> dict[str, Any]:
    """dataset_info.json without the size of the files, which ArrayRecord does not always write alike."""
    info = json.loads((folder / "dataset_info.json").read_text())
    sizes = [path.stat().st_size for path in folder.glob("*.array_record*")]
    assert [int(split.pop("numBytes")) for split in info["splits"]] == [sum(sizes)]
    return info


def _assert_same(one: pathlib.Path, other: pathlib.Path) -> None:
    """The same files and descriptions, and the same records in the same order in each shard."""
    files = [{str(path.relative_to(folder)) for path in folder.rglob("*")} for folder in (one, other)]
    assert files[0] == files[1]
    assert (one / "prepared.json").read_bytes() == (other / "prepared.json").read_bytes()
    for dataset in {"images", "masks"} & files[0]:
        features = "features.json"
        assert (one / dataset / features).read_bytes() == (other / dataset / features).read_bytes()
        assert _info(one / dataset) == _info(other / dataset)
        for here, there in zip(_read(one / dataset), _read(other / dataset), strict=True):
            assert here.keys() == there.keys()
            for key, value in here.items():
                np.testing.assert_array_equal(value, there[key])


@pytest.mark.parametrize("edges", ["canny", "external"])
def test_the_set_is_that_of_the_local_path(
    edges: str, photographs: pathlib.Path, photograph_masks: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    computed = _computed(photographs, str(photograph_masks), edges=edges, nms=edges == "external", sigma=1.0)
    pool = sets.pool(photograph_masks, 3)
    write.prepare(computed, [pool], tmp_path / "local", shards=3, progress=False)
    _prepare(computed, tmp_path / "beam", pool=pool)
    assert len(_shards(tmp_path / "beam")) == 6
    _assert_same(tmp_path / "local", tmp_path / "beam")


def test_the_command_works_in_processes_of_its_own(
    photographs: pathlib.Path, photograph_masks: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    command = ["--input", str(photographs), "--masks", str(photograph_masks), "--image_size", "32", "--shards", "2"]
    assert prepare_data.main([*command, "--output", str(tmp_path / "local"), "--workers", "0"]) == 0
    command = [sys.executable, prepare_data.__file__, *command, "--output", "beam", "--workers", "2", "--beam_runner"]
    environment = os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parents[3])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "4 pictures and 4 masks" in done.stdout
    assert done.stderr.count("sdk_worker:Done consuming work") == 2
    _assert_same(tmp_path / "local", tmp_path / "beam")


def test_examples_of_tfds_keep_their_numbers(photographs: pathlib.Path, tmp_path: pathlib.Path) -> None:
    write.prepare(_computed(photographs), [], tmp_path / "tfds", progress=False)
    builder: Any = tfds.builder_from_directory(tmp_path / "tfds/images")
    source = sources.TfdsSource("tfds:photographs:train", "1.0.0", builder.as_data_source("train"))
    computed = records.ComputedRecords(READER, _computed(photographs).options, source)
    _prepare(computed, tmp_path / "beam")
    names = [record["name"].decode() for record in _read(tmp_path / "beam/images")]
    assert names == [f"tfds:photographs:train[{index}]" for index in range(4)]


def test_bundles_may_be_tried_again(photographs: pathlib.Path, tmp_path: pathlib.Path) -> None:
    computed = _computed(photographs)
    _prepare(computed, tmp_path / "once")
    _prepare(computed, tmp_path / "thrice", "--direct_runner_bundle_repeat=2")
    _assert_same(tmp_path / "once", tmp_path / "thrice")


def test_bad_pictures_are_named_and_the_others_done(images: pathlib.Path, tmp_path: pathlib.Path) -> None:
    good = (images / "rocket.png").read_bytes()
    (images / "rocket.png").write_bytes(good[: len(good) // 2])
    folder = tmp_path / "set"
    with pytest.raises(ValueError, match=r"1 files cannot be used(.|\n)*rocket.png"):
        _prepare(_computed(images), folder, shards=4)
    before = _shards(folder)
    assert len(before) == 3 and not format.read_manifest(folder).finished
    assert sorted(path.name for path in folder.iterdir()) == ["images", "prepared.json"]
    (images / "rocket.png").write_bytes(good)
    _prepare(_computed(images), folder, shards=0)
    assert before.items() <= _shards(folder).items() and len(_shards(folder)) == 4
    write.prepare(_computed(images), [], tmp_path / "local", shards=4, progress=False)
    _assert_same(tmp_path / "local", folder)


def test_pictures_that_are_too_small_are_found_by_the_workers(
    images: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (80, 20)).save(images / "low.png")
    monkeypatch.setattr(records, "picture_size", lambda path: pytest.fail(f"the main process opens {path}"))
    command = ["--input", str(images), "--output", str(tmp_path / "set"), "--image_size", "0", "--workers", "0"]
    assert prepare_data.main([*command, "--shards", "5", "--beam_runner"]) == 2
    assert "low.png: 80 x 20 pixels is too small" in capsys.readouterr().err
    assert len(_shards(tmp_path / "set")) == 4


def test_what_beam_began_the_local_path_finishes(images: pathlib.Path, tmp_path: pathlib.Path) -> None:
    _prepare(_computed(images), tmp_path / "whole")
    _prepare(_computed(images), tmp_path / "killed")
    # What a main process leaves that is killed while workers work.
    killed = tmp_path / "killed"
    manifest = json.loads((killed / "prepared.json").read_text()) | {"finished": False}
    (killed / "prepared.json").write_text(json.dumps(manifest))
    for path in [*killed.glob("images/*.json"), killed / "images/images-train.array_record-00001-of-00003"]:
        path.unlink()
    (killed / write.EXCHANGE).mkdir()
    before = _shards(killed)
    write.prepare(_computed(images), [], killed, progress=False)
    assert before.items() <= _shards(killed).items()
    _assert_same(tmp_path / "whole", killed)


def test_a_failing_pipeline_keeps_what_is_done(
    photographs: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = beam.write_shard

    def full_disk(inputs: Inputs, shard: Shard) -> list[str]:
        if "00002-of" in shard.path.name:
            raise OSError(28, "No space left on device")
        return real(inputs, shard)

    monkeypatch.setattr(beam, "write_shard", full_disk)
    with pytest.raises(RuntimeError, match=r"Apache Beam failed(.|\n)*No space left"):
        _prepare(_computed(photographs), tmp_path / "set")
    assert not format.read_manifest(tmp_path / "set").finished
    assert not (tmp_path / "set" / write.EXCHANGE).exists()
    monkeypatch.undo()
    _prepare(_computed(photographs), tmp_path / "set")
    assert format.read_manifest(tmp_path / "set").finished


def test_workers_that_write_elsewhere_are_found_out(
    photographs: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beam, "write_shard", lambda *_: [])
    with pytest.raises(RuntimeError, match=r"3 of 3 files are not in .*set; it must be the same folder"):
        _prepare(_computed(photographs), tmp_path / "set")


@pytest.fixture
def told(images: pathlib.Path, tmp_path: pathlib.Path) -> tuple[str, Shard]:
    """A line of a plan, and its shard: the second half of `images`."""
    inputs = Inputs(_computed(images))
    shard = Shard("images", tmp_path / "set/images/shard", 2, 4)
    (tmp_path / "set" / write.EXCHANGE).mkdir(parents=True)
    shard.path.parent.mkdir()
    return json.dumps(beam.order(inputs, shard, fingerprint(inputs, shard))), shard


def test_a_worker_is_told_its_own_files_only(told: tuple[str, Shard], images: pathlib.Path) -> None:
    order = json.loads(told[0])
    assert order["files"] == {"image": [str(images / "coffee.png"), str(images / "rocket.png")]}
    assert (order["start"], order["stop"]) == (0, 2)


@pytest.mark.parametrize("change", ["gone", "another"])
def test_a_worker_that_sees_other_files_says_so(change: str, told: tuple[str, Shard], images: pathlib.Path) -> None:
    line, shard = told
    if change == "gone":
        (images / "rocket.png").unlink()
    else:
        shutil.copy(images / "coffee.png", images / "rocket.png")
    beam.carry_out(line, Inputs(_computed(images)))
    (problem,) = json.loads((shard.path.parents[1] / write.EXCHANGE / "shard").read_text())
    assert problem.startswith("shard: the worker on ") and "same path on every worker" in problem
    assert ("rocket.png" in problem) == (change == "gone") and not shard.path.exists()


def test_a_shard_that_an_earlier_try_wrote_is_left(told: tuple[str, Shard], images: pathlib.Path) -> None:
    line, shard = told
    shard.path.write_text("there")
    beam.carry_out(line, Inputs(_computed(images)))
    assert shard.path.read_text() == "there"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--beam_runner", "NoRunner"], "NoRunner"),
        (["--beam_runner", "direct", "--", "--direct_workers=2"], "direct has no options direct_workers"),
        (["--beam_runner", "FlinkRunner"], "photos, set: workers have a different current folder"),
        (["--beam_runner", "no_module.Runner"], "no_module"),
        (["--beam_runner", "apache_beam.NoRunner"], "NoRunner"),
    ],
)
def test_what_beam_cannot_do_is_refused_before_any_work(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare_data.main(["--input", "photos", "--output", "set", *arguments]) == 2
    assert reason in capsys.readouterr().err


def test_options_of_beam_need_a_runner(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        prepare_data.main(["--input", "photos", "--output", "set", "--", "--parallelism=8"])
    assert ended.value.code == 2
    assert "--parallelism=8: options after -- are for Apache Beam" in capsys.readouterr().err


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    assert prepare_data.main(["--input", "photos", "--output", "set", "--beam_runner"]) == 2
    assert "pip install 'edgeconnect_jax[beam]'" in capsys.readouterr().err
