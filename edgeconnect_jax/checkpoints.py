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
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from absl import logging
from flax import traverse_util

from edgeconnect_jax import parallel, stored_arrays
from edgeconnect_jax.checkpoint_files import (
    AVERAGE,
    CHECKSUMS,
    DATA,
    FOLDER,
    FORMAT,
    JSON_FILE,
    META,
    VARIABLES,
    PathLike,
    checkpoints_in,
    find,
    read_meta,
    step_of,
    verified,
)
from edgeconnect_jax.checkpoint_manager import UNFINISHED, open_manager, reason
from edgeconnect_jax.endings import NotSavedError

_GRAIN_FILE = "process_0-of-1.json"  # where version 0.1.0 kept the position
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


class CheckpointStore:
    """The checkpoints of one stage of training."""

    def __init__(self, workdir: PathLike, keep: int, say: Callable[[str], None] = print):
        """Opens `workdir`/checkpoints, in which the newest `keep` checkpoints stay; `say` is told what is saved."""
        from orbax.checkpoint import checkpoint_managers

        self._folder = pathlib.Path(workdir).absolute() / FOLDER
        self._say = say
        self._saving: int | None = None  # the step that is being written
        self._failed: int | None = None  # the one that could not be written last
        self._manager = open_manager(
            self._folder, lambda: self._saving, checkpoint_managers.LatestN(keep), seals=parallel.is_first()
        )

    def latest_step(self) -> int | None:
        """Step of the newest complete checkpoint."""
        return self._manager.latest_step()

    def save(self, step: int, trees: Mapping[str, Tree], position: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
        """Saves the state and the data position, in the background; does nothing when `step` is saved already.

        All processes together: each writes its part of the arrays, the first one the rest.

        Args:
            step: steps taken.
            trees: item -> arrays (`variables`, `average`, `training`); empty ones are left out.
            position: what a grain iterator's `get_state` returned, the same in every process.
            meta: what JSON can hold; `format`, `step` and `checksums` are added.

        Raises:
            NotSavedError: this checkpoint, or the one before, cannot be written.
        """
        import orbax.checkpoint as ocp

        self.wait()
        if step in self._manager.all_steps():
            return
        items: dict[str, Any] = {name: ocp.args.StandardSave(tree) for name, tree in trees.items() if tree}
        items[DATA] = ocp.args.JsonSave(dict(position))
        items[META] = ocp.args.JsonSave({"format": FORMAT, "step": step, CHECKSUMS: "sha256", **meta})
        self._saving = step
        with self._named_errors(step):
            self._manager.save(step, args=ocp.args.Composite(**items))

    def restore(self, step: int, trees: Mapping[str, Tree], data_iterator: Any) -> dict[str, Tree]:
        """Reads checkpoint `step` back, and sets the position of `data_iterator`.

        Args:
            step: which.
            trees: item -> arrays of the shapes, dtypes and placement that are wanted.
            data_iterator: grain iterator.

        Returns:
            item -> arrays.
        """
        import orbax.checkpoint as ocp

        present = {
            name: ocp.args.StandardRestore(jax.tree.map(_abstract, tree)) for name, tree in trees.items() if tree
        }
        restored = self._manager.restore(step, args=ocp.args.Composite(**present))
        data_iterator.set_state(self._position(step))
        return {name: restored[name] if name in present else {} for name in trees}

    def _position(self, step: int) -> dict[str, Any]:
        item = pathlib.Path(self._manager.directory) / str(step) / DATA
        by_grain = item / _GRAIN_FILE
        return stored_arrays.read_object(by_grain if by_grain.exists() else item / JSON_FILE)

    def meta(self, step: int) -> dict[str, Any]:
        """The `meta` of checkpoint `step`."""
        import orbax.checkpoint as ocp

        return self._manager.restore(step, args=ocp.args.Composite(meta=ocp.args.JsonRestore()))[META]

    def poll(self) -> None:
        """Says so when what `save` began is complete, without waiting for it.

        Raises:
            NotSavedError: it could not be written.
        """
        if self._saving is not None and not self._manager.is_saving_in_progress():
            self.wait()

    def wait(self) -> None:
        """Returns when what `save` began is complete; raises as `poll`."""
        if self._saving is None:
            return
        step = self._saving
        with self._named_errors(step):
            self._manager.wait_until_finished()
        self._saving = None
        self._say(f"checkpoint {step} is complete")

    def close(self) -> None:
        """Waits for what is being written, and ends; raises as `poll`."""
        try:
            self.wait()
        finally:
            self._manager.close()
            self._discard_failed()

    @contextlib.contextmanager
    def _named_errors(self, step: int) -> Iterator[None]:
        """Raises NotSavedError in place of whatever Orbax raises, once, and removes what it has written of `step`."""
        try:
            yield
        except Exception as error:
            self._saving, self._failed = None, step
            with contextlib.suppress(Exception):
                self._manager.wait_until_finished()  # it raises the same once more, but not a third time
            self._discard_failed()
            newest = max(checkpoints_in(self._folder), key=step_of, default=None)
            raise NotSavedError(
                f"{self._folder / str(step)}: this checkpoint could not be written ({reason(error)}). "
                f"The ones before are as they were{f', the newest is {newest.name}' if newest else ''}"
            ) from error

    def _discard_failed(self) -> None:
        """Makes room. Some thread of Orbax may still write: what comes after this goes when a run next begins."""
        if self._failed is not None:
            for path in self._folder.glob(f"{self._failed}{UNFINISHED}"):
                shutil.rmtree(path, ignore_errors=True)


def _abstract(x: jax.Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding)


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
) -> None:
    """Writes a checkpoint of weights alone, as a converter does: `path`/`step`, whole or not at all.

    Args:
        path: folder of checkpoints, may be new.
        networks: network -> variables.
        architecture: network -> its sizes, what `load_weights` returns as `meta`.
        step: the number it is given.
        steps: network -> the steps of training that it had, for those that had not `step`.
    """
    import orbax.checkpoint as ocp

    with open_manager(pathlib.Path(path).absolute(), lambda: step) as manager:
        meta = {"format": FORMAT, "step": step, "steps": dict(steps or {}), "networks": dict(architecture)}
        meta |= {CHECKSUMS: "sha256"}
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
