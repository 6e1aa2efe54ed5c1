"""The rules of EdgeConnect's own options, together with the shared ones, and that they agree with its tasks."""

import numpy as np
import pytest

from configs.edgeconnect import default
from edgeconnect_jax.checkpoints.weights import save_weights
from edgeconnect_jax.configuration import rules, stages
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.systems.edgeconnect.data import READER
from edgeconnect_jax.systems.edgeconnect.rules import RULES, STAGES
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from tests.configuration.test_rules import numbers_in

OWN = {option: names for option, names in RULES.choices.items() if option not in rules.MASKS.choices}


def sound_config(**options) -> Config:
    """A configuration without a problem, with `options` ("group__name") set."""
    config = default.get_config()
    config.data.train = "photographs"
    for option, value in options.items():
        group, name = option.split("__")
        config[group][name] = value
    return config


def validate(config: Config) -> None:
    stages.validate(config, RULES, READER)


def problems(config: Config) -> list[str]:
    with pytest.raises(ValueError, match="the configuration is invalid") as error:
        validate(config)
    return str(error.value).splitlines()[1:]


def test_a_sound_configuration_passes():
    validate(sound_config())
    validate(sound_config(task__name="inpaint", losses__vgg_weights="random"))


@pytest.mark.parametrize("option", OWN)
def test_every_choice_refuses_an_unknown_name(option):
    group, name = option.split(".")
    (problem,) = [p for p in problems(sound_config(**{f"{group}__{name}": "nonsense"})) if "is not one of" in p]
    assert option in problem and all(choice in problem for choice in OWN[option])


@pytest.mark.parametrize("option", sorted(set(RULES.ranges) - set(rules.MASKS.ranges)))
def test_every_range_refuses_a_number_outside(option):
    group, name = option.split(".")
    assert any(option in problem and "-3" in problem for problem in problems(sound_config(**{f"{group}__{name}": -3})))


def test_every_number_has_a_range():
    assert numbers_in(default.get_config()) == set(rules.SHARED.ranges) | set(RULES.ranges)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (dict(data__image_size=30), "data.image_size=30"),
        (dict(data__image_size=20), "data.image_size=20"),
        (dict(data__image_size=0, losses__pool_size=50), "losses.pool_size=50"),
        (dict(eval__report=True, data__validation="v"), "eval.report=True"),
        (dict(eval__report=True, task__name="joint", losses__vgg_weights="random"), "data.validation is empty"),
        (dict(train__mode="test", masks__test="holes"), "data.test is empty"),
        (dict(train__mode="test", data__test="photographs"), "masks.test is empty"),
        (
            dict(train__mode="test", data__test="p", masks__test="holes", edges__source="external"),
            'edges.test is empty, but edges.source="external"',
        ),
        (dict(masks__kind="external"), "masks.train is empty"),
        (dict(masks__kind="paired"), "masks.train is empty"),
        (
            dict(masks__kind="external_block", masks__train="holes", data__validation="v"),
            "masks.validation is empty",
        ),
        (dict(edges__source="external"), "edges.train is empty"),
        (dict(edges__source="external", edges__train="e", data__validation="v"), "edges.validation is empty"),
        (dict(edges__nms=True), "edges.nms=True"),
        (dict(task__name="inpaint"), "losses.vgg_weights is empty"),
        (dict(task__name="inpaint", losses__perceptual="efficientnet_lite0"), "losses.efficientnet_weights is empty"),
        (dict(task__name="inpaint", losses__perceptual="resnet"), "losses.perceptual='resnet'"),
        (dict(task__name="joint", losses__vgg_weights="no/such/file"), "losses.vgg_weights='no/such/file'"),
        (dict(task__name="edge_inpaint", losses__vgg_weights="random"), "checkpoint.init_from"),
        (dict(train__mode="test", data__test="tfds:a", masks__test="holes"), "data.test='tfds:a'"),
        (dict(train__mode="test", data__test="p", masks__test="skimage:train"), "masks.test='skimage:train'"),
    ],
)
def test_conflicting_options_are_refused_by_name(options, expected):
    (problem,) = problems(sound_config(**options))
    assert expected in problem


def test_all_generator_losses_at_zero():
    config = sound_config(task__name="inpaint")
    config.losses.update(l1=0, style=0, content=0, adversarial=0)
    (problem,) = problems(config)
    assert "nothing would be learned" in problem


def test_vgg_is_not_needed_without_its_losses_or_outside_training():
    validate(sound_config(task__name="inpaint", losses__style=0, losses__content=0))
    validate(sound_config(task__name="inpaint", train__mode="eval", data__validation="v"))


def test_every_problem_is_listed_at_once():
    config = sound_config(data__train="", data__image_size=30, losses__gan="wgan", train__batch_size=0)
    found = "\n".join(problems(config))
    for option in ("data.train", "data.image_size", "losses.gan", "train.batch_size"):
        assert option in found


def test_the_frozen_edge_generator_may_come_from_an_earlier_stage():
    config, last = sound_config(losses__vgg_weights="random"), ("last", {"task.name": "edge_inpaint"})
    config.stages = (("first", {"task.name": "edge"}), last)
    validate(config)
    config.stages = (("first", {"task.name": "inpaint"}), last)
    assert "checkpoint.init_from" in problems(config)[0]
    config.checkpoint.init_from = ("runs/edge",)
    validate(config)


def test_a_prepared_set_brings_its_own_masks_and_edges(tmp_path):
    config = sound_config(data__train=str(tmp_path), masks__kind="external", edges__source="external")
    assert len(problems(config)) == 2
    (tmp_path / "prepared.json").write_text("{}")
    validate(config)


def test_a_prepared_set_cannot_be_filled(tmp_path):
    (tmp_path / "prepared.json").write_text("{}")
    (problem,) = problems(sound_config(train__mode="test", data__test=str(tmp_path), masks__test="holes"))
    assert f"data.test={str(tmp_path)!r}" in problem and "a folder or a file list" in problem


@pytest.mark.parametrize("kind", ["a file of PyTorch", "another network"])
def test_vgg_weights_must_be_a_checkpoint_that_holds_them(kind, tmp_path):
    path = tmp_path / "vgg19.pth"
    if kind == "another network":
        save_weights(path, {"edge_generator": {"params": {"a": np.zeros(1)}}}, {"edge_generator": {}})
    else:
        path.write_bytes(b"PK")
    config = sound_config(losses__vgg_weights=str(path))
    config.stages = (("edge", {}), ("colours", {"task.name": "inpaint"}), ("joint", {"task.name": "joint"}))
    found = problems(config)
    assert [problem.strip(" -").split(":")[0] for problem in found] == ["stage 'colours'", "stage 'joint'"]
    for text in (f"losses.vgg_weights={str(path)!r}", '"random"', "scripts/convert_torch_ckpt.py --vgg19", "to 0"):
        assert text in found[0]


def test_a_checkpoint_with_the_network_of_the_losses_is_taken(tmp_path):
    networks = ("vgg19", "efficientnet_lite0")
    save_weights(tmp_path / "both", {n: {"params": {"a": np.zeros(1)}} for n in networks}, {n: {} for n in networks})
    path = str(tmp_path / "both")
    validate(sound_config(task__name="inpaint", losses__vgg_weights=path))
    validate(
        sound_config(task__name="inpaint", losses__perceptual="efficientnet_lite0", losses__efficientnet_weights=path)
    )


@pytest.mark.parametrize("with_d1", [True, False])
@pytest.mark.parametrize("name", STAGES)
def test_rules_know_the_stages_and_the_networks_that_each_trains(name, with_d1):
    assert tuple(TASKS) == STAGES
    config = sound_config(task__name=name, task__edge_discriminator=with_d1, losses__vgg_weights="random")
    assert RULES.trains(config) == set(TASKS[name](config).players)


def test_what_a_resumed_run_must_keep_are_options():
    for option in RULES.fixed:
        assert rules.value_at(default.get_config(), option) is not None
