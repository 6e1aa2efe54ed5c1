"""A loss that is not finite stops the run, by name, and nothing of it is saved."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.host import errors
from edgeconnect_jax.systems.edgeconnect.data import READER
from edgeconnect_jax.systems.edgeconnect.rules import RULES
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.training import loop
from edgeconnect_jax.training.step_log import StepLog
from tests.training.runs import arrays, changed_tasks, make, train


def names_of_steps(config, steps):
    """The names of the pictures of each step, read from the data itself."""
    opened = pipeline.open_train(config, READER)
    batches, name_of = pipeline.train_iterator(config, READER, opened), opened.records.name
    return [[name_of(int(index)) for index in next(batches)["id"]] for _ in range(steps)]


def with_loss(more):
    """EdgeConnect's tasks where a function (variables, context) adds to the loss, and to what is reported of it."""

    def change(task):
        (phase,) = task.phases
        (update,) = phase.updates

        def loss(variables, batch, context):
            total, aux = update.loss(variables, batch, context)
            added = more(variables, context)
            reported = aux.sums["edge_adversarial"][0] + added
            return total + added, aux._replace(sums=aux.sums | {"edge_adversarial": (reported, jnp.ones(()))})

        return task._replace(phases=(phase._replace(updates=(update._replace(loss=loss),)),))

    return changed_tasks(change)


@pytest.mark.parametrize(
    ("value", "told", "options"),
    [
        (jnp.nan, "nan", {"train__log_interval": 1}),
        (-jnp.inf, "-inf", {"train__log_interval": 10, "checkpoint__interval": 2}),
    ],
)
def test_the_loss_the_step_and_the_pictures_are_named(value, told, options, tmp_path):
    tasks = with_loss(lambda variables, context: jnp.where(context.step == 2, value, 0.0))
    config = make(train__steps=6, **options)
    with pytest.raises(errors.NotFiniteError) as error:
        train(config, tmp_path, tasks)
    pictures = names_of_steps(config, 3)
    assert f"step 3: edge_adversarial is {told}, on the pictures {', '.join(pictures[2])}. " in str(error.value)
    assert set(pictures[2]) != set(pictures[1])
    # The last good state is kept, and a second try ends in the same way.
    assert checkpoints.find(tmp_path).name == "2"
    assert all(np.isfinite(x).all() for item in ("variables", "training") for x in arrays(tmp_path, item).values())
    with pytest.raises(errors.NotFiniteError, match="step 3: edge_adversarial"):
        train(config, tmp_path, tasks)
    assert checkpoints.find(tmp_path).name == "2"
    assert f'"{told}"' not in (tmp_path / "metrics.jsonl").read_text()


def test_a_state_is_looked_at_where_the_losses_do_not_tell(tmp_path):
    """The step that spoils the parameters has a finite loss itself: the slope of a root at 0 is infinite."""
    tasks = with_loss(
        lambda variables, _: jnp.sqrt(0 * jax.tree.leaves(variables.params["edge_generator"])[0].sum() ** 2)
    )
    with pytest.raises(errors.NotFiniteError, match=r"step 1: \d+ arrays of the state.*are not finite"):
        train(make(train__steps=1), tmp_path, tasks)
    assert not list((tmp_path / "checkpoints").glob("[0-9]*"))


def test_every_array_of_the_state_is_looked_at():
    log = StepLog(str, {})
    state = {"variables": {"a": jnp.ones(3)}, "training": {"step": jnp.ones((), jnp.int32), "nu": jnp.zeros(2)}}
    log.check(1, state)
    for item, name in (("variables", "a"), ("training", "nu")):
        wrong = state | {item: state[item] | {name: state[item][name].at[-1].set(jnp.inf)}}
        with pytest.raises(errors.NotFiniteError, match=f"step 7: 1 arrays of the state, the first {item}/{name}"):
            log.check(7, wrong)


def test_the_first_step_is_named_also_of_many():
    log = StepLog("picture {}".format, {"loss": (1.5, 2.0)})
    for number in range(1, 100):
        value = jnp.nan if number >= 42 else 1.0
        log.add(number, np.array([number, number + 1]), {"loss": (jnp.float32(value), jnp.ones(()))})
    message = "step 42: loss is nan, on the pictures picture 42, picture 43"
    with pytest.raises(errors.NotFiniteError, match=message):
        log.add(100, np.array([0]), {"loss": (jnp.ones(()), jnp.ones(()))})


def test_sums_continue():
    log = StepLog(str, {"loss": (1.5, 2.0)})
    log.add(1, np.array([0]), {"loss": (jnp.float32(0.5), jnp.float32(1))})
    assert log.state() == {"loss": (2.0, 3.0)}
    assert log.values(restart=False) == log.values(restart=True) == {"loss": 2 / 3}
    assert log.state() == {}


def test_debug_stops_at_the_first_nan_with_a_trace(tmp_path):
    options = {"train__steps": 2, "optimizer__learning_rate": 1e38}
    with pytest.raises(errors.NotFiniteError, match=r"step 2: .*nan"):
        train(make(**options), tmp_path / "plain")
    with jax.debug_nans(False), pytest.raises(FloatingPointError):
        # Programs of its own: JAX runs a program with a NaN again, and one that is shared may lack its arguments then.
        loop.train(make(**options, train__debug=True), tmp_path / "debug", TASKS, READER, RULES.fixed)
