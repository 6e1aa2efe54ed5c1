"""A configuration and rules of a made-up system, "foreign", whose reader is that of tests/data/labelled.py."""

from collections.abc import Iterator

import pytest

from configs import default
from edgeconnect_jax.configuration import stages
from edgeconnect_jax.configuration.rules import COUNT, FITTING, MASKS, Rules, joined
from edgeconnect_jax.configuration.types import Config
from tests.data.labelled import READER


def _needs_shapes(config: Config, trained: frozenset[str]) -> Iterator[str]:
    if config.task.name == "colors" and "shaper" not in trained and not config.checkpoint.init_from:
        yield 'task.name="colors" needs a trained shaper: name its workdir in checkpoint.init_from'


RULES = joined(
    FITTING,
    MASKS,
    Rules(
        choices={"task.name": ("shapes", "colors")},
        ranges={"task.width": COUNT},
        checks=(_needs_shapes,),
        trains=lambda config: frozenset({"shaper"} if config.task.name == "shapes" else {"painter"}),
    ),
)


def sound_config(**options) -> Config:
    """A configuration without a problem, with `options` ("group__name") set."""
    files = dict(train="files", validation="files")
    groups = dict(task=dict(name="shapes", width=4), masks=default.masks(), labels=files, exemplars=files)
    config = default.shared("foreign", **groups)
    config.data.train = "photographs"
    for option, value in options.items():
        group, name = option.split("__")
        config[group][name] = value
    return config


def validate(config: Config) -> None:
    stages.validate(config, RULES, READER)


def problems(config: Config) -> list[str]:
    """The lines in which the configuration is refused."""
    with pytest.raises(ValueError, match="the configuration is invalid") as error:
        validate(config)
    return str(error.value).splitlines()[1:]
