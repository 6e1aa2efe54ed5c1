"""Every shared rule refuses what it should, by name, for any system; a system's own rules are checked with them."""

import numpy as np
import pytest
from ml_collections import ConfigDict

from edgeconnect_jax.checkpoints.weights import save_weights
from edgeconnect_jax.configuration import rules
from edgeconnect_jax.configuration.rules import COUNT, NOT_NEGATIVE, Rules, joined, lacks
from edgeconnect_jax.configuration.types import Config
from tests.configuration.foreign import RULES, problems, sound_config, validate

SHARED = joined(rules.SHARED, rules.MASKS)


def options_of(config: Config, prefix: str = "") -> dict[str, object]:
    found = {}
    for key, value in config.items():
        nested = isinstance(value, ConfigDict)
        found |= options_of(value, f"{prefix}{key}.") if nested else {prefix + key: value}
    return found


def numbers_in(config: Config) -> set[str]:
    values = options_of(config).items()
    return {option for option, value in values if isinstance(value, int | float) and not isinstance(value, bool)}


def test_a_sound_configuration_passes():
    validate(sound_config())


@pytest.mark.parametrize("option", SHARED.choices)
def test_every_choice_refuses_an_unknown_name(option):
    group, name = option.split(".")
    (problem,) = [p for p in problems(sound_config(**{f"{group}__{name}": "nonsense"})) if "is not one of" in p]
    assert option in problem and "'nonsense'" in problem
    assert all(choice in problem for choice in SHARED.choices[option])


@pytest.mark.parametrize("option", SHARED.ranges)
def test_every_range_refuses_a_number_outside(option):
    config = sound_config()
    *groups, name = option.split(".")
    rules.value_at(config, ".".join(groups))[name] = -3
    assert any(option in problem and "-3" in problem for problem in problems(config))


def test_every_number_has_a_range():
    assert numbers_in(sound_config()) == set(SHARED.ranges) | set(RULES.ranges)


def test_not_a_number_is_no_number():
    assert "optimizer.learning_rate=nan" in problems(sound_config(optimizer__learning_rate=float("nan")))[0]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (dict(data__image_size=0, data__crop="random"), 'data.crop="random"'),
        (dict(data__short_side=300), "data.short_side=300"),
        (dict(data__short_side=100, data__crop="random"), "data.short_side=100"),
        (dict(data__train=""), "data.train is empty"),
        (dict(eval__interval=10), "data.validation is empty"),
        (dict(eval__report=True), "data.validation is empty"),
        (dict(train__mode="eval"), "data.validation is empty"),
        (dict(train__mode="test"), "data.test is empty"),
        (dict(labels__train=""), "labels.train is empty, but training on labels needs label maps"),
        (dict(labels__validation="", data__validation="v"), "labels.validation is empty"),
        (dict(exemplars__train=""), "exemplars.train is empty, but drawing exemplars needs exemplars"),
        (dict(optimizer__schedule="steps"), "optimizer.boundaries is empty"),
        (dict(optimizer__boundaries=(5,)), "optimizer.boundaries=(5,) has no effect"),
        (dict(optimizer__schedule="steps", optimizer__boundaries=(5, 5)), "optimizer.boundaries=(5, 5)"),
        (dict(optimizer__schedule="linear"), "optimizer.decay_end=0 must be greater than optimizer.decay_start=0"),
        (dict(optimizer__decay_end=9), "decay_end=9 have no effect"),
        (dict(optimizer__schedule="plateau"), "eval.interval"),
        (dict(train__devices=(0, 0)), "train.devices=(0, 0)"),
        (dict(train__devices=(-1,)), "train.devices=(-1,)"),
        (dict(task__name="colors"), "needs a trained shaper"),
        (dict(task__width=0), "task.width=0 must be 1 or more"),
    ],
)
def test_conflicting_options_are_refused_by_name(options, expected):
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


def test_every_problem_is_listed_at_once():
    config = sound_config(data__train="", optimizer__beta1=1.0, task__width=0, train__batch_size=0)
    found = "\n".join(problems(config))
    for option in ("data.train", "optimizer.beta1", "task.width", "train.batch_size"):
        assert option in found


def test_options_that_are_absent_are_named():
    config = sound_config().unlock()
    del config.masks.freeform["area"]
    del config["task"]
    (problem,) = problems(config)
    assert problem.startswith("  - task.name, task.width, masks.freeform.area missing: start from")


def test_a_prepared_set_brings_the_files_that_belong_to_it(tmp_path):
    config = sound_config(data__train=str(tmp_path), labels__train="", exemplars__train="")
    assert len(problems(config)) == 2
    (tmp_path / "prepared.json").write_text("{}")
    validate(config)


def test_the_files_of_splits_that_are_not_read_are_not_asked_for():
    validate(sound_config(labels__validation=""))
    validate(sound_config(train__mode="eval", data__train="", data__validation="v", labels__train=""))
    validate(sound_config(train__mode="test", data__train="", data__test="t", labels__train="", labels__validation=""))


def test_joined_rules_are_those_of_all_parts():
    first = Rules({"a": ("x",)}, {"n": COUNT}, trains=lambda config: frozenset("p"), fixed=("a",))
    second = Rules({"a": ("y",)}, {"m": NOT_NEGATIVE}, trains=lambda config: frozenset("q"), fixed=("n",))
    both = joined(first, second)
    assert both.choices == {"a": ("y",)} and both.ranges == {"n": COUNT, "m": NOT_NEGATIVE}
    assert both.trains(None) == {"p", "q"} and both.fixed == ("a", "n")


def test_a_checkpoint_that_holds_a_network(tmp_path):
    save_weights(tmp_path / "c", {"features": {"params": {"a": np.zeros(1)}}}, {"features": {}})
    assert lacks(str(tmp_path / "c"), "features") == ""
    assert "no painter among its networks (features)" in lacks(str(tmp_path / "c"), "painter")
    (stored,) = (tmp_path / "c").rglob("_METADATA")
    stored.write_text("{")
    assert "corrupted" in lacks(str(tmp_path / "c"), "features")
    assert "no such checkpoint" in lacks(str(tmp_path / "nothing"), "features")
