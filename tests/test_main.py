"""main.py as a user runs it: train, measure, fill, and what a wrong call is told."""

import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from absl import flags
from ml_collections import config_flags

from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.images import files
from tests.processes import environment
from tests.synthetic import picture
from tests.systems.edgeconnect.weights import write_checkpoint

ROOT = pathlib.Path(__file__).parents[1]


def run(workdir, *options):
    """Runs main.py with configs/tiny.py; returns its exit status and all that it printed."""
    command = [sys.executable, "main.py", "--config=configs/tiny.py", *options]
    command += [f"--workdir={workdir}"] if workdir else []
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_model_is_trained_and_measured(tmp_path):
    status, output = run(tmp_path)
    assert status == 0, output
    # What is trained, and how fast it goes.
    assert re.search(r"edge_generator:\n\+-+", output) and "Total: " in output
    assert re.search(r"2/2 \[\d\d:\d\d<\d\d:\d\d, +[\d.]+ ?(s/step|step/s)", output)
    for name in ("checkpoints/2", "metrics.jsonl", "samples/00000002.png"):
        assert (tmp_path / name).exists(), name
    status, output = run(tmp_path, "--config.train.mode=eval")
    assert status == 0, output
    assert re.search(rf"{tmp_path}.*edge_f1 [\d.]+", output)


def test_a_test_set_of_lists_is_filled(tmp_path):
    write_checkpoint(tmp_path / "run", ("inpaint_generator",))
    lists = {}
    for kind in ("data", "masks", "edges"):
        (tmp_path / kind).mkdir()
        lists[kind] = tmp_path / f"{kind}.flist"
        lists[kind].write_text("".join(f"{kind}/{seed}.png\n" for seed in (5, 6)))
    for seed in (5, 6):
        image, mask = picture(seed, 32, 40)
        for kind, array in (("data", image), ("masks", mask), ("edges", mask[::-1])):
            files.write_png(tmp_path / kind / f"{seed}.png", array)
    tests = [f"--config.{kind}.test={path}" for kind, path in lists.items()]
    status, output = run(
        *(tmp_path / "run", "--config.train.mode=test", "--config.task.name=inpaint", "--config.edges.source=external"),
        *tests,
    )
    assert status == 0, output
    assert "2 pictures written in" in output
    for seed in (5, 6):
        image, mask = picture(seed, 32, 40)
        result = files.read_rgb8(tmp_path / f"run/results/{seed}.png")
        np.testing.assert_array_equal(result[mask == 0], image[mask == 0])
        assert (result[mask > 0] != image[mask > 0]).any()


def test_an_unknown_option_is_told_with_the_one_that_is_near(tmp_path):
    status, output = run(tmp_path, "--config.trian.steps=1")
    assert status != 0 and not list(tmp_path.iterdir())
    assert 'Did you mean "train" instead of "trian"' in output


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of how ml_collections loads a file
def test_options_of_the_command_line_are_known_by_the_names_that_stages_use(monkeypatch):
    values = flags.FlagValues()
    config_flags.DEFINE_config_file("config", flag_values=values)
    arguments = [f"--config={ROOT / 'configs/demo.py'}", "--config.train.steps=3"]
    arguments += ["--config.masks.freeform.max_turn=1.0"]
    monkeypatch.setattr("sys.argv", ["main.py", *arguments])  # where ml_collections looks for them, too
    values(["main.py", *arguments])
    config = values["config"].value
    given = config_flags.get_override_values(values["config"])
    assert set(given) == {"train.steps", "masks.freeform.max_turn"}
    configuration.prefer(config, given)
    assert {stage.train.steps for _, stage in configuration.stage_configs(config)} == {3}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("configs/celeba_joint.py", "configs/celeba_joint.py is now configs/edgeconnect/celeba.py:joint"),
        (
            "configs/edgeconnect/places2.py:edges",
            "unknown stage 'edges': choose one of edge, inpaint, edge_inpaint, joint",
        ),
        ("configs/no_such.py", "configs/no_such.py: no such config file"),
    ],
)
def test_a_config_that_cannot_be_loaded_ends_the_command_with_one_line(tmp_path, path, expected):
    for given in ([f"--config={path}"], ["--config", path]):
        command = [sys.executable, "main.py", *given, f"--workdir={tmp_path}", "--config.train.steps=3"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        (line,) = (done.stdout + done.stderr).splitlines()
        assert done.returncode == 2 and line.startswith("main.py: error: ") and expected in line


def test_an_invalid_configuration_is_reported_before_any_work(tmp_path):
    status, output = run(tmp_path, "--config.data.train=", "--config.system=edgeconnect")
    assert status == 2 and "Traceback" not in output and not list(tmp_path.iterdir())
    assert output.startswith("main.py: error: the configuration is invalid:\n  - data.train is empty")
    status, output = run(tmp_path, "--config.system=telepathy")
    assert (
        status == 2
        and output == "main.py: error: config.system: unknown system 'telepathy': choose one of edgeconnect\n"
    )
