"""What runs share is the same for all that share it."""

import jax
import pytest

from configs import tiny
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.training import loop
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.step import train_step
from tests.training.runs import make, spec
from tests.training.sharing import GROUPS, shared_programs, sharing


class Watched:
    """A configuration that remembers which of its groups were read."""

    def __init__(self, config):
        self.config, self.read = config, set()

    def __getattr__(self, group):
        self.read.add(group)
        return getattr(self.config, group)


@pytest.mark.parametrize("stage", TASKS)
def test_tasks_read_no_other_groups(stage, batches):
    config = tiny.get_config()
    config.task.name = stage
    watched = Watched(config)
    task = TASKS[stage](watched)
    state = states.create(task, 0, spec(32))
    for phase in task.phases:
        jax.eval_shape(train_step(task, phase), state, batches)
    assert {"task", "losses"} <= watched.read <= set(GROUPS)


def test_equal_tasks_are_one_and_others_are_not():
    make_edge, made = sharing(TASKS)["edge"], []
    for options in ({}, {"train__steps": 5, "data__threads": 1}, {"losses__gan": "hinge"}, {"task__features": 6}):
        made.append(make_edge(make(**options)))
    assert made[0] is made[1]
    assert len({id(task) for task in made}) == 3


def test_equal_steps_are_one_within_the_context_only():
    task, original = TASKS["edge"](make()), loop.train_step
    with shared_programs():
        steps = [loop.train_step(task, task.phases[0], ema_decay=decay, axis="x") for decay in (0.5, 0.5, 0.0)]
    assert steps[0] is steps[1] and steps[0] is not steps[2]
    assert loop.train_step is original
