import math

import pytest

from edgeconnect_jax.evaluation import summary
from edgeconnect_jax.evaluation.definitions import Definition, MetricGroup, Value
from edgeconnect_jax.evaluation.groups import PIXELS
from edgeconnect_jax.evaluation.per_image import Row


def row(name="a", hole=10, counts=None, **values):
    return Row(name, (10, 10), hole, values, counts or {}, "", None if hole is None else "")


@pytest.mark.parametrize(
    ("share", "label"),
    [
        (0, "no hole"),
        (1e-9, "0-10 %"),
        (0.1, "0-10 %"),
        (0.1 + 1e-9, "10-20 %"),
        (0.3, "20-30 %"),
        (0.6, "50-60 %"),
        (0.61, "over 60 %"),
        (1, "over 60 %"),
    ],
)
def test_bins_hold_their_upper_bound(share, label):
    assert summary.bin_of(share) == label


def test_every_share_of_whole_pixels_is_in_its_bin():
    for pixels in range(1, 61):
        assert summary.bin_of(pixels / 100) == summary.BINS[(pixels - 1) // 10]


def test_all_bins_are_there_and_the_others_when_they_hold_something():
    assert list(summary.by_bins([row(hole=15)])) == list(summary.BINS)
    found = summary.by_bins([row(hole=0), row(hole=99), row(hole=15)])
    assert list(found) == ["no hole", *summary.BINS, "over 60 %"]
    assert [len(rows) for rows in found.values()] == [1, 0, 1, 0, 0, 0, 0, 1]
    assert summary.by_bins([row(hole=None)]) == {}


def test_a_mean_leaves_out_what_has_no_value():
    rows = [row(psnr=30.0), row(psnr=math.inf), row(psnr=20.0), row(psnr=math.nan)]
    assert summary.summarise(rows, PIXELS) == {"psnr": Value(25.0, 2, 2)}
    assert summary.summarise([row(psnr=math.inf)], PIXELS) == {"psnr": Value(None, 0, 1)}
    assert summary.summarise([], PIXELS) == {}


def test_metrics_of_the_set_come_from_the_counts_of_the_pictures_that_have_some():
    definitions = tuple(Definition(key, key, "", "", True, 3) for key in ("largest", "size"))
    group = MetricGroup("sizes", definitions, summarise=lambda counts: {"largest": Value(max(counts), len(counts))})
    rows = [row(counts={"sizes": 3}, size=1.0), row(counts={"sizes": 7, "other": 9}, size=2.0), row(size=3.0)]
    found = summary.summarise(rows, (group, *PIXELS))
    assert found == {"largest": Value(7, 2), "size": Value(2.0, 3)} and list(found) == ["largest", "size"]
    assert "largest" not in summary.summarise(rows[2:], (group,))
