"""Saving and restoring the checkpoints of one stage of training, with Orbax."""

import contextlib
import pathlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax

from edgeconnect_jax.checkpoints.folders import (
    CHECKSUMS,
    DATA,
    FOLDER,
    FORMAT,
    JSON_FILE,
    META,
    PathLike,
    checkpoints_in,
    read_object,
    step_of,
)
from edgeconnect_jax.checkpoints.manager import UNFINISHED, open_manager, reason
from edgeconnect_jax.host.errors import NotSavedError
from edgeconnect_jax.parallel import devices as parallel

_GRAIN_FILE = "process_0-of-1.json"  # where version 0.1.0 kept the position


Tree = Any


class CheckpointStore:
    """The checkpoints of one stage of training."""

    def __init__(self, workdir: PathLike, keep: int, say: Callable[[str], None] = print):
        """Opens `workdir`/checkpoints.

        Args:
            workdir: of the stage.
            keep: how many checkpoints are kept, the newest.
            say: reports what is saved.
        """
        from orbax.checkpoint import checkpoint_managers

        self._folder = pathlib.Path(workdir).absolute() / FOLDER
        self._say = say
        self._saving: int | None = None  # the step being written
        self._failed: int | None = None  # the last one that could not be written
        self._manager = open_manager(
            self._folder, lambda: self._saving, checkpoint_managers.LatestN(keep), seals=parallel.is_first()
        )

    def latest_step(self) -> int | None:
        """Step of the newest complete checkpoint."""
        return self._manager.latest_step()

    def save(self, step: int, trees: Mapping[str, Tree], position: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
        """Saves the state and the data position in the background; does nothing if `step` is saved already.

        All processes call it together: each writes its part of the arrays, the first one the rest.

        Args:
            step: steps taken.
            trees: item -> arrays (`variables`, `average`, `training`); empty ones are left out.
            position: what a grain iterator's `get_state` returned, the same in every process.
            meta: for JSON; `format`, `step` and `checksums` are added.

        Raises:
            NotSavedError: this checkpoint or the previous one cannot be written.
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
        """Restores checkpoint `step` and the position of `data_iterator`.

        Args:
            step: of the checkpoint.
            trees: item -> arrays of the expected shapes, dtypes and placement.
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
        return read_object(by_grain if by_grain.exists() else item / JSON_FILE)

    def meta(self, step: int) -> dict[str, Any]:
        """The `meta` of checkpoint `step`."""
        import orbax.checkpoint as ocp

        return self._manager.restore(step, args=ocp.args.Composite(meta=ocp.args.JsonRestore()))[META]

    def poll(self) -> None:
        """Reports that what `save` began is complete, without waiting for it.

        Raises:
            NotSavedError: it could not be written.
        """
        if self._saving is not None and not self._manager.is_saving_in_progress():
            self.wait()

    def wait(self) -> None:
        """Waits until what `save` began is complete; raises what `poll` raises."""
        if self._saving is None:
            return
        step = self._saving
        with self._named_errors(step):
            self._manager.wait_until_finished()
        self._saving = None
        self._say(f"checkpoint {step} is complete")

    def close(self) -> None:
        """Waits for what is being written, and closes; raises what `poll` raises."""
        try:
            self.wait()
        finally:
            self._manager.close()
            self._discard_failed()

    @contextlib.contextmanager
    def _named_errors(self, step: int) -> Iterator[None]:
        """Replaces what Orbax raises by one NotSavedError, and removes what was written of `step`."""
        try:
            yield
        except Exception as error:
            self._saving, self._failed = None, step
            with contextlib.suppress(Exception):
                self._manager.wait_until_finished()  # it raises the same a second time, but not a third
            self._discard_failed()
            newest = max(checkpoints_in(self._folder), key=step_of, default=None)
            raise NotSavedError(
                f"{self._folder / str(step)}: this checkpoint could not be written ({reason(error)}). "
                f"Earlier ones are unchanged{f', the newest is {newest.name}' if newest else ''}"
            ) from error

    def _discard_failed(self) -> None:
        """Frees space. A thread of Orbax may still be writing: the rest is removed when a run next begins."""
        if self._failed is not None:
            for path in self._folder.glob(f"{self._failed}{UNFINISHED}"):
                shutil.rmtree(path, ignore_errors=True)


def _abstract(x: jax.Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding)
