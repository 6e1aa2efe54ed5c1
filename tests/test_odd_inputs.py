"""Every odd input of `odd_inputs.py` through every command: what is right is done, what is wrong is named."""

import csv
import itertools
import pathlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from configs.default import get_config
from edgeconnect_jax import eval as measuring
from edgeconnect_jax import inpaint
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.data.prepared import format
from edgeconnect_jax.images import files
from edgeconnect_jax.inference import folder
from edgeconnect_jax.systems.edgeconnect import files as edgeconnect
from edgeconnect_jax.systems.edgeconnect.data import READER, create_options
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from scripts import prepare_data
from tests.odd_inputs import CASES, COMMANDS, LEFT_OUT, REFUSED, RIGHT, Case, Scene
from tests.systems.edgeconnect.weights import weights

SIDE = 32  # of what is prepared and trained on
TOLERANCE = 12  # levels, on average: what JPEG and palettes may change


class Done(NamedTuple):
    """What a command did: its status, what it said, and the pictures it made, by stem."""

    status: int
    said: str
    made: dict[str, np.ndarray]


class Place(NamedTuple):
    """Where a command runs, and what captures what it says."""

    root: pathlib.Path
    scene: Scene
    capsys: Any


@pytest.fixture(scope="module")
def network() -> Inpainter:
    """One for all cases, so that each size is compiled once."""
    return Inpainter(weights())


@pytest.fixture
def place(tmp_path: pathlib.Path, capsys: Any, network: Inpainter, monkeypatch: pytest.MonkeyPatch) -> Place:
    filling = edgeconnect.FILES._replace(work=lambda _, options: edgeconnect.work_of(network, options))
    monkeypatch.setattr(edgeconnect, "FILES", filling)
    monkeypatch.setattr(folder.checkpoints, "load_weights", lambda *_, **__: None)
    return Place(tmp_path, Scene(tmp_path), capsys)


def _inpaint(place: Place, skip_bad: int) -> Done:
    output = place.root / "out"
    given = ["--input", place.scene.pictures, "--mask", place.scene.masks, "--output", output]
    status = inpaint.main(["--checkpoint", "any", *map(str, given)])
    return Done(status, place.capsys.readouterr().err, {p.stem: files.read_rgb8(p) for p in output.glob("*.png")})


def _eval(place: Place, skip_bad: int) -> Done:
    given = ["--truth", place.scene.pictures, "--mask", place.scene.masks, "--baseline", "mean", "--metrics", "l1"]
    given += ["--report", place.root / "report", "--save", place.root / "saved"]
    status = measuring.main([*map(str, given)])
    said = place.capsys.readouterr().err
    if not (place.root / "report/report.json").exists():
        return Done(status, said, {})
    with (place.root / "report/per_image.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    saved = {path.stem: files.read_rgb8(path) for path in (place.root / "saved").glob("*.png")}
    assert {row["name"] for row in rows} == set(map(_written, saved))
    assert all(float(row["L1 (MAE, RGB) [%]"]) >= 0 for row in rows)
    return Done(status, said, saved)


def _prepare(place: Place, skip_bad: int) -> Done:
    given = ["--input", place.scene.pictures, "--paired_masks", place.scene.masks, "--output", place.root / "set"]
    given += ["--image_size", SIDE, "--workers", 0, "--skip_bad", skip_bad]
    status = prepare_data.main([*map(str, given)])
    said = place.capsys.readouterr().err
    options = create_options(SIDE, "center", 0, "canny", 2.0, False, True)
    if status:
        with pytest.raises((ValueError, FileNotFoundError)):
            format.open_records(place.root / "set", READER, options)
        return Done(status, said, {})
    found = format.open_records(place.root / "set", READER, options)
    made = {pathlib.PurePath(found.name(i)).stem: found[i]["image"] for i in range(len(found))}
    return Done(status, said + "\n".join(format.read_manifest(place.root / "set").left_out), made)


def _train(place: Place, skip_bad: int) -> Done:
    """Two epochs of batches, as `main.py` reads them, which tells any ValueError."""
    config = get_config()
    config.data.update(train=str(place.scene.pictures), image_size=SIDE, flip=False, skip_bad=skip_bad)
    config.masks.update(kind="paired", train=str(place.scene.masks))
    config.train.batch_size = 1
    try:
        iterator = pipeline.train_iterator(config, READER)
        batches = list(itertools.islice(iterator, 4))
    except ValueError as error:
        return Done(2, str(error), {})
    # The names of what is there, in the order of their ids.
    left_out = pipeline.describe_train(config, READER).partition("without ")[2]
    there = sorted(path for path in place.scene.pictures.iterdir() if path.name not in left_out.split(", "))
    made = {there[int(batch["id"][0])].stem: batch["image"][0] for batch in batches}
    assert len(made) == len(there)
    return Done(0, left_out, made)


RUN: dict[str, Callable[[Place, int], Done]] = dict(zip(COMMANDS, (_inpaint, _eval, _prepare, _train), strict=True))


def _cells() -> list[Any]:
    return [pytest.param(CASES[name], command, id=f"{name}-{command}") for name in CASES for command in COMMANDS]


@pytest.mark.parametrize(("case", "command"), _cells())
def test_odd_input(case: Case, command: str, place: Place) -> None:
    case.make(place.scene)
    column = COMMANDS.index(command)
    outcome, told = case.outcomes[column], case.told if isinstance(case.told, str) else case.told[column]
    done = RUN[command](place, 0)
    if outcome == RIGHT:
        assert done.status == 0, done.said
        _check_pictures(place, case, command, done, {"good", case.stem})
    else:
        assert done.status == 2
        assert "odd" in done.said and re.search(told, done.said), done.said
        assert done.made.keys() == ({"good"} if outcome == LEFT_OUT and column < 2 else set())
    if outcome == REFUSED:
        assert not any((place.root / name).exists() for name in ("out", "report", "saved", "set"))
    if outcome == LEFT_OUT and column >= 2:
        again = RUN[command](place, 1)
        assert again.status == 0 and "odd" in again.said
        _check_pictures(place, case, command, again, {"good"})
    assert not [path for path in place.root.rglob(".*") if path.name not in (".", "..")]


def _check_pictures(place: Place, case: Case, command: str, done: Done, stems: set[str]) -> None:
    names = {stem if command in ("inpaint", "training") else _written(stem) for stem in stems}
    assert set(map(_written, done.made)) == set(map(_written, names))
    made = {_written(stem): image for stem, image in done.made.items()}.get(_written(case.stem))
    if case.stem not in stems:
        return
    assert made is not None
    shown = case.shown
    if command in ("prepare_data", "training"):
        shown = files.resize_bilinear(files.centre_square(shown), SIDE, SIDE)
    assert made.shape == shown.shape
    if command == "inpaint" and (files.read_gray8(place.scene.masks / f"{case.stem}.png") > 127).all():
        return
    # What is filled differs; most pixels are known.
    assert np.median(np.abs(made.astype(int) - shown)) < TOLERANCE


def _written(stem: str) -> str:
    """A stem as it stands in files that hold UTF-8 only."""
    return stem.encode("utf-8", "backslashreplace").decode()
