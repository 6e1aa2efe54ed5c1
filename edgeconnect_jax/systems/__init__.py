"""Systems, one folder each, and how a command finds one: by name, part by part, imported when it is asked for.

Only commands and the package's `__init__` import this. They hand the parts down; shared code never looks a system up.
"""

import functools
import importlib
import importlib.util
import pathlib
import pkgutil
from collections.abc import Iterable, Mapping
from typing import Any

DEFAULT = "edgeconnect"  # of checkpoints that do not name their system, and of commands that are not told one

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
_OPTIONAL = {"page"}  # None for a system without that module's folder


class System:
    """The parts of a system, each imported when it is first used, so that none costs those who do not need it.

    Attributes:
        name: of its folder.
        rules: `configuration.rules.Rules`. Without JAX.
        reader: `data.reader.Reader`. Without JAX.
        tasks: stage of training -> (configuration) -> `tasks.task.Task`.
        networks: name -> `models.network.Network`.
        published: `importers.published.Published`s, the formats of released weights.
        files: `inference.folder.Files`, what its command and train.mode="test" read and write.
        evaluation: `evaluation.definitions.Evaluation`.
        page: `serving.page.Page`, or None where it has none.
    """

    rules: Any
    reader: Any
    tasks: Any
    networks: Any
    published: Any
    files: Any
    evaluation: Any
    page: Any

    def __init__(self, name: str):
        """`name` is one of `names()`; see `load`."""
        self.name = name

    def __getattr__(self, part: str) -> Any:
        if part not in _PARTS:
            raise AttributeError(f"a system has no part {part!r}")
        module, name = _PARTS[part]
        path = f"{__name__}.{self.name}.{module}"
        folder = path.removesuffix(".page")
        is_missing = part in _OPTIONAL and importlib.util.find_spec(folder) is None
        value = None if is_missing else getattr(importlib.import_module(path), name)
        setattr(self, part, value)
        return value


def names() -> tuple[str, ...]:
    """The systems that there are: the packages in this one, wherever its search path leads."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg))


@functools.cache
def load(name: str) -> System:
    """A system by its name.

    Raises:
        ValueError: there is no such system; names those that there are.
    """
    if name not in names():
        raise ValueError(f"unknown system {name!r}: choose one of {', '.join(names())}")
    return System(name)


def of_checkpoints(paths: Iterable[str | pathlib.Path]) -> Mapping[str, list[pathlib.Path]]:
    """System -> its checkpoints, by what each says of itself; DEFAULT for one that says nothing.

    Args:
        paths: checkpoints or workdirs, in the order of their systems' first.

    Raises:
        ValueError: a path is no checkpoint.
    """
    from edgeconnect_jax.checkpoints import folders

    found: dict[str, list[pathlib.Path]] = {}
    for path in paths:
        meta = folders.read_meta(folders.find(path))
        found.setdefault(meta.get("system", DEFAULT), []).append(pathlib.Path(path))
    return found
