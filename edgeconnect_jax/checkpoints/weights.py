"""Checkpoints, in one format for training, conversion and inference.

A folder of checkpoints holds one folder a step, and each of these the items

    variables   network -> {"params": ..., collection: ...}
    average     the same for the moving averages, where the run keeps them
    training    what else the state holds: optimisers, step, random key, ...
    data        position of the data iterator
    meta        JSON: format, step, networks and their sizes, the configuration, hashes of frozen weights

and `checksums.json`, written last: what is read is held against it, and a checkpoint without it is not complete.
A converted checkpoint has `variables` and `meta` only. The first version wrote no checksums, and said so by having no
`checksums` in `meta`; those are read as they are.

Orbax is imported where it is needed: reading networks, all that inference does, goes without it.
"""

import contextlib
import hashlib
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import logging
from flax import traverse_util

from edgeconnect_jax.checkpoints import stored_arrays
from edgeconnect_jax.checkpoints.folders import (
    AVERAGE,
    CHECKSUMS,
    FORMAT,
    META,
    VARIABLES,
    PathLike,
    find,
    read_meta,
    verified,
)
from edgeconnect_jax.checkpoints.manager import open_manager

_SIZES_HINT = "are task.features and task.residual_blocks those of the checkpoint?"

Tree = Any


class Weights(NamedTuple):
    """Networks read from checkpoints.

    Attributes:
        networks: network -> variables, as NumPy arrays.
        meta: network -> its sizes.
        config: the configuration of the run that wrote the last checkpoint; empty for a converted one.
        origins: network -> the checkpoint it came from.
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
    paths: PathLike | Sequence[PathLike], networks: Sequence[str] = (), *, average: bool = True
) -> Weights:
    """Reads the weights of networks from one or more checkpoints.

    Args:
        paths: as for `find`; where several hold a network, the last counts.
        networks: which must be there; empty = all that are.
        average: prefer the moving average of a network where there is one.

    Raises:
        ValueError: a path is no checkpoint, or a network is in none of them.
        DamagedError: what is read is not what was written.
    """
    paths = [paths] if isinstance(paths, (str, pathlib.Path)) else list(paths)
    found, meta, config, origins, steps, averaged = {}, {}, {}, {}, {}, frozenset()
    for checkpoint in map(find, paths):
        with verified(checkpoint, (META, VARIABLES, AVERAGE) if average else (META, VARIABLES)):
            about = read_meta(checkpoint)
            trees = read_arrays(checkpoint / VARIABLES)
            averages = read_arrays(checkpoint / AVERAGE) if average and (checkpoint / AVERAGE).is_dir() else {}
        sizes, config = about["networks"], about.get("config", {})
        averaged = averaged - frozenset(trees) | frozenset(averages)
        found |= {name: tree for name, tree in (trees | averages).items() if name in networks or not networks}
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


def read_arrays(item: pathlib.Path) -> dict[str, Tree]:
    """The arrays of an item (`variables`, `average`, `training`) in host memory, wherever they lay when saved."""
    tree = stored_arrays.read_tree(item)
    if tree is not None:
        return tree
    import orbax.checkpoint as ocp

    with _quiet(), ocp.PyTreeCheckpointer() as reader:
        stored = reader.metadata(item).item_metadata.tree
        as_numpy = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), stored)
        return reader.restore(item, restore_args=as_numpy)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without Orbax's warning that an item read by itself has no metadata of the whole checkpoint."""
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def save_weights(
    path: PathLike,
    networks: Mapping[str, Mapping[str, Tree]],
    architecture: Mapping[str, Mapping[str, int]],
    step: int = 0,
    steps: Mapping[str, int] | None = None,
    *,
    system: str = "",
) -> None:
    """Writes a checkpoint of weights alone, as a converter does: `path`/`step`, whole or not at all.

    Args:
        path: folder of checkpoints, may be new.
        networks: network -> variables.
        architecture: network -> its sizes, what `load_weights` returns as `meta`.
        step: the number it is given.
        steps: network -> the steps of training that it had, where that is not `step`.
        system: that the networks belong to; empty = the checkpoint names none.
    """
    import orbax.checkpoint as ocp

    with open_manager(pathlib.Path(path).absolute(), lambda: step) as manager:
        meta = {"format": FORMAT, "step": step, "steps": dict(steps or {}), "networks": dict(architecture)}
        meta |= {CHECKSUMS: "sha256"} | ({"system": system} if system else {})
        items = ocp.args.Composite(variables=ocp.args.StandardSave(dict(networks)), meta=ocp.args.JsonSave(meta))
        manager.save(step, args=items)


def check_shapes(name: str, found: Tree, expected: Tree, hint: str = _SIZES_HINT) -> None:
    """Compares arrays with what is expected, such as the variables of one or several networks.

    Args:
        name: what errors call them.
        found: nested dicts of arrays.
        expected: the same of arrays or anything else that has a shape.
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
        raise ValueError(f"the weights of {name} do not fit; {hint}\n  {listed}")


def _shapes(tree: Tree) -> dict[str, tuple[int, ...]]:
    return {"/".join(path): tuple(leaf.shape) for path, leaf in _flat(tree).items()}


def _flat(tree: Tree) -> dict[tuple[str, ...], Any]:
    return traverse_util.flatten_dict(tree)  # pyright: ignore[reportReturnType]


def fingerprint(tree: Tree) -> str:
    """SHA-256 of a tree's names and bytes: what a checkpoint says of frozen weights in their place."""
    digest = hashlib.sha256()
    for path, leaf in sorted(_flat(tree).items()):
        digest.update("/".join(path).encode())
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()
