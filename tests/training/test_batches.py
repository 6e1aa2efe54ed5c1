"""What steps take is loaded ahead, and the position is nevertheless that of what was taken."""

import threading
import time
from typing import Any

import grain
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from configs import tiny
from edgeconnect_jax.host import workers
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.tasks.task import Aux, Phase, Player, Task, Update, Variables, Watch
from edgeconnect_jax.training import session
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.loop import Stepper


def example(index):
    """One that is its own index; the one after the 41 first cannot be used."""
    if index == 41:
        raise ValueError("41.png: not a picture")
    return {"x": np.array([index]), "id": np.array(index, np.int32)}


def numbers(workers_count=0):
    """Batches of two numbers, endless."""
    dataset = grain.MapDataset.range(100).map(example).repeat().batch(2)
    dataset = dataset.to_iter_dataset(grain.ReadOptions(num_threads=1, prefetch_buffer_size=2))
    if workers_count:
        dataset = dataset.mp_prefetch(grain.MultiprocessingOptions(num_workers=workers_count), workers.begin)
    return dataset


def phase_of(count, until=None, **options):
    return Phase((Update((), lambda *_: (0.0, Aux({}, {}, {})), repeats=count, fresh_batch=True),), until, **options)


@pytest.fixture
def iterate():
    """`session.iterate` on one device, for so many batches a step; what it returned is closed at the end."""
    opened = []

    def create(dataset, count):
        opened.append(session.iterate(dataset, phase_of(count), parallel.devices((0,))))
        return opened[-1]

    yield create
    for batches in opened:
        batches.close()


def test_batches_come_in_order_stacked_and_on_the_device(iterate):
    batches = iterate(numbers(), 3)
    for first in (0, 6):
        taken = next(batches)
        assert taken.batches["x"][..., 0].tolist() == [[first + i, first + i + 1] for i in (0, 2, 4)]
        assert taken.pictures.tolist() == list(range(first, first + 6))
        assert taken.batches["x"].sharding.device_set == set(parallel.devices((0,)))


@pytest.mark.parametrize(("count", "workers_count"), [(1, 0), (2, 0), (2, 1)])
def test_the_position_is_that_of_what_was_taken(iterate, count, workers_count):
    dataset = numbers(workers_count)
    batches = iterate(dataset, count)
    for _ in range(3):
        time.sleep(0.05)  # for it to be ahead
        position = batches.get_state()
        resumed = iterate(dataset, count)
        resumed.set_state(position)
        assert next(batches).pictures.tolist() == next(resumed).pictures.tolist()
        resumed.close()


def test_the_position_is_that_of_the_dataset_itself(iterate):
    """So checkpoints mean the same whatever a step takes, and whoever reads ahead."""
    batches, alone = iterate(numbers(), 2), iter(numbers())
    assert batches.get_state() == alone.get_state()
    next(batches), next(alone), next(alone)
    assert batches.get_state() == alone.get_state() == {"next_index": 2}


def test_no_more_than_one_step_waits_and_one_is_under_way(iterate):
    loaded = []
    dataset = grain.MapDataset.range(100).map(lambda i: loaded.append(i) or {"x": np.array([i])}).batch(1)
    batches = iterate(dataset.to_iter_dataset(grain.ReadOptions(num_threads=0, prefetch_buffer_size=0)), 1)
    next(batches)
    time.sleep(0.3)
    assert len(loaded) <= 1 + 2


@pytest.mark.parametrize("workers_count", [0, 1])
def test_an_error_reaches_who_takes_the_batch(iterate, workers_count):
    batches = iterate(numbers(workers_count), 1)
    with pytest.raises(ValueError, match=r"41\.png: not a picture"):
        for _ in range(21):
            next(batches)
    assert batches.get_state() != iter(numbers(workers_count)).get_state()


def test_closing_ends_the_thread(iterate):
    before = set(threading.enumerate())
    batches = iterate(numbers(), 1)
    next(batches)
    batches.close()
    batches.close()
    assert not [t for t in set(threading.enumerate()) - before if "thread-prefetch" in t.name and t.is_alive()]
    with pytest.raises(ValueError, match="closed"):
        next(batches)


def stepper_for(task, dataset, step=0):
    """A stepper at `step` of `dataset`; and its state."""
    used = parallel.devices((0,))
    state = states.create(task, 0, {}).replace(step=jnp.int32(step))
    batches = session.iterate(dataset, states.phase_at(task, step), used)
    parts: dict[str, Any] = dict.fromkeys(session.Session._fields)
    parts |= {"config": tiny.get_config(), "task": task, "devices": used, "state": state}
    placed = parallel.place(state, states.SHARDED_FIELDS, used)
    return Stepper(session.Session(**parts | {"dataset": dataset, "batches": batches})), placed


def test_a_phase_may_take_another_number_of_batches():
    """None is lost or seen twice where the number changes, and new optimizers begin where the phase says so."""

    def loss(variables, batch, context):
        value = (variables.params["net"]["w"] * batch["x"]).mean()
        return value, Aux(variables.collections, variables.carry, {"loss": (value, jnp.ones(()))})

    once, twice = (Update(("net",), loss, repeats=count, fresh_batch=True) for count in (1, 2))
    task = Task(
        init=lambda key, spec: Variables({"net": {"w": jnp.ones(())}}, {"net": {}}, {}, {}),
        players={"net": Player(optax.scale_by_adam(), optax.constant_schedule(0.1))},
        phases=(Phase((once,), until=2), Phase((twice,), until=4), Phase((twice,), reset_optimizers=("net",))),
        predict=lambda *_: {},
        metrics=lambda *_: {},
        watch=Watch("loss", higher_is_better=False),
    )
    stepper, state = stepper_for(task, numbers())
    seen, counts = [], []
    for number in range(1, 6):
        state, _ = stepper(state, number)
        seen.append(stepper.pictures.tolist())
        counts.append(int(state.optimizers["net"].count))
    assert seen == [[0, 1], [2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]
    assert counts == [1, 2, 4, 0, 2]
    assert stepper.position == {"next_index": 8}
    stepper.close()
