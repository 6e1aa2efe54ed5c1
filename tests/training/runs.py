"""Whole runs with the tiny configuration, and what they leave."""

import json

import jax
import numpy as np

from configs import tiny
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.systems.edgeconnect.data import READER
from edgeconnect_jax.systems.edgeconnect.rules import RULES
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.training import loop, session
from tests.training.sharing import shared_programs, sharing

SHARED_TASKS = sharing(TASKS)


def make(**options):
    """The tiny configuration without samples and evaluation; options as `group__name=value`."""
    config = tiny.get_config()
    config.sample.interval = config.eval.interval = 0
    for option, value in options.items():
        group, name = option.split("__")
        config[group][name] = value
    configuration.validate(config, RULES, READER)
    return config


def spec(side):
    """Of an example of EdgeConnect's data on `side` x `side` pixels."""
    channels = {"image": 3, "edge": 1, "mask": 1}
    return {name: jax.ShapeDtypeStruct((side, side, c), np.uint8) for name, c in channels.items()}


def train(config, workdir, tasks=SHARED_TASKS):
    """The training loop with EdgeConnect's parts; runs share their programs."""
    with shared_programs():
        loop.train(config, workdir, tasks, READER, RULES.fixed)


def measure(config, workdir):
    """What `train.mode=eval` does with EdgeConnect's parts."""
    with shared_programs():
        return loop.measure(config, workdir, SHARED_TASKS, READER)


def open_session(config, workdir, **options):
    """A session with EdgeConnect's parts."""
    return session.open_session(config, workdir, TASKS, READER, RULES.fixed, **options)


def changed_tasks(change):
    """EdgeConnect's tasks, each as `change` returns it."""
    return sharing({stage: lambda config, of=of: change(of(config)) for stage, of in TASKS.items()})


def lines(workdir):
    """What metrics.jsonl holds."""
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def untimed(workdir):
    """`lines` without what no two runs share."""
    return [{name: value for name, value in line.items() if name != "time"} for line in lines(workdir)]


def arrays(workdir, item="variables"):
    """Path -> array of an item of the newest checkpoint."""
    tree = checkpoints.read_arrays(checkpoints.find(workdir) / item)
    return {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def assert_same(a, b):
    """Bit for bit."""
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].dtype == b[name].dtype
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def differ(a, b):
    """Whether any array differs."""
    return any(not np.array_equal(a[name], b[name]) for name in a)


def data_position(workdir):
    """File -> content of what the newest checkpoint keeps of the data; without Orbax's note that it is written."""
    files = (checkpoints.find(workdir) / "data").iterdir()
    return {path.name: path.read_text() for path in files if path.name != "commit_success.txt"}


def assert_same_run(a, b):
    """The newest checkpoints of two workdirs hold the same, and their logs say the same."""
    for item in ("variables", "average", "training"):
        if (checkpoints.find(a) / item).exists():
            assert_same(arrays(a, item), arrays(b, item))
    metas = [checkpoints.read_meta(checkpoints.find(workdir)) for workdir in (a, b)]
    for name in ("step", "networks", "frozen", "plateau", "sums"):
        assert metas[0][name] == metas[1][name], name
    assert data_position(a) == data_position(b)
    assert untimed(a) == untimed(b)
