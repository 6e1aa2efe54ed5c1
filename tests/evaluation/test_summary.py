import math

import pytest

from edgeconnect_jax.evaluation import summary
from edgeconnect_jax.evaluation.per_image import EdgePixels, Row
from edgeconnect_jax.evaluation.summary import Value


def row(name="a", hole=10, edges=None, **values):
    return Row(name, (10, 10), hole, values, edges, "", None if hole is None else "")


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
    assert summary.summarise(rows) == {"psnr": Value(25.0, 2, 2)}
    assert summary.summarise([row(psnr=math.inf)]) == {"psnr": Value(None, 0, 1)}
    assert summary.summarise([]) == {}


def test_edges_over_the_set_are_ratios_of_sums():
    rows = [
        row(hole=40, edges=EdgePixels(2, 10, 4), edge_precision_picture=0.2, edge_recall_picture=0.5),
        row(hole=60, edges=EdgePixels(9, 10, 16), edge_precision_picture=0.9, edge_recall_picture=9 / 16),
    ]
    values = {key: value.value for key, value in summary.summarise(rows).items()}
    assert values == {
        "edge_precision": 11 / 20,
        "edge_recall": 11 / 20,
        "edge_precision_picture": pytest.approx(0.55),
        "edge_recall_picture": pytest.approx((0.5 + 9 / 16) / 2),
        "chance_precision": 20 / 100,
        "chance_recall": 20 / 100,
    }


def test_edges_that_are_nowhere_have_no_precision():
    values = summary.summarise([row(edges=EdgePixels(0, 0, 5), edge_precision_picture=math.nan)])
    assert values["edge_precision"].value is None and values["edge_recall"].value == 0
    assert values["edge_precision_picture"] == Value(None, 0, 1)
