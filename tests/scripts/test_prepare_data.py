"""The command that prepares sets, as a user runs it."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from configs.default import get_config
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.systems.edgeconnect.data import READER
from scripts import prepare_data

ENVIRONMENT = os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parents[2])}


def test_what_the_command_prepares_trains_like_the_pictures(
    photographs: pathlib.Path, photograph_masks: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    command = [sys.executable, prepare_data.__file__, "--input", str(photographs), "--output", "set"]
    command += ["--edges", str(photographs), "--masks", str(photograph_masks), "--image_size", "32", "--nms"]
    command += ["--crop", "random", "--short_side", "40", "--sigma", "1.5", "--workers", "1", "--shards", "2"]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "4 pictures and 4 masks" in done.stdout and "8/8" in done.stderr
    config = get_config()
    config.update_from_flattened_dict({
        "data.train": str(photographs), "data.image_size": 32, "data.crop": "random", "data.short_side": 40,
        "edges.source": "external", "edges.train": str(photographs), "edges.nms": True, "edges.sigma": 1.5,
        "masks.kind": "external", "masks.train": str(photograph_masks), "train.batch_size": 4,
    })  # fmt: skip
    first = next(pipeline.train_iterator(config, READER))
    config.data.train, config.edges.train, config.masks.train = str(tmp_path / "set"), "", ""
    again = next(pipeline.train_iterator(config, READER))
    for key in first:
        np.testing.assert_array_equal(first[key], again[key])


def test_a_killed_command_takes_its_workers_along_and_can_be_run_again(tmp_path: pathlib.Path) -> None:
    command = [sys.executable, prepare_data.__file__, "--input", "skimage:train", "--output", str(tmp_path / "set")]
    command += ["--image_size", "256", "--crop", "random", "--workers", "2", "--shards", "10"]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, env=ENVIRONMENT, start_new_session=True)
    try:
        while run.poll() is None and not list(tmp_path.glob("set/images/images-train*")):
            time.sleep(0.02)
        run.kill()
        run.communicate(timeout=20)  # until the last process that can write to this pipe has ended
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
    done = {path: path.stat().st_mtime_ns for path in tmp_path.glob("set/images/images-train*")}
    assert 1 <= len(done) < 10
    assert prepare_data.main([*command[2:-4], "--workers", "0"]) == 0
    after = {path: path.stat().st_mtime_ns for path in tmp_path.glob("set/images/images-train*")}
    assert len(after) == 10 and done.items() <= after.items()


def test_the_help_lists_the_options_of_a_system(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        prepare_data.main(["--system", "edgeconnect", "--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert all(f"--{option}" in said for option in ("system", "input", "workers", "paired_masks", "sigma", "nms"))
    assert prepare_data.main(["--system", "nobody", "--help"]) == 2
    assert (
        "prepare_data: error: --system: unknown system 'nobody': choose one of edgeconnect" in capsys.readouterr().err
    )


@pytest.mark.parametrize("more", [["--skip_bad", "-1"], ["--image", "32"], ["--seed", "1"]])
def test_wrong_arguments_end_with_status_2(
    more: list[str], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        prepare_data.main(["--input", "skimage:train", "--output", str(tmp_path / "set"), *more])
    assert end.value.code == 2
    assert more[0] in capsys.readouterr().err and not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--input", "nowhere"], "nowhere: no such folder"),
        (["--input", "skimage:train", "--nms"], "--nms thins external edge maps"),
        (["--input", "skimage:train", "--image_size", "30", "--sigma", "-3"], "data.image_size=30"),
        (["--input", "skimage:train", "--masks", "no_masks"], "no_masks: no such folder"),
        (["--input", "skimage:train", "--paired_masks", "no_masks"], "no_masks: no such folder"),
    ],
)
def test_errors_end_with_status_2(
    arguments: list[str], reason: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prepare_data.main([*arguments, "--output", str(tmp_path / "set")]) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "set").exists()
