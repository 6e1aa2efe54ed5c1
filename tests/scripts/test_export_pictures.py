"""The pictures of a source, and their maps, become files."""

import json

import numpy as np
import pytest

from edgeconnect_jax.data.scenes.classes import CLASSES
from edgeconnect_jax.data.sources import open_source
from edgeconnect_jax.images.files import read_rgb8
from edgeconnect_jax.images.ids import read_ids
from scripts.export_pictures import main


def test_scenes_are_exported_with_their_maps(tmp_path, capsys):
    output, source = tmp_path / "new" / "set", open_source("scenes:validation:32:3")
    assert main(["--source", "scenes:validation:32:3", "--output", str(output)]) == 0
    assert "3 pictures" in capsys.readouterr().out
    for index in range(3):
        name = f"{index:06d}.png"
        np.testing.assert_array_equal(read_rgb8(output / "pictures" / name), source[index])
        for kind, values in source.maps(index).items():
            np.testing.assert_array_equal(np.squeeze(read_ids(output / kind / name)), values[..., 0])
    assert [row["name"] for row in json.loads((output / "legend.json").read_text())] == [row.name for row in CLASSES]
    assert json.loads((output / "facts.json").read_text())["000002"] == json.loads(json.dumps(source.facts(2)))


def test_pictures_without_maps_are_exported_by_their_names(tmp_path):
    assert main(["--source", "skimage:validation", "--output", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["chelsea.png", "coffee.png"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("scenes:nowhere", "write scenes:SPLIT"),
        ("pictures", "several pictures have the same name, rename all but one: a"),
        ("scenes:test:8:1", "out: not empty; name another folder"),
    ],
)
def test_nothing_is_written_after_an_error(tmp_path, capsys, monkeypatch, source, message):
    monkeypatch.chdir(tmp_path)
    for folder in ("one", "two"):
        (tmp_path / "pictures" / folder).mkdir(parents=True)
        (tmp_path / "pictures" / folder / "a.png").write_bytes(b"")
    (tmp_path / "out").mkdir()
    if "test" in source:
        (tmp_path / "out" / "mine").touch()
    before = sorted(tmp_path.rglob("*"))
    assert main(["--source", source, "--output", "out"]) == 2
    assert message in capsys.readouterr().err and sorted(tmp_path.rglob("*")) == before
