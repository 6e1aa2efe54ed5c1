"""The command that writes file lists."""

import os
import pathlib
import subprocess
import sys

import pytest
from PIL import Image

from edgeconnect_jax.data import sources
from scripts import flist

ENVIRONMENT = os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parents[2])}


def test_a_list_is_sorted_recursive_and_absolute(tmp_path: pathlib.Path) -> None:
    for name in ("b.JPG", "a/c d.png", "a.jpeg"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / "photos" / name)
    (tmp_path / "photos/notes.md").touch()
    script = pathlib.Path(flist.__file__)
    command = [sys.executable, str(script), "--path", "photos", "--output", "lists/photos.flist"]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert "3 pictures" in done.stdout
    wanted = [tmp_path / "photos" / name for name in ("a/c d.png", "a.jpeg", "b.JPG")]
    assert (tmp_path / "lists/photos.flist").read_text() == "".join(f"{path}\n" for path in wanted)
    assert sources.list_files(tmp_path / "lists/photos.flist") == wanted
    assert [path.name for path in (tmp_path / "lists").iterdir()] == ["photos.flist"]


def test_errors_end_with_status_2(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--path", str(tmp_path), "--output", str(tmp_path / "out.flist")]
    assert flist.main(arguments) == 2
    assert "contains no pictures" in capsys.readouterr().err
    Image.new("RGB", (4, 4)).save(tmp_path / "two\nlines.png")
    assert flist.main(arguments) == 2
    assert "line breaks" in capsys.readouterr().err
    assert not (tmp_path / "out.flist").exists()
