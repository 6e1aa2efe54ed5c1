"""What a resumed run must keep, also where the checkpoint is of an earlier version."""

import copy

import pytest

from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.models.backbones import BACKBONES
from edgeconnect_jax.tasks.task import Frozen, Phase, Task, Watch
from edgeconnect_jax.training.resume import check_same_run
from tests.training.runs import make

TASK = Task(
    init=lambda *_: None,
    players={},
    phases=(Phase(()),),
    predict=lambda *_: {},
    metrics=lambda *_: {},
    watch=Watch("loss", higher_is_better=False),
    frozen={"vgg19": Frozen(BACKBONES["vgg19"], "random", "losses.vgg_weights")},
)
FIXED = ("task.features", "task.name", "labels.count")


@pytest.fixture
def meta():
    config = configuration.to_dict(make()) | {"labels": {"count": 4}}
    return {"config": config, "system": "one", "frozen": {"vgg19": "a"}, "devices": 2, "pictures": "4 pictures"}


def changed(meta, **options):
    meta = copy.deepcopy(meta)
    for option, value in options.items():
        group, name = option.split("__")
        meta["config"][group][name] = value
    return meta


def problems(saved, now, **options):
    with pytest.raises(ValueError, match="cannot be resumed; undo these changes, or use a new workdir") as error:
        check_same_run(saved, now, TASK, FIXED, **({"carries": False} | options))
    return [line.strip() for line in str(error.value).splitlines()[1:]]


def test_the_same_run_is_resumed(meta):
    check_same_run(meta, copy.deepcopy(meta), TASK, FIXED, carries=True)
    check_same_run(meta, changed(meta, train__steps=9, optimizer__learning_rate=1.0), TASK, FIXED, carries=True)


def test_everything_that_must_stay_is_listed(meta):
    now = changed(meta, task__features=8, train__seed=3, train__ema_decay=0.5, labels__count=5)
    now |= {"frozen": {"vgg19": "b"}, "system": "other", "pictures": "5 pictures"}
    assert problems(meta, now) == [
        "train.seed: started with 10, now 3",
        "task.features: started with 4, now 8",
        "labels.count: started with 4, now 5",
        "train.ema_decay above 0: started with False, now True",
        "the hashes of the frozen weights (losses.vgg_weights): started with {'vgg19': 'a'}, now {'vgg19': 'b'}",
        "the system: started with one, now other",
        "the pictures of data.train: started with 4 pictures, now 5 pictures",
    ]


def test_what_earlier_versions_did_not_say_is_not_compared(meta):
    saved = {key: value for key, value in meta.items() if key not in ("system", "pictures")}
    saved["config"] = {key: value for key, value in meta["config"].items() if key != "labels"}
    check_same_run(saved, meta, TASK, FIXED, carries=False)


def test_devices_that_carry_state_must_stay_whatever_is_accepted(meta):
    now = changed(meta, checkpoint__allow_rounding=True) | {"devices": 1}
    check_same_run(meta, now, TASK, FIXED, carries=False)
    assert problems(meta, now, carries=True) == ["the number of devices: started with 2, now 1"]
    (problem,) = problems(meta, meta | {"devices": 1})
    assert problem.startswith("the number of devices (the batches and draws would be the same")
