"""Stages expand, are checked one by one, and are chosen by name; JSON brings back the same configuration."""

import json

import pytest

from edgeconnect_jax.configuration import stages as configuration
from tests.configuration.foreign import problems, sound_config, validate


def test_one_stage_is_a_copy_without_a_name():
    config = sound_config()
    ((name, stage),) = configuration.stage_configs(config)
    assert name == ""
    stage.train.steps = 3
    assert config.train.steps == 2_000_000
    with pytest.raises(AttributeError):
        stage.no_such_group = 1


def test_stages_set_their_options_on_top_of_the_shared_ones():
    config = sound_config(train__batch_size=3)
    config.stages = (
        ("first", {"train.steps": 5}),
        ("second", {"task.name": "colors", "data.image_size": 64}),
    )
    (first_name, first), (second_name, second) = configuration.stage_configs(config)
    assert (first_name, second_name) == ("first", "second")
    assert (first.train.steps, first.task.name, first.data.image_size) == (5, "shapes", 256)
    assert (second.train.steps, second.task.name, second.data.image_size) == (2_000_000, "colors", 64)
    assert first.train.batch_size == second.train.batch_size == 3
    assert first.stages == second.stages == ()


def test_stages_name_every_unknown_option_and_wrong_type():
    config = sound_config()
    config.stages = (
        ("a", {"train.stepz": 5, "optimiser.beta1": 0.5}),
        ("b", {"train.steps": "many", "data": 1, "stages": (), "system": "other"}),
    )
    with pytest.raises(ValueError) as error:
        configuration.stage_configs(config)
    lines = str(error.value).splitlines()[1:]
    assert len(lines) == 6
    for option in ("train.stepz", "optimiser.beta1", "train.steps='many'", "'data'", "'stages'", "'system'"):
        assert any(option in line for line in lines), option


@pytest.mark.parametrize("names", [("edge", "edge"), ("a/b",), ("",), ("..",)])
def test_stage_names_must_be_different_folders(names):
    config = sound_config()
    config.stages = tuple((name, {}) for name in names)
    with pytest.raises(ValueError, match="stages: "):
        validate(config)


def test_validate_looks_into_every_stage():
    config = sound_config()
    config.stages = (("a", {"train.steps": 0}), ("b", {"task.name": "colors", "eval.repeats": -1}))
    found = problems(config)
    assert "stage 'a': train.steps=0" in found[0]
    assert "stage 'b': eval.repeats=-1" in found[1]


def test_rules_see_which_networks_earlier_stages_train():
    config, last = sound_config(), ("last", {"task.name": "colors"})
    config.stages = (("first", {"task.name": "shapes"}), last)
    validate(config)
    config.stages = (last, ("first", {"task.name": "shapes"}))
    assert "stage 'last': task.name=\"colors\" needs a trained shaper" in problems(config)[0]
    config.checkpoint.init_from = ("runs/shapes",)
    validate(config)


def test_a_stage_is_chosen_by_name():
    config = sound_config()
    config.stages = (("first", {"train.steps": 5}), ("second", {"task.name": "colors"}))
    assert configuration.choose(config, "") is config
    assert configuration.choose(config, "first").train.steps == 5
    assert configuration.choose(config, "second") == configuration.stage_configs(config)[1][1]
    with pytest.raises(ValueError, match="unknown stage 'third': choose one of first, second"):
        configuration.choose(config, "third")


def test_a_configuration_survives_json():
    config = sound_config(train__devices=(0, 1), checkpoint__init_from=("a", "b"))
    config.stages = (("a", {"optimizer.boundaries": (1, 2)}),)
    restored = configuration.from_dict(json.loads(json.dumps(configuration.to_dict(config))))
    assert restored == config
    assert restored.train.devices == (0, 1)
    assert restored.stages == config.stages
    assert restored.is_locked


def test_the_command_line_wins_over_the_stages():
    config = sound_config()
    config.stages = (("a", {"train.steps": 5, "train.seed": 1}), ("b", {"task.name": "colors", "train.steps": 7}))
    config.train.steps = 3
    configuration.prefer(config, ["train.steps", "masks.freeform.area"])
    assert [(s.train.steps, s.train.seed) for _, s in configuration.stage_configs(config)] == [(3, 1), (3, 10)]
    with pytest.raises(ValueError, match=r"task.name='shapes' was given for a run of several stages \(a, b\)"):
        configuration.prefer(config, ["task.name"])
    config.stages = ()
    configuration.prefer(config, ["task.name"])
    assert configuration.stage_configs(config)[0][1].task.name == "shapes"
