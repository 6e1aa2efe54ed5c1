"""The system of the page "Adding a system" is one: written out, shared code trains it."""

import json
import pathlib
import re
import sys

import jax
import numpy as np
import pytest
import requests

from edgeconnect_jax import systems
from edgeconnect_jax.checkpoints import folders
from edgeconnect_jax.checkpoints.weights import load_weights
from edgeconnect_jax.images.files import read_rgb8
from tests.conftest import PHOTOGRAPHS, write_photographs
from tests.docs import running
from tests.docs.pages import ROOT, blocks, commands

PAGE = ROOT / "docs/adding_a_system.md"


def files() -> dict[str, str]:
    """Path -> the file that a block of the page is; its first line names it."""
    named = [
        (re.match(r"(?:#|<!--) ([\w/]+\.\w+)", block.text), block.text) for block in blocks(PAGE, "python", "html")
    ]
    return {match[1]: text for match, text in named if match}


@pytest.fixture
def recolor(tmp_path, monkeypatch) -> pathlib.Path:
    """A folder with the system's files and photographs, where the system is in the search path."""
    packages = ("systems/recolor/__init__.py", "systems/recolor/editor/__init__.py")
    for name, text in {**dict.fromkeys(packages, ""), **files()}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    write_photographs(tmp_path / "photos", 40, 50)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["command"])
    monkeypatch.setattr(systems, "__path__", [*systems.__path__, str(tmp_path / "systems")])
    systems.load.cache_clear()
    yield tmp_path
    systems.load.cache_clear()
    for name in [name for name in sys.modules if name.startswith("edgeconnect_jax.systems.recolor")]:
        del sys.modules[name]


def test_every_block_of_code_is_a_file_of_the_system():
    assert len(files()) == len(blocks(PAGE, "python", "html"))
    assert {"systems/recolor/data.py", "configs/recolor/default.py"} <= set(files())


def run_page(torch: bool) -> None:
    """Runs the commands of the page, or only those that need no PyTorch."""
    for command in [command for block in blocks(PAGE, "sh") for command in commands(block)]:
        if torch or "torch" not in " ".join(command.words):
            running.run(*running.program_of(command.words))


def test_the_commands_of_the_page_prepare_train_test_measure_and_serve_it(recolor):
    run_page(torch=False)
    assert (recolor / "data/recolor/prepared.json").is_file()
    results = sorted((recolor / "runs/recolor/results").iterdir())
    assert [path.stem for path in results] == sorted(PHOTOGRAPHS)
    assert read_rgb8(results[0]).shape == (40, 50, 3)
    report = json.loads((recolor / "reports/recolor/report.json").read_text())
    assert {"psnr", "saturation"} <= set(report["results"])
    with running.served("runs/recolor") as address, (recolor / "photos/rocket.png").open("rb") as photo:
        assert "Recolor" in requests.get(f"{address}/", timeout=60).text
        assert requests.get(f"{address}/api/info", timeout=60).json()["system"] == "recolor"
        answer = requests.post(f"{address}/api/recolor", files={"image": photo}, timeout=60)
    assert answer.content == (recolor / "runs/recolor/results/rocket.png").read_bytes()
    meta = folders.read_meta(folders.find(recolor / "runs/recolor"))
    assert meta["system"] == "recolor"
    assert meta["networks"] == {"painter": {"features": 4}}


@pytest.mark.oracles
def test_its_weights_survive_the_way_through_pytorch(recolor):
    pytest.importorskip("torch")
    run_page(torch=True)
    there, back = (load_weights(path, ["painter"]) for path in ("runs/recolor", "weights/recolor"))
    assert there.meta == back.meta
    jax.tree.map(np.testing.assert_array_equal, there.networks, back.networks)


def test_its_rules_are_kept(recolor, capfd):
    arguments = ["--config=configs/recolor/default.py", "--workdir=runs/recolor", "--config.data.train=photos"]
    with pytest.raises(SystemExit, match="2"):
        running.run_main([*arguments, "--config.data.image_size=0", "--config.task.features=0"])
    message = capfd.readouterr().err
    assert "recolor needs pictures of one size" in message
    assert "task.features=0 must be 1 or more" in message
