"""Every config loads as main.py loads it, is sound once its data are there, and says how to run it."""

import importlib.util
import pathlib
from types import ModuleType

import pytest

from configs import default, places2_paper
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.configuration.types import Config

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"
HELPERS = {"default", "original_yaml", "recipe"}
RUNS = sorted(path.stem for path in CONFIGS.glob("*.py") if path.stem not in HELPERS)
DATA_SETS = ("places2", "celeba", "psv")
STAGES = ("edge", "inpaint", "edge_inpaint", "joint")


def module(name: str) -> ModuleType:
    """The config's module from its file, as --config loads it."""
    specification = importlib.util.spec_from_file_location(name, CONFIGS / f"{name}.py")
    assert specification and specification.loader
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded


def load(name: str) -> Config:
    return module(name).get_config()


def test_all_are_there():
    wanted = {f"{data}_{stage}" for data in DATA_SETS for stage in STAGES}
    assert wanted | set(DATA_SETS) | {"places2_paper"} <= set(RUNS)


@pytest.mark.parametrize("name", RUNS)
def test_it_is_sound_and_locked(name):
    config = load(name)
    config.losses.vgg_weights = "random"
    if config.task.name == "edge_inpaint" and not config.stages:
        config.checkpoint.init_from = ("runs/edge", "runs/inpaint")
    configuration.validate(config)
    with pytest.raises(KeyError, match="learning_rat"):
        config.optimizer["learning_rat"] = 1.0
    with pytest.raises(AttributeError, match="optimiser"):
        config.optimiser = 1


@pytest.mark.parametrize("name", RUNS)
def test_its_docstring_gives_a_command_that_runs_it(name):
    text = module(name).__doc__ or ""
    assert f"python main.py --config configs/{name}.py --workdir " in text
    assert "Data: " in text
    assert "Expect" in text or name == "tiny"


@pytest.mark.parametrize("data", DATA_SETS)
def test_a_stage_by_itself_is_the_stage_of_the_sequence(data):
    stages = configuration.stage_configs(load(data))
    assert [name for name, _ in stages] == list(STAGES)
    for name, stage in stages:
        assert stage.task.name == name
        assert stage == load(f"{data}_{name}")


@pytest.mark.parametrize("data", DATA_SETS)
def test_the_defaults_stand_but_for_the_data(data):
    """A data set chooses its pictures and how often to look at them; everything else is the paper's."""
    config, plain = load(data).to_dict(), default.get_config().to_dict()
    changed = {group for group in plain if config[group] != plain[group]}
    assert changed == {"data", "eval", "stages"}


@pytest.mark.parametrize("name", [f"{data}_inpaint" for data in DATA_SETS])
def test_missing_vgg_weights_are_asked_for(name):
    with pytest.raises(ValueError, match=r"losses\.vgg_weights"):
        configuration.validate(load(name))


def test_an_option_from_the_command_line_reaches_every_stage():
    config = load("places2")
    config.train.batch_size = 5
    assert {stage.train.batch_size for _, stage in configuration.stage_configs(config)} == {5}


def test_the_papers_recipe():
    stages = dict(configuration.stage_configs(places2_paper.get_config()))
    assert list(stages) == ["edge", "inpaint", "joint"]
    for name in ("edge", "inpaint"):
        optimizer = stages[name].optimizer
        assert (optimizer.learning_rate, optimizer.schedule) == (1e-4, "plateau")
        assert optimizer.learning_rate * optimizer.factor == pytest.approx(1e-5)
        assert optimizer.min_scale == pytest.approx(optimizer.factor)
        assert stages[name].eval.interval > 0
    joint = stages["joint"]
    assert (joint.optimizer.learning_rate, joint.optimizer.schedule) == (1e-6, "constant")
    assert joint.task.edge_discriminator is False
    assert {stage.masks.kind for stage in stages.values()} == {"external_block"}
    assert joint.masks.block_height * joint.masks.block_width == pytest.approx(0.25)
