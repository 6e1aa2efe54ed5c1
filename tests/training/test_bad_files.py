"""Training on a set with files that cannot be used: as main.py tells it, and over a restart."""

import itertools
import logging
import pathlib
import subprocess
import sys

import pytest

from configs import tiny
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.host import errors
from edgeconnect_jax.systems.edgeconnect.data import READER
from edgeconnect_jax.systems.edgeconnect.rules import RULES
from tests.conftest import write_photographs
from tests.processes import environment
from tests.training.runs import train

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def images(tmp_path: pathlib.Path) -> pathlib.Path:
    """Four photographs, and one that is cut short."""
    folder = write_photographs(tmp_path / "images", 40, 40)
    (folder / "broken.png").write_bytes((folder / "coffee.png").read_bytes()[:1000])
    return folder


def _config(images: pathlib.Path, skip_bad: int, steps: int = 1) -> Config:
    config = tiny.get_config()
    config.data.update(train=str(images), validation=str(images), crop="center", short_side=0, skip_bad=skip_bad)
    config.train.steps = steps
    config.sample.interval = config.eval.interval = 0
    configuration.validate(config, RULES, READER)
    return config


def test_main_stops_by_name_and_without_a_traceback(images: pathlib.Path, tmp_path: pathlib.Path) -> None:
    command = [sys.executable, "main.py", "--config=configs/tiny.py", f"--workdir={tmp_path / 'run'}"]
    options = {"data.train": images, "data.crop": "center", "data.short_side": 0, "train.steps": 5}
    command += [f"--config.{name}={value}" for name, value in options.items()]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert f"{images}/broken.png: not a picture that can be decoded" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_a_worker_process_comes_upon_is_told_likewise(images: pathlib.Path) -> None:
    config = _config(images, 0)
    config.data.workers = 1
    iterator = pipeline.train_iterator(config, READER)
    try:
        with pytest.raises(ValueError, match=r"broken\.png: not a picture") as error:
            list(itertools.islice(iterator, 10))
    finally:
        iterator.close()
    assert errors.raised_here(error.value)


def test_a_run_without_the_bad_file_goes_on_without_it_or_not_at_all(
    images: pathlib.Path, tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        train(_config(images, skip_bad=1), tmp_path / "run")
    assert "1 file is left out (data.skip_bad=1)" in caplog.text and "broken.png" in caplog.text
    meta = checkpoints.read_meta(checkpoints.find(tmp_path / "run"))
    assert meta["pictures"] == "4 pictures, without broken.png"
    train(_config(images, skip_bad=1, steps=2), tmp_path / "run")
    assert checkpoints.find(tmp_path / "run").name == "2"
    # Mended, it would be among the pictures, and all would come in another order.
    (images / "broken.png").write_bytes((images / "coffee.png").read_bytes())
    with pytest.raises(ValueError, match="cannot be resumed") as error:
        train(_config(images, skip_bad=1, steps=3), tmp_path / "run")
    assert "data.train: started with 4 pictures, without broken.png, now 5 pictures" in str(error.value)


def test_weights_of_another_width_name_their_file(images: pathlib.Path, tmp_path: pathlib.Path) -> None:
    train(_config(images, skip_bad=1), tmp_path / "run")
    config = _config(images, skip_bad=1)
    config.task.features = 8
    config.checkpoint.init_from = (str(tmp_path / "run"),)
    expected = r"the weights of .*run/checkpoints/1 have other shapes; are the options of config\.task"
    with pytest.raises(ValueError, match=expected):
        train(config, tmp_path / "other")
