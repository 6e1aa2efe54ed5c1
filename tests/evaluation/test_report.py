import csv
import io
import json
import math

import cv2
import jax
import numpy as np
import pytest

from edgeconnect_jax.evaluation import outputs, report
from edgeconnect_jax.evaluation.definitions import Definition, MeasurementSettings, MetricGroup, Value, by_key
from edgeconnect_jax.evaluation.groups import NETWORKS, PIXELS
from edgeconnect_jax.evaluation.holes import DrawnHoles, FileHoles
from edgeconnect_jax.evaluation.per_image import Row
from edgeconnect_jax.evaluation.run import Bin, Results

LINES = MetricGroup(
    "lines", (Definition("line_recall", "line recall", "lines above {threshold:g}, sigma {sigma:g}", "", True, 4),)
)
GROUPS = (*PIXELS, LINES)
DEFINITIONS = by_key(GROUPS)
VALUES = {"threshold": 0.4, "sigma": 1.5}

ROWS = [
    Row("a", (20, 30), 60, {"psnr": 31.5, "ssim_hole": 0.25}, {}, "x", "y"),
    Row("b, c", (20, 30), 0, {"psnr": math.inf, "ssim_hole": math.nan}, {}, "x", "y"),
]
OF_A_BIN = {"psnr": Value(31.5, 1), "ssim_hole": Value(0.25, 1)}
OF_ALL = {"psnr": Value(31.5, 1, 1), "ssim_hole": Value(0.25, 1, 1), "line_recall": Value(None, 2)}
BINS = [Bin("0-10 %", 1, 0.1, OF_A_BIN), Bin("10-20 %", 0, math.nan, {})]
RESULTS = Results(ROWS, OF_ALL, BINS, DEFINITIONS, "hash of pictures", "hash of masks")


@pytest.fixture
def made():
    settings = MeasurementSettings(GROUPS, VALUES, refused={"lines": "there are none"})
    source, holes = outputs.BaselineOutput("mean"), DrawnHoles("freeform", 7)
    return report.build(RESULTS, source, holes, settings, system="other", options={"truth": "t"})


def test_a_report_says_everything_that_was_set(made):
    assert made["name"] == "mean of known pixels" and made["measured"] == {"kind": "baseline", "name": "mean"}
    assert made["pictures"] == {"count": 2, "hash": "hash of pictures"}
    assert made["masks"]["kind"] == "freeform" and made["masks"]["hash"] == "hash of masks"
    assert made["seed"] == 7 and made["settings"]["options"] == {"truth": "t"} and made["settings"]["sigma"] == 1.5
    assert made["settings"]["groups"] == ["psnr", "ssim", "l1", "lines"] and made["system"] == "other"
    assert made["refused"] == {"lines": "there are none"}
    assert made["versions"]["numpy"] == np.__version__ and "python" in made["versions"]
    assert made["results"]["line_recall"] == {"value": None, "pictures": 2, "left out": 0}
    assert [entry["pictures"] for entry in made["bins"]] == [1, 0]


def test_the_share_that_holes_cover_is_said_and_so_are_holes_outside_the_range(made):
    assert made["masks"]["share"] == pytest.approx({"minimum": 0, "mean": 0.05, "maximum": 0.1})
    assert made["warnings"] == ["--mask_area: 1 of 2 holes are outside 0.1 to 0.5"]
    text = report.format_report(made, DEFINITIONS)
    assert "seed 7; they cover 0.0 to 10.0 % of a picture, 5.0 % on average" in text and made["warnings"][0] in text
    drawn = report.build(
        RESULTS,
        outputs.BaselineOutput("mean"),
        DrawnHoles("freeform", 7, (0, 0.1)),
        MeasurementSettings(GROUPS, VALUES),
    )
    block = report.build(
        RESULTS, outputs.BaselineOutput("mean"), DrawnHoles("block", 7), MeasurementSettings(GROUPS, VALUES)
    )
    assert drawn["warnings"] == block["warnings"] == []


class Outside:
    """Holes of a system, which are neither files nor drawn."""

    def __init__(self):
        self.settings = {"kind": "outside", "margin": 4}

    def __call__(self, pair):
        return None


def test_holes_of_a_system_are_described_by_their_settings():
    made = report.build(RESULTS, outputs.BaselineOutput("mean"), Outside(), MeasurementSettings(GROUPS, VALUES))
    assert made["masks"]["margin"] == 4 and made["seed"] is None
    assert "holes: outside; they cover 0.0 to 10.0 %" in report.format_report(made, DEFINITIONS)


def test_it_says_what_computed(made):
    assert made["versions"]["opencv"] == cv2.__version__
    assert made["device"] == {"backend": jax.default_backend(), "kind": jax.devices()[0].device_kind}


def test_every_definition_is_there_with_the_settings_filled_in(made):
    assert list(made["definitions"]) == list(OF_ALL)
    assert made["definitions"]["line_recall"]["definition"] == "lines above 0.4, sigma 1.5"
    for definition in by_key((*PIXELS, *NETWORKS)).values():
        assert definition.sentence and "{" not in definition.sentence


def test_no_metric_is_printed_without_the_name_of_its_definition(made):
    text = report.format_report(made, DEFINITIONS)
    for key in OF_ALL:
        assert f"{DEFINITIONS[key].name}: {made['definitions'][key]['definition']}" in text
        assert f"| {DEFINITIONS[key].title} " in text
    assert "undefined" in text and "31.500" in text and "freeform, 0.1 to 0.5 of the area, seed 7" in text
    bins = text.split("By the share")[1].split("\n\n")[0]
    assert "0-10 %" in bins and "10-20 %" not in bins
    assert "SSIM" in bins and "line recall" not in bins  # it is a number of the whole set here


def test_without_masks_it_says_that_only_whole_pictures_are_measured():
    results = RESULTS._replace(bins=[], holes_hash=None)
    made = report.build(results, outputs.OnDisk("somewhere/out"), FileHoles(), MeasurementSettings(GROUPS, VALUES))
    assert made["masks"] is None and made["seed"] is None
    assert "out: 2 pictures, without masks: only whole pictures are measured" in report.format_report(made, DEFINITIONS)


def test_files_are_json_and_csv(made, tmp_path):
    report.write(made, RESULTS, tmp_path / "new" / "folder")
    text = (tmp_path / "new/folder/report.json").read_text()
    assert json.loads(text)["results"]["psnr"]["value"] == 31.5
    assert "NaN" not in text and "Infinity" not in text
    lines = list(csv.reader(io.StringIO((tmp_path / "new/folder/per_image.csv").read_text())))
    assert lines == [
        ["name", "height", "width", "hole [%]", "PSNR (RGB) [dB]", "SSIM (Gaussian 11/1.5, RGB), hole"],
        ["a", "20", "30", "10.0000", "31.5", "0.25"],
        ["b, c", "20", "30", "0.0000", "inf", ""],
    ]
