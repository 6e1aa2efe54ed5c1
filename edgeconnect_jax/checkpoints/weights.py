"""Checkpoints, in one format for training, conversion and inference.

A folder of checkpoints holds one folder a step, and each of these the items

    variables   network -> {"params": ..., collection: ...}
    average     the same for the moving averages, where the run keeps them
    training    the rest of the state: optimizers, step, random key, ...
    data        position of the data iterator
    meta        JSON: format, step, system, networks and their sizes, the configuration, hashes of frozen weights

and `checksums.json`, written last: a checkpoint without it is incomplete, and what is read is compared with it.
A converted checkpoint has only `variables` and `meta`, which says where each network was published. The first version
wrote no checksums and has no `checksums` in `meta`; its checkpoints are read unchecked. Older checkpoints do not name
their system.

Orbax is imported when a checkpoint is read or written, because commands check their options first.
"""

import concurrent.futures
import contextlib
import hashlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import traverse_util

from edgeconnect_jax.checkpoints.folders import (
    AVERAGE,
    CHECKSUMS,
    FORMAT,
    META,
    VARIABLES,
    PathLike,
    corrupted,
    find,
    read_meta,
    verify,
)
from edgeconnect_jax.checkpoints.manager import open_manager, reason

_SIZES_HINT = "are the options of config.task those of the checkpoint?"

Tree = Any


class Weights(NamedTuple):
    """Networks read from checkpoints.

    Attributes:
        networks: network -> variables, as NumPy arrays.
        meta: network -> its sizes.
        config: of the run that wrote the last checkpoint; empty for a converted one.
        origins: network -> the checkpoint that it was read from.
        steps: network -> the steps of training that it had.
        averaged: the networks that are moving averages.
    """

    networks: dict[str, dict[str, Tree]]
    meta: dict[str, Any]
    config: Mapping[str, Any] = {}
    origins: Mapping[str, pathlib.Path] = {}
    steps: Mapping[str, int] = {}
    averaged: frozenset[str] = frozenset()


def load_weights(
    paths: PathLike | Sequence[PathLike],
    networks: Sequence[str] = (),
    *,
    optional: Sequence[str] = (),
    average: bool = True,
    system: str = "",
) -> Weights:
    """Reads the weights of networks from one or more checkpoints.

    Args:
        paths: as of `find`; where several hold a network, the last one counts.
        networks: which are required; empty = all that there are.
        optional: which are read besides, where there are such. A checkpoint of nothing else tells no configuration.
        average: prefer the moving average of a network where there is one.
        system: to which the checkpoints must belong, unless they name none; empty = any.

    Raises:
        ValueError: a path is no checkpoint or one of another system, or none of them holds a network.
        CorruptedError: a checkpoint is corrupted.
    """
    paths = [paths] if isinstance(paths, (str, pathlib.Path)) else list(paths)
    wanted = {*networks, *optional}
    found, meta, config, origins, steps, averaged = {}, {}, {}, {}, {}, frozenset()
    for checkpoint in map(find, paths):
        _verify(checkpoint, (META, VARIABLES, AVERAGE) if average else (META, VARIABLES))
        about = read_meta(checkpoint)
        if system and about.get("system", system) != system:
            raise ValueError(f"{checkpoint}: a checkpoint of the system {about['system']}, not of {system}")
        trees = read_arrays(checkpoint / VARIABLES)
        averages = read_arrays(checkpoint / AVERAGE) if average and (checkpoint / AVERAGE).is_dir() else {}
        sizes = about["networks"]
        config = config if trees and trees.keys() <= set(optional) else about.get("config", {})
        averaged = averaged - frozenset(trees) | frozenset(averages)
        found |= {name: tree for name, tree in (trees | averages).items() if name in wanted or not networks}
        meta |= {name: sizes.get(name, {}) for name in trees}
        origins |= dict.fromkeys(trees, checkpoint)
        steps |= {name: about.get("steps", {}).get(name, about["step"]) for name in trees}
    missing = [name for name in networks if name not in found]
    if missing:
        raise ValueError(
            f"{', '.join(map(str, paths))}: no {' and no '.join(missing)} among the networks there "
            f"({', '.join(meta) or 'none'}); name another stage's checkpoint, or several"
        )
    sizes_of, origin_of, steps_of = ({name: table[name] for name in found} for table in (meta, origins, steps))
    return Weights(found, sizes_of, config, origin_of, steps_of, averaged & found.keys())


def _verify(checkpoint: pathlib.Path, items: Sequence[str]) -> None:
    """Compares items with their checksums before Orbax reads them, as it leaves threads behind when it fails."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        verified = pool.submit(verify, checkpoint, items)
        import orbax.checkpoint  # noqa: F401, meanwhile: it takes about as long

        verified.result()


def read_arrays(item: pathlib.Path) -> dict[str, Tree]:
    """The arrays of an item (`variables`, `average`, `training`) in host memory, wherever they were when saved.

    Args:
        item: a folder of a checkpoint.

    Raises:
        CorruptedError: they cannot be read.
    """
    import orbax.checkpoint as ocp

    # Not a checkpointer, which waits for all processes: this may be called by one of them.
    handler: Any = ocp.PyTreeCheckpointHandler()
    with contextlib.closing(handler):
        try:
            stored = handler.metadata(item).tree
            as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), stored)
            return handler.restore(item, args=ocp.args.PyTreeRestore(restore_args=as_numpy))
        except MemoryError:
            raise
        except Exception as error:  # whatever Orbax and TensorStore raise for corrupted files
            raise corrupted(item, reason(error)) from error


def save_weights(
    path: PathLike,
    networks: Mapping[str, Mapping[str, Tree]],
    architecture: Mapping[str, Mapping[str, Any]],
    step: int = 0,
    steps: Mapping[str, int] | None = None,
    *,
    system: str = "",
    published: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Writes a checkpoint of weights alone, as conversion does: `path`/`step`, whole or not at all.

    Args:
        path: folder of checkpoints, created if it does not exist.
        networks: network -> variables.
        architecture: network -> its sizes, what `load_weights` returns as `meta`.
        step: its number.
        steps: network -> the steps of training that it had, where that is not `step`.
        system: that the networks belong to; empty = the checkpoint names none.
        published: network -> where it was read, for `meta`, in terms of JSON.
    """
    import orbax.checkpoint as ocp

    with open_manager(pathlib.Path(path).absolute(), lambda: step) as manager:
        meta = {"format": FORMAT, "step": step, "steps": dict(steps or {}), "networks": dict(architecture)}
        meta |= {CHECKSUMS: "sha256"} | ({"system": system} if system else {})
        meta |= {"published": dict(published)} if published else {}
        items = ocp.args.Composite(variables=ocp.args.StandardSave(dict(networks)), meta=ocp.args.JsonSave(meta))
        manager.save(step, args=items)


def check_shapes(name: str, found: Tree, expected: Tree, hint: str = _SIZES_HINT) -> None:
    """Compares the shapes of arrays with those expected, such as the variables of one or several networks.

    Args:
        name: what errors call them.
        found: nested dicts of arrays.
        expected: the same of anything that has a shape.
        hint: what errors suggest.

    Raises:
        ValueError: lists every missing, unexpected and misshapen array.
    """
    got, want = _shapes(found), _shapes(expected)
    problems = [f"missing {path} {want[path]}" for path in want if path not in got]
    problems += [f"unexpected {path} {got[path]}" for path in got if path not in want]
    problems += [
        f"{path} is {got[path]}, expected {want[path]}" for path in want if path in got and got[path] != want[path]
    ]
    if problems:
        listed = "\n  ".join(problems)
        raise ValueError(f"the weights of {name} have other shapes; {hint}\n  {listed}")


def _shapes(tree: Tree) -> dict[str, tuple[int, ...]]:
    return {"/".join(path): tuple(leaf.shape) for path, leaf in _flat(tree).items()}


def _flat(tree: Tree) -> dict[tuple[str, ...], Any]:
    return traverse_util.flatten_dict(tree)  # pyright: ignore[reportReturnType]


def fingerprint(tree: Tree) -> str:
    """SHA-256 of a tree's names and bytes, which a checkpoint stores in place of frozen weights."""
    digest = hashlib.sha256()
    for path, leaf in sorted(_flat(tree).items()):
        digest.update("/".join(path).encode())
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()
