import pytest

from configs import default
from edgeconnect_jax.training.plateau import Plateau


@pytest.fixture
def options():
    options = default.get_config().optimizer
    options.update(schedule="plateau", patience=2, factor=0.1, min_scale=0.01, min_delta=0.5)
    return options


def scales(plateau, values):
    return [pytest.approx(plateau.update(value)) for value in values]


def test_lowers_the_rate_when_nothing_gets_better(options):
    up = Plateau(options, higher_is_better=True)
    assert scales(up, [20, 21, 21.2, 21.4]) == [1, 1, 1, 0.1]  # less than min_delta is no progress
    assert scales(up, [21.3, 21.2, 10, 10, 10]) == [0.1, 0.01, 0.01, 0.01, 0.01]
    down = Plateau(options, higher_is_better=False)
    assert scales(down, [5, 4, 3, 2]) == [1, 1, 1, 1]


def test_goes_on_where_it_was(options):
    first = Plateau(options, higher_is_better=True)
    scales(first, [20, 19])
    second = Plateau(options, higher_is_better=True)
    second.restore(first.state())
    assert second.update(19) == first.update(19) == pytest.approx(0.1)
