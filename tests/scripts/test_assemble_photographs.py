"""The set that the package's own weights are trained on holds free photographs only."""

import numpy as np
import pytest

from edgeconnect_jax.data.sources import open_source
from edgeconnect_jax.images.files import write_png
from scripts.assemble_photographs import main

LICENCES = (
    "CC0-1.0",
    "Public Domain",
    "public-domain",
    "CC-BY-4.0",
    "CC-BY-SA-4.0",
    "CC-BY-NC-4.0",
    "GPL-3",
    "CC-BY-1.0",
)


@pytest.fixture
def photographs(tmp_path, rng):
    folder = tmp_path / "photographs"
    (folder / "large").mkdir(parents=True)
    rows = ["file\tlicence\tauthor"]
    for number, licence in enumerate(LICENCES):
        rows.append(f"{number}.png\t{licence}\tauthor {number}")
        write_png(folder / f"{number}.png", rng.integers(0, 256, (110, 130, 3), np.uint8))
    write_png(folder / "large" / "0.png", rng.integers(0, 256, (180, 200, 3), np.uint8))
    (folder / "LICENCES.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_free_photographs_become_several_sizes_with_scenes(photographs, tmp_path, capsys):
    assert main(["--photographs", str(photographs), "--output", str(tmp_path / "set"), "--scenes", "2"]) == 0
    assert "4 photographs to train on, 1 held out, 2 scenes" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "set" / "held_out").iterdir()] == ["2_512.png"]
    written = {path.name for path in (tmp_path / "set" / "train").iterdir()}
    large = {"0_96.png", "0_128.png", "0_170.png"}
    assert written == large | {"1_96.png", "3_96.png", "7_96.png", "scene_000000_64.png", "scene_000001_96.png"}
    listed = open_source(str(tmp_path / "set" / "train.flist"))
    assert len(listed) == 8 and {min(listed[index].shape[:2]) for index in range(8)} == {64, 96, 128, 170}
    attribution = (tmp_path / "set" / "attribution.tsv").read_text()
    assert [f"author {number}" in attribution for number in range(8)] == [number in (0, 1, 3, 7) for number in range(8)]


def test_what_cannot_be_assembled_is_named(photographs, tmp_path, capsys):
    arguments = ["--photographs", str(photographs), "--output", str(tmp_path / "set"), "--scenes", "0"]
    assert main(arguments) == 0 and main(arguments) == 2
    assert f"{tmp_path / 'set'}: exists" in capsys.readouterr().err
    (photographs / "LICENCES.tsv").write_text("file\tlicence\na.png\tGPL-3\n")
    assert main(["--photographs", str(photographs), "--output", str(tmp_path / "other")]) == 2
    assert "no photograph is CC0, in the public domain or CC BY" in capsys.readouterr().err
    (photographs / "LICENCES.tsv").write_text("file\tauthor\na.png\tme\n")
    assert main(["--photographs", str(photographs), "--output", str(tmp_path / "other")]) == 2
    assert "lacks the columns licence" in capsys.readouterr().err and not (tmp_path / "other").exists()
