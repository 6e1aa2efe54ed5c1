"""What a configuration says before any work: whether it is valid, and which stages it holds.

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
    """Checks every option of every stage, before data is read or a network is built.

    Args:
        config: a configuration derived from the default one of its system.
        rules: of its system.
        reader: of its system.

    Raises:
        ValueError: names every option that is wrong, with the remedy.
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
    """The stages of a configuration in the order in which they run: (name, its own configuration).

    Each is a locked copy of `config` with the stage's options set and `stages` emptied. A configuration
    without stages is one stage named "".

    Raises:
        ValueError: names every stage and option that is wrong.
    """
    stages, problems = _expand(config)
    _raise_all(problems)
    return stages


def choose(config: Config, name: str) -> Config:
    """The configuration of the stage called `name`, to be run by itself; with "", `config` and all of its stages.

    Raises:
        ValueError: there is no such stage; lists those that there are.
    """
    if not name:
        return config
    stages = dict(stage_configs(config))
    if name not in stages:
        raise ValueError(f"unknown stage {name!r}: choose one of {', '.join(stages)}, or none to run all of them")
    return stages[name]


def prefer(config: Config, options: Iterable[str]) -> None:
    """Makes the values that `config` has of `options` apply to every stage, whatever the stages set.

    Args:
        config: changed in place.
        options: "group.option", those that were given on the command line.

    Raises:
        ValueError: task.name is among them and set by stages: all of them would be the same.
    """
    options = set(options)
    if "task.name" in options and any("task.name" in stage for _, stage in config.stages):
        names = ", ".join(name for name, _ in config.stages)
        raise ValueError(
            f"task.name={config.task.name!r} was given for a run of several stages ({names}), each of which has its "
            "own; to run one stage, name it after the path, as in --config FILE.py:STAGE, or add --config.stages='()'"
        )
    config.stages = tuple(
        (name, {option: value for option, value in stage.items() if option not in options})
        for name, stage in config.stages
    )


def to_dict(config: Config) -> dict[str, Any]:
    """The configuration as plain values that JSON can hold: tuples become lists."""
    return _map_sequences(config.to_dict(), list)


def from_dict(values: dict[str, Any]) -> Config:
    """The configuration, locked, that `to_dict` returned, also after it was stored as JSON: lists become tuples."""
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
    """The stages, and what is wrong with their names and options."""
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
    doubled = sorted({name for name in names if names.count(name) > 1})
    return problems + [f"stages: {name!r} occurs more than once; give each stage a name of its own" for name in doubled]


def _set(config: Config, option: str, value: Any) -> list[str]:
    """Sets "group.option" in place; returns what prevented it, if anything."""
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
        return [f"{option}={value!r} is of the wrong type; it takes values like {target[last]!r}"]
    return []
