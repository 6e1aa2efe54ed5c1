"""Every stage on two processes of two devices, beside one process of four."""

import json
import shutil

import jax
import numpy as np
import pytest

from configs import tiny
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.configuration.stages import stage_configs
from edgeconnect_jax.images.files import read_rgb8
from edgeconnect_jax.training import final_report, resume
from tests import pairs
from tests.training.runs import open_session, train

# Relative errors of an array. Other pictures, or a batch in another order, make errors near 1. On some machines the
# argument of a ReLU lies within rounding of 0, where sums in another order see its other side: that touches few arrays.
_BOUND, _USUAL = 1e-2, 1e-5
_SEED = 1
STAGES = ("edge", "inpaint", "edge_inpaint", "joint")
CONFIG = """
from tests.training.test_several_processes import make

def get_config():
    return make(2)
"""


def make(steps, devices=()):
    """All stages, with all that a state can hold, pools that differ between devices among it."""
    config = tiny.get_config()
    config.train.update(seed=_SEED, steps=steps, batch_size=8, devices=devices, ema_decay=0.5)
    config.losses.pool_size = 3
    config.sample.interval = config.eval.interval = 0
    config.eval.batch_size = 4
    config.stages = tuple((name, {"task.name": name}) for name in STAGES)
    config.stages[-1][1].update({"eval.report": True, "eval.interval": 2, "sample.interval": 2})
    return config


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The workdirs of two runs, begun by one process. `alone` went on in it, `together` in two."""
    folder = tmp_path_factory.mktemp("runs")
    alone, together = folder / "alone", folder / "together"
    train(make(1, (0, 1, 2, 3)), alone)
    for report_file in alone.glob("*/report.*"):
        report_file.unlink()
    shutil.copytree(alone, together)
    (folder / "config.py").write_text(CONFIG)
    both = pairs.start(folder / "output", [f"--config={folder / 'config.py'}", f"--workdir={together}"])
    train(make(2, (0, 1, 2, 3)), alone)
    pairs.finish(both)
    return alone, together, both


def entries(workdir):
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def flat(tree):
    """By path, that of optax's tuples as that of the dicts which they are read back as."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def items(workdir):
    checkpoint = checkpoints.find(workdir)
    assert checkpoint.name == "2"
    return {name: flat(checkpoints.read_arrays(checkpoint / name)) for name in ("variables", "average", "training")}


@pytest.mark.parametrize("stage", STAGES)
def test_two_processes_go_on_as_one(runs, stage):
    alone, together = (items(run / stage) for run in runs[:2])
    for name, arrays in alone.items():
        assert arrays.keys() == together[name].keys()
        errors = {}
        for path, array in arrays.items():
            # The gradient of a bias in front of an instance norm is rounding, of which Adam makes a step.
            if not path.endswith("/bias") or "/output/" in path:
                difference = np.linalg.norm(np.subtract(together[name][path], array, dtype=float))
                errors[path] = difference / max(np.linalg.norm(array), np.finfo(float).tiny)
        assert max(errors.values()) <= _BOUND, max(errors, key=errors.__getitem__)
        assert np.median(list(errors.values())) <= _USUAL
    pools = [array for path, array in together["training"].items() if "carry" in path and path.endswith("pictures")]
    assert pools and all(len({pool.tobytes() for pool in pictures}) == 4 for pictures in pools)


@pytest.mark.parametrize("stage", STAGES)
def test_the_first_process_writes_the_same_numbers_and_pictures(runs, stage):
    alone, together = (entries(run / stage) for run in runs[:2])
    assert [(e["step"], e["kind"]) for e in together] == [(e["step"], e["kind"]) for e in alone]
    for a, b in zip(alone, together, strict=True):
        assert a.keys() == b.keys()
        numbers = [name for name in a if name not in ("time", "kind")]
        assert [b[name] for name in numbers] == [pytest.approx(a[name], rel=1e-3) for name in numbers]
    assert len(list((runs[1] / stage).glob("events.*"))) == 2  # of the run alone, and of the first process


def test_one_process_reports_samples_and_prints(runs):
    alone, together, (first, second) = runs
    a, b = (json.loads((run / "joint" / final_report.TABLE).read_text()) for run in (alone, together))
    assert a.keys() == b.keys()
    for name, values in a.items():
        assert b[name] == pytest.approx(values, rel=1e-4)
    assert first.stdout.count("resuming from step 1") == 4 and "OpenCV Telea" in first.stdout
    assert not [line for line in second.stdout.splitlines() if not line.startswith("[Gloo]")]  # which is C++
    grids = [read_rgb8(run / "joint" / "samples" / "00000002.png").astype(int) for run in (alone, together)]
    assert np.abs(grids[0] - grids[1]).max() <= 1


@pytest.mark.parametrize("stage", STAGES)
def test_what_two_processes_saved_is_restored_by_one_to_the_bit(runs, stage):
    workdir = runs[1] / stage
    config = dict(stage_configs(make(2, (4, 5, 6, 7))))[stage]
    config.checkpoint.init_from = tuple(str(runs[1] / name) for name in STAGES[: STAGES.index(stage)])
    opened = open_session(config, workdir, say=lambda text: None)
    try:
        assert opened.batches.get_state() == {"next_index": 2}
        for name, tree in resume.items_of(opened.state).items():
            saved = flat(checkpoints.read_arrays(checkpoints.find(workdir) / name))
            restored = flat(jax.device_get(tree))
            assert restored.keys() == saved.keys()
            assert all(np.array_equal(restored[path], array) for path, array in saved.items())
    finally:
        opened.close()
    with pytest.raises(ValueError, match="the number of devices: started with 4, now 2"):
        open_session(dict(stage_configs(make(2, (0, 1))))[stage], workdir)
