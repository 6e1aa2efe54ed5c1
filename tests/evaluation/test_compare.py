import copy
import json

import pytest

from edgeconnect_jax.evaluation import compare as comparison
from edgeconnect_jax.evaluation.definitions import Definition, by_key
from edgeconnect_jax.evaluation.groups import PIXELS
from edgeconnect_jax.evaluation.report import FORMAT

# A figure to compare others with has no better.
CHANCE = Definition("chance", "recall of chance", "", "", None, 4)


def compare(paths):
    return comparison.compare(paths, lambda reports: {**by_key(PIXELS), "chance": CHANCE})


def made(name="one", **results):
    results = results or {"psnr": 20.0, "l1": 5.0, "chance": 0.5}
    return {
        "format": FORMAT,
        "name": name,
        "pictures": {"count": 3, "hash": "p"},
        "masks": {"kind": "block", "seed": 1, "hash": "m"},
        "definitions": {key: {"name": key.upper(), "definition": f"{key} of old"} for key in results},
        "results": {key: {"value": value, "pictures": 3, "left out": 0} for key, value in results.items()},
    }


@pytest.fixture
def written(tmp_path):
    """Writes reports into folders of their own and returns these."""

    def write(*reports):
        folders = []
        for number, report in enumerate(reports):
            folders.append(tmp_path / f"r{number}")
            folders[-1].mkdir(exist_ok=True)
            (folders[-1] / "report.json").write_text(json.dumps(report))
        return folders

    return write


def test_the_best_of_each_row_is_marked_and_definitions_are_given(written):
    first, second = made("mine"), made("telea", psnr=21.0, l1=5.5, chance=0.6, ssim=0.5)
    table = compare(written(first, second))
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert lines[0] == ["metric", "better", "mine", "telea"]
    assert lines[2:6] == [
        ["PSNR (RGB) [dB]", "higher", "20.000", "*21.000"],
        ["SSIM (Gaussian 11/1.5, RGB)", "higher", "-", "*0.5000"],
        ["L1 (MAE, RGB) [%]", "lower", "*5.000", "5.500"],
        ["recall of chance", "", "0.5000", "0.6000"],
    ]
    assert "3 pictures" in table and "SSIM: ssim of old" in table and "PSNR: psnr of old" in table


def test_values_of_other_pictures_are_counted_and_none_is_the_best(written):
    second = made("two", psnr=22.341, l1=4.0, chance=0.5)
    assert "no best" not in compare(written(made(), second))
    second["results"]["psnr"] |= {"pictures": 2, "left out": 1}
    table = compare(written(made(), second))
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert lines[2] == ["PSNR (RGB) [dB]", "higher", "20.000 (3 of 3)", "22.341 (2 of 3)"]
    assert lines[3] == ["L1 (MAE, RGB) [%]", "lower", "5.000", "*4.000"]
    assert "equal pictures have no finite PSNR" in table


def test_reports_of_one_name_are_told_apart_by_path(written):
    folders = written(made("same"), made("same"))
    head = compare([folders[0], folders[1] / "report.json"]).splitlines()[0]
    assert all(f"same ({path})" in head for path in (folders[0], folders[1] / "report.json"))


def other(path, value):
    changed = copy.deepcopy(made("two"))
    *parents, last = path
    place = changed
    for key in parents:
        place = place[key]
    place[last] = value
    return changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (other(("pictures", "hash"), "q"), r"different pictures, or prepared differently \(3 and 3\)"),
        (other(("pictures", "count"), 4), r"different pictures, or prepared differently \(3 and 4\)"),
        (other(("masks", "seed"), 2), r"different seeds \(1 and 2\)"),
        (other(("masks", "hash"), "n"), r"different masks \(kind block and kind block\)"),
        (other(("masks",), None), r"different masks \(kind block and none\)"),
        (other(("definitions", "l1", "reference"), "hash"), r"a different reference of L1 \(None and hash\)"),
        (other(("definitions", "l1", "definition"), "l1 of new"), r"definition of L1 \(l1 of old and l1 of new\)"),
    ],
)
def test_reports_that_differ_are_refused_by_name(written, changed, message):
    folders = written(made(), made(), changed)
    with pytest.raises(ValueError, match=message) as error:
        compare(folders)
    assert f"{folders[0]} and {folders[2]}" in str(error.value)


def test_all_differences_are_listed(written):
    changed = other(("pictures", "hash"), "q")
    changed["masks"]["seed"] = 2
    with pytest.raises(ValueError) as error:
        compare(written(made(), changed, other(("masks", "hash"), "n")))
    assert len(str(error.value).splitlines()) == 4


def test_masks_on_disk_may_be_those_that_were_drawn(written):
    saved = other(("masks",), {"kind": "files", "invert": False, "hash": "m"})
    assert "two" in compare(written(made(), saved))


@pytest.mark.parametrize("path", [
    ("name",), ("masks",), ("masks", "hash"), ("pictures", "count"), ("pictures",), ("definitions", "l1"), ("results",),
    ("definitions", "l1", "name"), ("results", "psnr", "left out"),
])  # fmt: skip
def test_corrupted_reports_are_named_with_what_they_lack(written, path):
    corrupted = made()
    *parents, last = path
    place = corrupted
    for key in parents:
        place = place[key]
    del place[last]
    folders = written(made(), corrupted)
    with pytest.raises(ValueError, match="corrupted, without .*" + "/".join(path)) as error:
        compare(folders)
    assert str(folders[1] / "report.json") in str(error.value) and str(folders[0]) not in str(error.value)


def test_a_report_is_not_compared_with_itself(written):
    (folder,) = written(made())
    with pytest.raises(ValueError, match="named twice"):
        compare([folder, folder / "report.json"])


def test_what_is_no_report_is_named(written, tmp_path):
    (tmp_path / "text.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "training.json").write_text('{"this model": {}}')
    paths = [tmp_path / name for name in ("nowhere", "text.json", "list.json", "training.json")]
    with pytest.raises(ValueError) as error:
        compare([*written(made()), *paths])
    lines = str(error.value).splitlines()
    assert len(lines) == 4 and all(str(path) in line for path, line in zip(paths, lines, strict=True))
    with pytest.raises(ValueError, match="two reports or more"):
        compare(written(made()))


def test_definitions_are_those_of_the_reports_systems(written):
    first, second = made(), made("two") | {"system": "other"}
    given = []

    def definitions_of(reports):
        given.extend(report.get("system") for report in reports)
        return {"chance": CHANCE}

    lines = comparison.compare(written(first, second), definitions_of).splitlines()
    assert given == [None, "other"]
    assert lines[2].startswith("| recall of chance") and not lines[3]
