"""What a step sends is the gradients, the spectral norm's vectors and the sums, in few messages."""

import jax
import pytest

from benchmarks import collectives
from benchmarks.sides.edgeconnect import flops
from benchmarks.sides.edgeconnect.cases import Case, config_of
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.tasks.task import create
from edgeconnect_jax.training import state as states

HLO = """
  %a = (f32[4,2]{1,0}, /*index=1*/f32[]) all-reduce(%x, %y), channel_id=1
  %b = bf16[3]{0} all-gather-start(%z), dimensions={0}
  ROOT %c = f32[8]{0} add(%all-reduce.1, %x)
"""


def test_collectives_are_read_from_a_program():
    assert collectives.collectives_in(HLO) == [("all-reduce", 2, 36), ("all-gather", 1, 6)]


def test_a_step_sends_gradients_vectors_and_sums_at_once():
    case = Case("edge", 32, 2, 4, 1)
    found = collectives.collectives_in(collectives.compiled_step(case, parallel.devices((0, 1))))
    state = states.create(create(TASKS, config_of(case)), 0, flops.example_of_shapes(32))
    arrays = jax.tree.leaves((state.params, state.collections))
    at_least = sum(array.nbytes for array in arrays)
    assert {x.kind for x in found} == {"all-reduce"}
    assert at_least <= sum(x.size for x in found) <= at_least + 100  # and six metrics, each a sum and a count
    # XLA joins them; a message for each of these arrays would wait for the network a hundred times.
    assert len(found) <= 3 < len(arrays)


def test_the_prediction_is_that_of_a_ring():
    """In a host 2 * 7/8 of the bytes pass each link, between two hosts 2 * 1/2 of them."""
    size = 1e9
    within = 14 * collectives.LATENCY + 1.75 * size / collectives.LINK
    between = 2 * collectives.LATENCY + size / collectives.NETWORK
    assert collectives.predict(size, collectives.RATE, 8) == pytest.approx((1, within))
    assert collectives.predict(size, collectives.RATE, 16) == pytest.approx((1, within + between))
    assert collectives.predict(0, 1, 1).efficiency == 1
