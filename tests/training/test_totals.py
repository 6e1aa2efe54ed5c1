import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.training.totals import Totals


def sums(value, count=1.0):
    return {"loss": (jnp.float32(value), jnp.float32(count))}


def test_small_terms_do_not_get_lost():
    totals = Totals()
    totals.add(sums(2.0**24))
    for _ in range(250):
        totals.add(sums(1.0))
    assert totals.sums() == {"loss": (2.0**24 + 250, 251.0)}


def test_a_metric_that_counted_nothing_is_undefined():
    totals = Totals({"loss": (1.5, 2.0)})
    totals.add(sums(0.5) | {"other": (jnp.zeros(()), jnp.zeros(()))})
    assert totals.values() == totals.take() == {"loss": 2 / 3, "other": None}
    assert totals.sums() == {}


def test_every_step_is_checked_once_with_its_label():
    seen = []
    totals = Totals(check=lambda label, found: seen.append((label, float(found["loss"][0]))))
    for number in range(3):
        totals.add(sums(number), label=f"step {number}")
    totals.values(), totals.values()
    assert seen == [("step 0", 0.0), ("step 1", 1.0), ("step 2", 2.0)]


def test_what_a_check_refuses_is_not_added():
    def check(label, found):
        if not np.isfinite(found["loss"][0]):
            raise ValueError(label)

    totals = Totals(check=check)
    for number, value in enumerate((1.0, jnp.nan, 1.0)):
        totals.add(sums(value), label=f"step {number}")
    with pytest.raises(ValueError, match="step 1"):
        totals.sums()
    assert totals.sums() == {"loss": (1.0, 1.0)}
