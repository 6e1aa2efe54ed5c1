"""What can be said about a configuration before any work: is it sound, and which stages does it hold.

Commands, data workers and configs may import it: it does not bring jax.
"""

import copy
from collections.abc import Iterable
from typing import Any

from ml_collections import ConfigDict

from edgeconnect_jax.configuration import rules
from edgeconnect_jax.configuration.types import Config


def validate(config: Config) -> None:
    """Check every option of every stage, before data is read or a network is built.

    Args:
        config: A configuration derived from configs/default.py.

    Raises:
        ValueError: Names every option that is wrong, with the remedy.
    """
    stages, problems = _expand(config)
    edge_generator_trained = False
    for name, stage in stages:
        prefix = f"stage {name!r}: " if name else ""
        found = rules.problems(stage, edge_generator_trained)
        problems += [prefix + problem for problem in found]
        edge_generator_trained |= rules.trains_edges(stage)
    _raise_all(problems)


def stage_configs(config: Config) -> list[tuple[str, Config]]:
    """The stages of a configuration in the order in which they run: (name, its own configuration).

    Each is a locked copy of `config` with the stage's options set and `stages` emptied. A configuration
    without stages is one stage named "".

    Raises:
        ValueError: Names every stage and option that is wrong.
    """
    stages, problems = _expand(config)
    _raise_all(problems)
    return stages


def prefer(config: Config, options: Iterable[str]) -> None:
    """Let the values that `config` has of `options` hold for every stage, whatever the stages set.

    Args:
        config: Changed in place.
        options: "group.option", those that were given on the command line.

    Raises:
        ValueError: task.name is among them and set by stages: all of them would be the same.
    """
    options = set(options)
    if "task.name" in options and any("task.name" in stage for _, stage in config.stages):
        names = ", ".join(name for name, _ in config.stages)
        raise ValueError(
            f"task.name={config.task.name!r} was given for a run of several stages ({names}), each of which has its "
            "own; to run one stage, take the config of that stage alone, or add --config.stages='()'"
        )
    config.stages = tuple(
        (name, {option: value for option, value in stage.items() if option not in options})
        for name, stage in config.stages
    )


def to_dict(config: Config) -> dict[str, Any]:
    """The configuration as plain values that JSON can hold: tuples become lists."""
    return _map_sequences(config.to_dict(), list)


def from_dict(values: dict[str, Any]) -> Config:
    """The configuration, locked, that `to_dict` wrote, also after a way through JSON: lists become tuples."""
    return ConfigDict(_map_sequences(values, tuple)).lock()


def _map_sequences(value: Any, kind: type) -> Any:
    if isinstance(value, dict):
        return {key: _map_sequences(item, kind) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return kind(_map_sequences(item, kind) for item in value)
    return value


def _raise_all(problems: list[str]) -> None:
    if problems:
        raise ValueError("The configuration cannot be run:\n" + "\n".join(f"  - {problem}" for problem in problems))


def _expand(config: Config) -> tuple[list[tuple[str, Config]], list[str]]:
    """The stages, and what is wrong with the list of stages itself."""
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
    return problems + [f"stages: {name!r} is there more than once; give each a name of its own" for name in doubled]


def _set(config: Config, option: str, value: Any) -> list[str]:
    """Set "group.option" in place; what prevented it, if anything."""
    *groups, last = option.split(".")
    target: Any = config
    for group in groups:
        target = target.get(group) if isinstance(target, ConfigDict) else None
    known = isinstance(target, ConfigDict) and last in target and option != "stages"
    if not known or isinstance(target[last], ConfigDict):
        return [f"there is no option {option!r}; configs/default.py lists all of them"]
    try:
        target[last] = value
    except TypeError:
        return [f"{option}={value!r} is of the wrong type; it takes values like {target[last]!r}"]
    return []
