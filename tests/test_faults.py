"""What may befall a run of main.py: kill -9, signals, a full disk, damage."""

import os
import pathlib
import signal
import time

import numpy as np
import pytest

from edgeconnect_jax.checkpoints import folders
from tests import disks
from tests.processes import ROOT, Run
from tests.training.runs import assert_same_run, lines, make, train

QUIET = ("--config.sample.interval=0", "--config.eval.interval=0")
KILLS, IN_A_SAVE = 20, 8


def newest_whole(workdir):
    """The step of the newest checkpoint that is as it was written; 0 where there is none."""
    found = folders.checkpoints_in(workdir / "checkpoints")
    return max((int(path.name) for path in found if not folders.damage(path)), default=0)


def being_written(workdir):
    return list((workdir / "checkpoints").glob("*.orbax-checkpoint-tmp*"))


def complete(run):
    """The newest checkpoint that the run has reported."""
    return max(map(int, run.found(r"checkpoint (\d+) is complete")), default=0)


def test_kill_9_at_twenty_moments_loses_nothing_that_was_reported(tmp_path):
    """Twelve moments are drawn from all of a run, eight lie within a save; then the run is as if nothing had been."""
    rng = np.random.default_rng(0)
    reported, killed_in_a_save, span = 0, 0, 10.0
    for number in range(KILLS):
        run = Run(tmp_path / "killed", *QUIET, "--config.train.steps=100000", "--config.checkpoint.keep=2")
        try:
            if number % 5 in (0, 2):
                run.wait_for(lambda run=run, before=reported: complete(run) > before)
                span = time.monotonic() - run.begun
                run.wait_for(lambda: being_written(tmp_path / "killed"), interval=0.0005)
                time.sleep(rng.uniform(0, 0.02))
            else:
                time.sleep(rng.uniform(0, 1.3 * span))
        finally:
            run.kill()
        killed_in_a_save += bool(being_written(tmp_path / "killed"))
        began = max(map(int, run.found(r"resuming from step (\d+)")), default=reported)
        assert began >= reported, run.output
        reported = max(reported, complete(run))
        assert newest_whole(tmp_path / "killed") >= reported
        assert "Traceback" not in run.output
    assert killed_in_a_save >= 5
    steps = newest_whole(tmp_path / "killed") + 2
    for name in ("killed", "never_killed"):
        train(make(train__steps=steps, checkpoint__interval=0), tmp_path / name)
    assert_same_run(tmp_path / "killed", tmp_path / "never_killed")


@pytest.mark.parametrize(
    ("number", "options"), [(signal.SIGTERM, ()), (signal.SIGINT, ("--config.data.workers=1",))], ids=["TERM", "INT"]
)
def test_a_signal_to_all_processes_saves_and_tells(number, options, tmp_path):
    run = Run(tmp_path, *QUIET, "--config.train.steps=100000", "--config.checkpoint.interval=0", *options)
    try:
        metrics = tmp_path / "metrics.jsonl"
        run.wait_for(lambda: metrics.exists() and metrics.read_text().count("\n") > 2)
        run.signal(number)
    finally:
        status = run.end()
    assert status == 128 + number, run.output
    assert f"stopped by {number.name}; the same command resumes the run" in run.output and "Traceback" not in run.output
    assert newest_whole(tmp_path) == lines(tmp_path)[-1]["step"] > 2
    assert f"checkpoint {newest_whole(tmp_path)} is complete" in run.output


def test_kill_9_takes_the_workers_along(tmp_path):
    run = Run(tmp_path, *QUIET, "--config.train.steps=100000", "--config.data.workers=1")
    try:
        run.wait_for(lambda: complete(run))
        group = run.processes()
        assert len(group) > 1
    finally:
        run.kill()
    end = time.monotonic() + 20
    while run.processes():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_full_disk_ends_the_run_by_name_and_the_next_goes_on(tmp_path):
    with disks.small_disk(tmp_path) as disk:
        workdir = tmp_path / "run"
        train(make(train__steps=2), workdir)
        disk.fill(left=120_000)
        run = Run(workdir, *QUIET, "--config.train.steps=6")
        assert run.end() == 1, run.output
        assert "could not be written (No space left on device)" in run.output or "File too large" in run.output
        # No frame of ours; a write of TensorStore that ends late may still complain that Orbax waits no more for it.
        assert not run.found(rf'File "{ROOT}/(?!\.venv/)')  # where CI has the environment
        assert newest_whole(workdir) == 2
        disk.free()
        for folder in (workdir, tmp_path / "roomy"):
            train(make(train__steps=6), folder)
        assert_same_run(workdir, tmp_path / "roomy")
        assert not being_written(workdir)


def test_a_corrupted_newest_checkpoint_is_gone_back_from(tmp_path, capsys):
    for name in ("corrupted", "whole"):
        train(make(train__steps=2), tmp_path / name)
    path = max((tmp_path / "corrupted/checkpoints/2/training").rglob("d/*"), key=lambda path: path.stat().st_size)
    content = bytearray(path.read_bytes())
    content[100] ^= 4
    path.write_bytes(content)
    capsys.readouterr()
    for name in ("corrupted", "whole"):
        train(make(train__steps=3), tmp_path / name)
    told = capsys.readouterr().out
    assert f"{path}: its SHA-256 is not that of what was written" in told
    assert f"resuming from step 1 in {tmp_path / 'corrupted'}" in told
    assert (tmp_path / "corrupted/checkpoints/2.corrupted").is_dir()
    assert_same_run(tmp_path / "corrupted", tmp_path / "whole")


def test_a_finished_run_whose_last_checkpoint_is_corrupted_is_not_done(tmp_path):
    train(make(train__steps=2), tmp_path)
    os.remove(next((tmp_path / "checkpoints/2/variables").rglob("manifest.ocdbt")))
    train(make(train__steps=2), tmp_path)
    assert newest_whole(tmp_path) == 2


def test_loops_without_checkpoints_begin(tmp_path: pathlib.Path):
    (tmp_path / "checkpoints/5.orbax-checkpoint-tmp/variables").mkdir(parents=True)  # killed in its first save
    train(make(train__steps=1), tmp_path)
    assert newest_whole(tmp_path) == 1 and not being_written(tmp_path)
