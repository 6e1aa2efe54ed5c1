"""Every rule refuses what it should, all at once; stages expand; JSON brings back the same."""

import json
import subprocess
import sys

import numpy as np
import pytest
from ml_collections import ConfigDict

from configs import default
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.configuration import rules
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.configuration.types import Config


def sound_config(**options) -> Config:
    """A configuration without a problem, with `options` ("group__name") set."""
    config = default.get_config()
    config.data.train = "photographs"
    for option, value in options.items():
        group, name = option.split("__")
        config[group][name] = value
    return config


def problems(config: Config) -> list[str]:
    with pytest.raises(ValueError, match="cannot be run") as error:
        configuration.validate(config)
    return str(error.value).splitlines()[1:]


def options_of(config: Config, prefix: str = "") -> dict[str, object]:
    found = {}
    for key, value in config.items():
        nested = isinstance(value, ConfigDict)
        found |= options_of(value, f"{prefix}{key}.") if nested else {prefix + key: value}
    return found


def test_a_sound_configuration_passes():
    configuration.validate(sound_config())
    configuration.validate(sound_config(task__name="inpaint", losses__vgg_weights="random"))


@pytest.mark.parametrize("option", rules.CHOICES)
def test_every_choice_refuses_an_unknown_name(option):
    group, name = option.split(".")
    (problem,) = [p for p in problems(sound_config(**{f"{group}__{name}": "nonsense"})) if "is none of" in p]
    assert option in problem and "'nonsense'" in problem
    assert all(choice in problem for choice in rules.CHOICES[option])


@pytest.mark.parametrize("option", rules.RANGES)
def test_every_range_refuses_a_number_outside(option):
    config = sound_config()
    *groups, name = option.split(".")
    group = config
    for key in groups:
        group = group[key]
    group[name] = -3
    assert any(option in problem and "-3" in problem for problem in problems(config))


def test_every_number_has_a_range():
    numbers = {
        option
        for option, value in options_of(default.get_config()).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    # Checked by a rule of its own: a multiple of four.
    assert numbers - {"data.image_size"} == set(rules.RANGES)


def test_not_a_number_is_no_number():
    assert "optimizer.learning_rate=nan" in problems(sound_config(optimizer__learning_rate=float("nan")))[0]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (dict(data__image_size=30), "data.image_size=30"),
        (dict(data__image_size=20), "data.image_size=20"),
        (dict(data__image_size=0, data__crop="random"), 'data.crop="random"'),
        (dict(data__short_side=300), "data.short_side=300"),
        (dict(data__short_side=100, data__crop="random"), "data.short_side=100"),
        (dict(data__image_size=0, losses__pool_size=50), "losses.pool_size=50"),
        (dict(data__train=""), "data.train is empty"),
        (dict(eval__interval=10), "data.validation is empty"),
        (dict(eval__report=True, data__validation="v"), "eval.report=True"),
        (dict(eval__report=True, task__name="joint", losses__vgg_weights="random"), "data.validation is empty"),
        (dict(train__mode="eval"), "data.validation is empty"),
        (dict(train__mode="test", masks__test="holes"), "data.test is empty"),
        (dict(train__mode="test", data__test="photographs"), "masks.test is empty"),
        (dict(masks__kind="external"), "masks.train is empty"),
        (dict(masks__kind="paired"), "masks.train is empty"),
        (
            dict(masks__kind="external_block", masks__train="holes", data__validation="v"),
            "masks.validation is empty",
        ),
        (dict(edges__source="external"), "edges.train is empty"),
        (dict(edges__source="external", edges__train="e", data__validation="v"), "edges.validation is empty"),
        (dict(edges__nms=True), "edges.nms=True"),
        (dict(optimizer__schedule="steps"), "optimizer.boundaries is empty"),
        (dict(optimizer__boundaries=(5,)), "optimizer.boundaries=(5,) has no effect"),
        (dict(optimizer__schedule="steps", optimizer__boundaries=(5, 5)), "optimizer.boundaries=(5, 5)"),
        (dict(optimizer__schedule="plateau"), "eval.interval"),
        (dict(task__name="inpaint"), "losses.vgg_weights is empty"),
        (dict(task__name="joint", losses__vgg_weights="no/such/file"), "losses.vgg_weights='no/such/file'"),
        (dict(task__name="edge_inpaint", losses__vgg_weights="random"), "checkpoint.init_from"),
        (dict(train__mode="test", data__test="tfds:a", masks__test="holes"), "data.test='tfds:a'"),
        (dict(train__mode="test", data__test="p", masks__test="skimage:train"), "masks.test='skimage:train'"),
        (dict(train__devices=(0, 0)), "train.devices=(0, 0)"),
        (dict(train__devices=(-1,)), "train.devices=(-1,)"),
    ],
)
def test_what_does_not_fit_together_is_refused_by_name(options, expected):
    (problem,) = problems(sound_config(**options))
    assert expected in problem


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("strokes", (0, 2)),
        ("vertices", (1, 2)),
        ("length", (0.5, 0.1)),
        ("width", (0.0, 0.1)),
        ("area", (0.1, 1.5)),
    ],
)
def test_pairs_to_draw_from_are_ordered_and_in_range(option, value):
    config = sound_config()
    config.masks.freeform[option] = value
    (problem,) = problems(config)
    assert f"masks.freeform.{option}" in problem


def test_all_generator_losses_at_zero():
    config = sound_config(task__name="inpaint")
    config.losses.update(l1=0, style=0, content=0, adversarial=0)
    (problem,) = problems(config)
    assert "nothing would be learned" in problem


def test_vgg_is_not_needed_without_its_losses_or_outside_training():
    config = sound_config(task__name="inpaint", losses__style=0, losses__content=0)
    configuration.validate(config)
    configuration.validate(sound_config(task__name="inpaint", train__mode="eval", data__validation="v"))


def test_every_problem_is_listed_at_once():
    config = sound_config(data__train="", data__image_size=30, losses__gan="wgan", train__batch_size=0)
    found = "\n".join(problems(config))
    for option in ("data.train", "data.image_size", "losses.gan", "train.batch_size"):
        assert option in found


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
        ("second", {"task.name": "inpaint", "data.image_size": 64}),
    )
    (first_name, first), (second_name, second) = configuration.stage_configs(config)
    assert (first_name, second_name) == ("first", "second")
    assert (first.train.steps, first.task.name, first.data.image_size) == (5, "edge", 256)
    assert (second.train.steps, second.task.name, second.data.image_size) == (2_000_000, "inpaint", 64)
    assert first.train.batch_size == second.train.batch_size == 3
    assert first.stages == second.stages == ()


def test_stages_name_every_unknown_option_and_wrong_type():
    config = sound_config()
    config.stages = (
        ("a", {"train.stepz": 5, "optimiser.beta1": 0.5}),
        ("b", {"train.steps": "many", "data": 1, "stages": ()}),
    )
    with pytest.raises(ValueError) as error:
        configuration.stage_configs(config)
    lines = str(error.value).splitlines()[1:]
    assert len(lines) == 5
    for option in ("train.stepz", "optimiser.beta1", "train.steps='many'", "'data'", "'stages'"):
        assert any(option in line for line in lines), option


@pytest.mark.parametrize("names", [("edge", "edge"), ("a/b",), ("",), ("..",)])
def test_stage_names_must_be_different_folders(names):
    config = sound_config()
    config.stages = tuple((name, {}) for name in names)
    with pytest.raises(ValueError, match="stages: "):
        configuration.validate(config)


def test_validate_looks_into_every_stage():
    config = sound_config(losses__vgg_weights="random")
    config.stages = (("edges", {"train.steps": 0}), ("colours", {"task.name": "inpaint", "losses.l1": -1.0}))
    found = problems(config)
    assert "stage 'edges': train.steps=0" in found[0]
    assert "stage 'colours': losses.l1=-1.0" in found[1]


def test_the_frozen_edge_generator_may_come_from_an_earlier_stage():
    config = sound_config(losses__vgg_weights="random")
    last = ("last", {"task.name": "edge_inpaint"})
    config.stages = (("first", {"task.name": "edge"}), last)
    configuration.validate(config)
    config.stages = (("first", {"task.name": "inpaint"}), last)
    assert "checkpoint.init_from" in problems(config)[0]
    config.checkpoint.init_from = ("runs/edge",)
    configuration.validate(config)


def test_a_configuration_survives_json():
    config = sound_config(train__devices=(0, 1), checkpoint__init_from=("a", "b"))
    config.stages = (("a", {"optimizer.boundaries": (1, 2)}),)
    restored = configuration.from_dict(json.loads(json.dumps(configuration.to_dict(config))))
    assert restored == config
    assert restored.train.devices == (0, 1)
    assert restored.stages == config.stages
    assert restored.is_locked


def test_configuration_does_not_import_jax():
    code = "import edgeconnect_jax.configuration.stages, sys; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_prepared_set_brings_its_own_masks_and_edges(tmp_path):
    config = sound_config(data__train=str(tmp_path), masks__kind="external", edges__source="external")
    assert len(problems(config)) == 2
    (tmp_path / "prepared.json").write_text("{}")
    configuration.validate(config)


def test_a_prepared_set_cannot_be_filled(tmp_path):
    (tmp_path / "prepared.json").write_text("{}")
    config = sound_config(train__mode="test", data__test=str(tmp_path), masks__test="holes")
    (problem,) = problems(config)
    assert f"data.test={str(tmp_path)!r}" in problem and "a folder or a file list" in problem


@pytest.mark.parametrize("kind", ["a file of PyTorch", "another network"])
def test_vgg_weights_must_be_a_checkpoint_that_holds_them(kind, tmp_path):
    path = tmp_path / "vgg19.pth"
    if kind == "another network":
        checkpoints.save_weights(path, {"edge_generator": {"params": {"a": np.zeros(1)}}}, {})
    else:
        path.write_bytes(b"PK")
    config = sound_config(losses__vgg_weights=str(path))
    config.stages = (("edge", {}), ("colours", {"task.name": "inpaint"}), ("joint", {"task.name": "joint"}))
    found = problems(config)
    assert [problem.strip(" -").split(":")[0] for problem in found] == ["stage 'colours'", "stage 'joint'"]
    for text in (f"losses.vgg_weights={str(path)!r}", '"random"', "scripts/convert_torch_ckpt.py --vgg19", "to 0"):
        assert text in found[0]


def test_a_checkpoint_with_vgg19_is_taken(tmp_path):
    checkpoints.save_weights(tmp_path / "vgg", {"vgg19": {"params": {"a": np.zeros(1)}}}, {})
    configuration.validate(sound_config(task__name="inpaint", losses__vgg_weights=str(tmp_path / "vgg")))


def test_the_command_line_wins_over_the_stages():
    config = sound_config()
    config.stages = (("a", {"train.steps": 5, "train.seed": 1}), ("b", {"task.name": "inpaint", "train.steps": 7}))
    config.train.steps = 3
    configuration.prefer(config, ["train.steps", "masks.freeform.area"])
    assert [(s.train.steps, s.train.seed) for _, s in configuration.stage_configs(config)] == [(3, 1), (3, 10)]
    with pytest.raises(ValueError, match=r"task.name='edge' was given for a run of several stages \(a, b\)"):
        configuration.prefer(config, ["task.name"])
    config.stages = ()
    configuration.prefer(config, ["task.name"])
    assert configuration.stage_configs(config)[0][1].task.name == "edge"
