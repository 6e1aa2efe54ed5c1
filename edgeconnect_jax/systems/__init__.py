"""Systems, one folder each, and how a command finds one: by name, part by part, imported when it is first used.

Only commands and the package's `__init__` import this module. They hand the parts down; shared code never looks a
system up.
"""

import functools
import importlib
import importlib.util
import pathlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeconnect_jax.configuration.rules import Rules
    from edgeconnect_jax.configuration.types import Config
    from edgeconnect_jax.data.reader import Reader
    from edgeconnect_jax.evaluation.definitions import Evaluation
    from edgeconnect_jax.models.network import Network
    from edgeconnect_jax.serving.page import Page
    from edgeconnect_jax.tasks.task import Task

DEFAULT = "edgeconnect"  # of checkpoints that do not name their system, and of commands without --system

# Part of a system -> (module in its folder, name there).
_PARTS = {
    "rules": ("rules", "RULES"),
    "reader": ("data", "READER"),
    "tasks": ("tasks", "TASKS"),
    "networks": ("networks", "NETWORKS"),
    "published": ("importer", "PUBLISHED"),
    "files": ("files", "FILES"),
    "evaluation": ("evaluation", "EVALUATION"),
    "page": ("editor.page", "PAGE"),
}


class System:
    """The parts of a system, each imported when it is first used: no command waits for parts that it does not use.

    Attributes:
        name: of its folder.
        rules: of its options. Without JAX.
        reader: of its data. Without JAX.
        tasks: stage of training -> (configuration) -> what it trains.
        networks: name -> network.
        published: `importers.published.Published`s, the formats of released weights.
        files: `inference.folder.Files`, what its command and train.mode="test" read and write.
        evaluation: `evaluation.definitions.Evaluation`.
        page: what it brings to the service; None where it has no folder `editor`.
    """

    rules: "Rules"
    reader: "Reader"
    tasks: "Mapping[str, Callable[[Config], Task]]"
    networks: "Mapping[str, Network]"
    published: Any
    files: Any
    evaluation: "Evaluation"
    page: "Page | None"

    def __init__(self, name: str):
        """`name` is one of `names()`; see `load`."""
        self.name = name

    def __getattr__(self, part: str) -> Any:
        if part not in _PARTS:
            raise AttributeError(f"a system has no part {part!r}")
        value = self._import(part)
        setattr(self, part, value)
        return value

    def _import(self, part: str) -> Any:
        module, name = _PARTS[part]
        folder = f"{__name__}.{self.name}"
        if importlib.util.find_spec(f"{folder}.{module.split('.')[0]}") is None:
            if part == "page":
                return None
            raise ValueError(f"the system {self.name!r} has no {part}")
        return getattr(importlib.import_module(f"{folder}.{module}"), name)


def names() -> tuple[str, ...]:
    """The systems that exist: the packages in this one, wherever its search path leads."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg))


@functools.cache
def load(name: str) -> System:
    """A system by its name.

    Raises:
        ValueError: there is no such system; lists those that exist.
    """
    if name not in names():
        raise ValueError(f"unknown system {name!r}: choose one of {', '.join(names())}")
    return System(name)


def of_checkpoints(paths: Iterable[str | pathlib.Path]) -> Mapping[str, list[pathlib.Path]]:
    """System -> its checkpoints, by the name that each stores; DEFAULT for one that stores none.

    Args:
        paths: checkpoints or workdirs. Systems come in the order of their first checkpoints.

    Raises:
        ValueError: a path is no checkpoint, or one of a system that does not exist.
    """
    from edgeconnect_jax.checkpoints import folders

    found: dict[str, list[pathlib.Path]] = {}
    for path in paths:
        name = folders.read_meta(folders.find(path)).get("system", DEFAULT)
        if name not in names():
            raise ValueError(f"{path}: a checkpoint of the unknown system {name!r}; there are {', '.join(names())}")
        found.setdefault(name, []).append(pathlib.Path(path))
    return found
