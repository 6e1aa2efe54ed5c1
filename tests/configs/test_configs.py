"""Every config loads as main.py loads it, is sound once its data are there, and says how to run it."""

import importlib.util
import inspect
import pathlib
from types import ModuleType

import pytest

from configs import default
from edgeconnect_jax import systems
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.configuration.types import Config

CONFIGS = pathlib.Path(__file__).parents[2] / "configs"
HELPERS = {"default", "original_yaml", "files"}
RUNS = sorted(
    str(path.relative_to(CONFIGS).with_suffix("")) for path in CONFIGS.rglob("*.py") if path.stem not in HELPERS
)


def module(name: str) -> ModuleType:
    """The config's module from its file, as --config loads it."""
    specification = importlib.util.spec_from_file_location("config", CONFIGS / f"{name}.py")
    assert specification and specification.loader
    loaded = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(loaded)
    return loaded


def load(name: str, stage: str = "") -> Config:
    return module(name).get_config(*([stage] if stage else []))


def validate(config: Config) -> None:
    system = systems.load(config.system)
    configuration.validate(config, system.rules, system.reader)


def test_those_that_had_these_paths_before_there_were_systems_keep_them():
    assert {"demo", "tiny", "places2_edge"} <= set(RUNS)


@pytest.mark.parametrize("name", RUNS)
def test_it_is_sound_and_locked(name):
    config = load(name)
    config.losses.vgg_weights = "random"
    validate(config)
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


@pytest.mark.parametrize("name", [name for name in RUNS if load(name).stages])
def test_a_stage_by_itself_is_the_stage_of_the_sequence(name):
    for stage, config in configuration.stage_configs(load(name)):
        assert load(name, stage) == config
    with pytest.raises(ValueError, match="unknown stage 'nonsense': choose one of edge, "):
        load(name, "nonsense")


@pytest.mark.parametrize("system", systems.names())
def test_a_systems_default_holds_the_shared_groups_and_names_the_system(system):
    config, shared = load(f"{system}/default"), default.shared(system)
    assert config.system == system
    for group, options in shared.to_dict().items():
        values = config.to_dict()[group]
        assert values == options or values | options == values, group


def test_configs_written_before_there_were_systems_start_from_the_default_of_edgeconnect():
    config = default.get_config()
    assert config == load("edgeconnect/default")
    config.edges.sigma = 1.0
    config.task.update(features=8)
    assert "stage" not in inspect.signature(default.get_config).parameters


def test_an_option_from_the_command_line_reaches_every_stage():
    config = load("edgeconnect/places2")
    config.train.batch_size = 5
    assert {stage.train.batch_size for _, stage in configuration.stage_configs(config)} == {5}
