"""What passes, what is a kink and what fails."""

import numpy as np
import pytest

from benchmarks.parity import comparison
from benchmarks.parity.comparison import Comparison, report, worst


def test_errors_of_vectors():
    ours, theirs = np.array([3.0, 4.0]), np.array([3.0, 0.0])
    assert comparison.relative_error(ours, theirs) == pytest.approx(4 / 3)
    assert comparison.largest_difference(ours, theirs) == 4
    assert comparison.share_unequal(ours, theirs) == 0.5
    assert comparison.cosine_distance(ours, theirs) == pytest.approx(1 - 3 / 5)
    assert comparison.cosine_distance(np.zeros(2), theirs) == 1  # weights that did not move at all


@pytest.mark.parametrize(
    "error", [comparison.relative_error, comparison.largest_difference, comparison.cosine_distance]
)
def test_shapes_are_not_broadcast(error):
    with pytest.raises(ValueError, match=r"\(2,\) cannot be compared with \(1,\)"):
        error(np.zeros(2), np.ones(1))


@pytest.mark.parametrize(
    ("error", "status"), [(0.0, "ok"), (1.0, "ok"), (1.5, "kink"), (2.0, "kink"), (2.5, "FAIL"), (np.nan, "FAIL")]
)
def test_status(error, status):
    lines = []
    assert report([Comparison("a/b", error, bound=1, allowance=2)], lines.append) == (status != "FAIL")
    assert lines[0].split()[0] == status


def test_one_failure_is_enough():
    lines = []
    assert not report([Comparison("a", 0, 1), Comparison("b", 2, 1), Comparison("c", 0, 1)], lines.append)
    assert [line.split()[0] for line in lines] == ["ok", "FAIL", "ok"]


def test_the_worst_of_a_group_is_shown():
    exact, far = Comparison("run/masks/a", 0, 0), Comparison("run/masks/b", 1, 0)
    near, further = Comparison("run/losses/a", 1e-6, 1e-5), Comparison("run/losses/b", 5e-6, 1e-5)
    unknown = Comparison("run/losses/c", np.nan, 1e-5)
    assert worst([exact, far, near, further]) == [far, further]
    assert worst([near, unknown, further]) == [unknown]
    assert worst([unknown, further]) == [unknown]
