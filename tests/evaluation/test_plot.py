import builtins
import io
import math

import numpy as np
import pytest
from PIL import Image

from edgeconnect_jax.evaluation import plot
from edgeconnect_jax.evaluation.definitions import Definition, Value
from edgeconnect_jax.evaluation.per_image import Row
from edgeconnect_jax.evaluation.run import Bin, Results

ROWS = [
    Row("a", (10, 10), 15, {"psnr": 30.0}, {}, "", ""),
    Row("b", (10, 10), 17, {"psnr": math.inf}, {}, "", ""),
    Row("c", (10, 10), 35, {"psnr": 20.0}, {}, "", ""),
]
BINS = [
    Bin("10-20 %", 2, 0.16, {"psnr": Value(30.0, 1, 1), "edge_recall": Value(0.5, 2)}),
    Bin("20-30 %", 0, math.nan, {}),
    Bin("30-40 %", 1, 0.35, {"psnr": Value(20.0, 1), "edge_recall": Value(None, 1)}),
]
DEFINITIONS = {key: Definition(key, key, "", "", True, 3) for key in ("psnr", "edge_recall")}
RESULTS = Results(ROWS, {"psnr": Value(25.0, 2, 1), "edge_recall": Value(0.5, 3)}, BINS, DEFINITIONS, "", "")


def test_points_are_pictures_and_lines_go_through_the_bins():
    assert plot.points(ROWS, "psnr") == ([15.0, 35.0], [30.0, 20.0])
    assert plot.points(ROWS, "edge_recall") == ([], [])
    assert plot.means(RESULTS, "psnr") == ([16.0, 35.0], [30.0, 20.0])
    assert plot.means(RESULTS, "edge_recall") == ([16.0], [0.5])


def test_the_plot_is_a_picture_with_a_panel_a_metric():
    picture = np.asarray(Image.open(io.BytesIO(plot.draw(RESULTS, "mine"))).convert("L"))
    height, width = picture.shape
    assert width == 1100
    for half in (picture[:, : width // 2], picture[:, width // 2 :]):
        assert (half[height // 4 :] < 100).sum() > 500  # axes and labels


def test_a_missing_matplotlib_is_named_with_the_remedy(monkeypatch):
    plain = builtins.__import__

    def without_matplotlib(name, *arguments, **options):
        if name.startswith("matplotlib"):
            raise ImportError("No module named 'matplotlib'")
        return plain(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    with pytest.raises(ModuleNotFoundError, match=r"pip install -e '\.\[eval\]'"):
        plot.draw(RESULTS, "mine")
