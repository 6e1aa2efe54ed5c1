"""Checks configurations before any work and splits them into stages.

Commands, data workers and configs import it; JAX is not imported.
"""

import copy
from collections.abc import Iterable
from typing import Any

from ml_collections import ConfigDict

from edgeconnect_jax.configuration.rules import Rules, absent
from edgeconnect_jax.configuration.rules import problems as problems_of
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data.reader import Reader


def validate(config: Config, rules: Rules, reader: Reader) -> None:
    """Checks every option of every stage before reading data or building networks.

    Args:
        config: a configuration derived from the default one of its system.
        rules: of its system.
        reader: of its system.

    Raises:
        ValueError: names every invalid option, with the remedy.
    """
    stages, problems = _expand(config)
    trained: frozenset[str] = frozenset()
    for name, stage in stages:
        prefix = f"stage {name!r}: " if name else ""
        if missing := absent(stage, rules):
            problems.append(f"{prefix}{', '.join(missing)} missing: start from the default configuration of the system")
            continue
        problems += [prefix + problem for problem in problems_of(stage, rules, reader, trained)]
        trained |= rules.trains(stage)
    _raise_all(problems)


def stage_configs(config: Config) -> list[tuple[str, Config]]:
    """The stages of a configuration in the order in which they run: (name, configuration of the stage).

    Each is a locked copy of `config` with the stage's options set and `stages` emptied. A configuration
    without stages is one stage named "".

    Raises:
        ValueError: names every invalid stage and option.
    """
    stages, problems = _expand(config)
    _raise_all(problems)
    return stages


def choose(config: Config, name: str) -> Config:
    """The configuration of the stage `name`, to be run alone; for "", `config` with all of its stages.

    Raises:
        ValueError: there is no such stage; lists the existing ones.
    """
    if not name:
        return config
    stages = dict(stage_configs(config))
    if name not in stages:
        raise ValueError(f"unknown stage {name!r}: choose one of {', '.join(stages)}, or none to run all of them")
    return stages[name]


def prefer(config: Config, options: Iterable[str]) -> None:
    """Applies the values of `options` in `config` to every stage, overriding those of the stages.

    Args:
        config: changed in place.
        options: the options given on the command line, as "group.option".

    Raises:
        ValueError: task.name is among them although the stages set it; all stages would be the same.
    """
    options = set(options)
    if "task.name" in options and any("task.name" in stage for _, stage in config.stages):
        names = ", ".join(name for name, _ in config.stages)
        raise ValueError(
            f"task.name={config.task.name!r} was given for a run of several stages ({names}), each of which sets its "
            "own; to run one stage, append its name as in --config FILE.py:STAGE, or add --config.stages='()'"
        )
    config.stages = tuple(
        (name, {option: value for option, value in stage.items() if option not in options})
        for name, stage in config.stages
    )


def to_dict(config: Config) -> dict[str, Any]:
    """Converts a configuration to JSON-serializable values; tuples become lists."""
    return _map_sequences(config.to_dict(), list)


def from_dict(values: dict[str, Any]) -> Config:
    """Restores a locked configuration from `to_dict`, also after a round trip through JSON; lists become tuples."""
    return ConfigDict(_map_sequences(values, tuple)).lock()


def _map_sequences(value: Any, kind: type) -> Any:
    if isinstance(value, dict):
        return {key: _map_sequences(item, kind) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return kind(_map_sequences(item, kind) for item in value)
    return value


def _raise_all(problems: list[str]) -> None:
    if problems:
        raise ValueError("the configuration is invalid:\n" + "\n".join(f"  - {problem}" for problem in problems))


def _expand(config: Config) -> tuple[list[tuple[str, Config]], list[str]]:
    """The stages, and the problems of their names and options."""
    if not config.stages:
        return [("", _copy(config))], []
    problems = _name_problems([name for name, _ in config.stages])
    stages = []
    for name, options in config.stages:
        stage = _copy(config)
        stage.stages = ()
        for option, value in options.items():
            problems += [f"stage {name!r}: {problem}" for problem in _set(stage, option, value)]
        stages.append((name, stage))
    return stages, problems


def _copy(config: Config) -> Config:
    return copy.deepcopy(config).lock()


def _name_problems(names: list[str]) -> list[str]:
    """Stage names become folders of the workdir."""
    problems = [
        f"stages: {name!r} cannot name a folder; use letters, digits, _ and -"
        for name in names
        if not name.replace("_", "").replace("-", "").isalnum()
    ]
    repeated = sorted({name for name in names if names.count(name) > 1})
    return problems + [f"stages: {name!r} occurs more than once; give each stage a unique name" for name in repeated]


def _set(config: Config, option: str, value: Any) -> list[str]:
    """Sets "group.option" in place; returns the problem if that is not possible."""
    *groups, last = option.split(".")
    target: Any = config
    for group in groups:
        target = target.get(group) if isinstance(target, ConfigDict) else None
    known = isinstance(target, ConfigDict) and last in target and option not in ("stages", "system")
    if not known or isinstance(target[last], ConfigDict):
        return [f"unknown option {option!r}; configs/default.py and configs/SYSTEM/default.py list all options"]
    try:
        target[last] = value
    except TypeError:
        return [f"{option}={value!r} has the wrong type; the option takes values like {target[last]!r}"]
    return []
