"""Systems, one folder each, looked up by name; each part is imported on first use.

Only commands and the package's `__init__` import this module. They pass the parts on; shared code never looks up a
system.
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
    from edgeconnect_jax.data.records import ComputedRecords
    from edgeconnect_jax.evaluation.definitions import Evaluation
    from edgeconnect_jax.models.network import Network
    from edgeconnect_jax.serving.page import Page
    from edgeconnect_jax.tasks.task import Task

DEFAULT = "edgeconnect"  # for checkpoints that do not name their system, and for commands without --system

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
    "maps": ("maps", "MAPS"),
}
_OPTIONAL = ("page", "maps")


class System:
    """The parts of a system. Each is imported on first use, so that no command waits for parts it does not need.

    Attributes:
        name: name of the system's folder.
        rules: rules of its options. Without JAX.
        reader: reader of its data. Without JAX.
        tasks: stage of training -> (configuration) -> task.
        networks: name -> network.
        published: formats of released weights, `importers.published.Published`.
        files: `inference.folder.Files`, the files that its command and train.mode="test" read and write.
        evaluation: `evaluation.definitions.Evaluation`.
        page: its page in the service; None if it has no folder `editor`.
        maps: (records, how many may be unusable) -> None: computes the maps that `Reader.needs_maps` announces; None if
            it has no file `maps.py`.
    """

    rules: "Rules"
    reader: "Reader"
    tasks: "Mapping[str, Callable[[Config], Task]]"
    networks: "Mapping[str, Network]"
    published: Any
    files: Any
    evaluation: "Evaluation"
    page: "Page | None"
    maps: "Callable[[ComputedRecords, int], None] | None"

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
        if not _exists(folder, module):
            if part in _OPTIONAL:
                return None
            raise ValueError(f"the system {self.name!r} has no {part}")
        return getattr(importlib.import_module(f"{folder}.{module}"), name)


def _exists(folder: str, module: str) -> bool:
    """Whether a package has a module, whose own package may be missing, too."""
    package, _, _ = module.rpartition(".")
    if package and importlib.util.find_spec(f"{folder}.{package}") is None:
        return False
    return importlib.util.find_spec(f"{folder}.{module}") is not None


def names() -> tuple[str, ...]:
    """The existing systems: all subpackages of this package on its search path."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg))


@functools.cache
def load(name: str, named_by: str = "") -> System:
    """Looks up a system by name.

    Args:
        name: of its folder.
        named_by: where the name comes from, for the message: "--system".

    Raises:
        ValueError: there is no such system; lists the existing ones.
    """
    if name not in names():
        where = f"{named_by}: " if named_by else ""
        raise ValueError(f"{where}unknown system {name!r}: choose one of {', '.join(names())}")
    return System(name)


def of_checkpoints(paths: Iterable[str | pathlib.Path]) -> Mapping[str, list[pathlib.Path]]:
    """System -> its checkpoints, by the name stored in each; DEFAULT if a checkpoint stores none.

    A checkpoint of backbones alone (VGG19, Inception, LPIPS) belongs to no system and joins the first of the others.

    Args:
        paths: checkpoints or workdirs. Systems are in the order of their first checkpoints.

    Raises:
        ValueError: a path is not a checkpoint, or its system does not exist.
    """
    from edgeconnect_jax.checkpoints import folders
    from edgeconnect_jax.models.backbones import BACKBONES

    found: dict[str, list[pathlib.Path]] = {}
    shared: list[pathlib.Path] = []
    for path in paths:
        meta = folders.read_meta(folders.find(path))
        networks = meta["networks"].keys()
        if "system" not in meta and networks and networks <= BACKBONES.keys():
            shared.append(pathlib.Path(path))
            continue
        name = meta.get("system", DEFAULT)
        if name not in names():
            raise ValueError(
                f"{path}: a checkpoint of the unknown system {name!r}; known systems: {', '.join(names())}"
            )
        found.setdefault(name, []).append(pathlib.Path(path))
    if shared:
        found.setdefault(next(iter(found), DEFAULT), []).extend(shared)
    return found
