"""Data parallelism: devices, processes, and functions mapped over them. No other module refers to devices.

Every device holds the whole state; batches, and the fields of the state that differ between devices, are split along an
axis. Arrays are global: each spans the devices of all processes, and a process holds its own part. How processes
connect to each other is in processes.py.
"""

import dataclasses
import hashlib
import json
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "batch"

_VISIBLE_WITHIN = 30.0  # seconds until a network file system shows a new folder on every host
_POLL = 0.5

Device: TypeAlias = Any  # a jax.Device, which type checkers do not accept as a type


def process_index() -> int:
    """Number of this process, from 0."""
    return jax.process_index()


def process_count() -> int:
    """How many processes train together."""
    return jax.process_count()


def is_first() -> bool:
    """Whether this is the process that writes metrics, samples and reports, and prints."""
    return jax.process_index() == 0


def devices(indices: Sequence[int] = ()) -> list[Device]:
    """The devices that a run uses in all processes, grouped by process.

    Args:
        indices: numbers of this process's devices; empty = all of them.

    Raises:
        ValueError: no device has one of the numbers, or `indices` is set with several processes.
    """
    local = jax.local_devices()
    wrong = [i for i in indices if not 0 <= i < len(local)]
    if wrong:
        raise ValueError(
            f"train.devices names {wrong}, but this process has devices 0 to {len(local) - 1} ({local[0].platform})"
        )
    if indices and jax.process_count() > 1:
        raise ValueError(
            "train.devices selects among the devices of one process; leave it empty with several processes"
        )
    if indices:
        return [local[i] for i in indices]
    return sorted(jax.devices(), key=lambda device: (device.process_index, device.id))


def local_count(used: Sequence[Device]) -> int:
    """How many of the devices `used` belong to this process."""
    return sum(device.process_index == jax.process_index() for device in used)


def check_batch_size(batch_size: int, used: Sequence[Device], option: str) -> None:
    """Raises ValueError when `batch_size`, set by `option`, cannot be split evenly over the devices `used`."""
    if batch_size % len(used):
        processes = jax.process_count()
        of = f" of {processes} processes" if processes > 1 else ""
        choose = "" if processes > 1 else ", or choose devices with train.devices"
        raise ValueError(
            f"{option}={batch_size} cannot be split evenly over {len(used)} devices{of}: "
            f"make it a multiple of {len(used)}{choose}"
        )


def mapped_step(step: Callable, state_type: type, sharded: Sequence[str], used: Sequence[Device]) -> Callable:
    """(state, batches) -> (state, sums) over the devices `used`; the state is donated.

    Args:
        step: the pure step, with the mapped axis called `AXIS`; batches [K, B, ...] of one device.
        state_type: dataclass of the state.
        sharded: fields of the state that are split over devices along a leading axis, which `step` does not see.
        used: the devices.

    Returns:
        A function of the results of `place` and `place_batch(..., axis=1)`; its sums are the same on every device.
    """

    def on_one(state: Any, batches: Any) -> tuple[Any, Any]:
        state, sums = step(_without_axis(state, sharded), batches)
        return _with_axis(state, sharded), sums

    layout = _layout(state_type, sharded)
    taken, returned = (layout, PartitionSpec(None, AXIS)), (layout, PartitionSpec())
    return jax.jit(_mapped(on_one, taken, returned, used), donate_argnums=0)


def mapped_evaluation(step: Callable, state_type: type, sharded: Sequence[str], used: Sequence[Device]) -> Callable:
    """(state, batch) -> sums over the devices `used`; arguments as in `mapped_step`, batches [B, ...]."""

    def on_one(state: Any, batch: Any) -> Any:
        return step(_without_axis(state, sharded), batch)

    taken = (_layout(state_type, sharded), PartitionSpec(AXIS))
    return jax.jit(_mapped(on_one, taken, PartitionSpec(), used))


def _mapped(function: Callable, taken: Any, returned: Any, used: Sequence[Device]) -> Callable:
    # check_vma=False keeps the gradients of each device separate; the caller averages them.
    return jax.shard_map(function, mesh=_mesh(used), in_specs=taken, out_specs=returned, check_vma=False)


def _mesh(used: Sequence[Device]) -> Mesh:
    return Mesh(np.array(used), (AXIS,))


def _layout(state_type: type, sharded: Sequence[str]) -> Any:
    names = [field.name for field in dataclasses.fields(state_type)]
    return state_type(**{name: PartitionSpec(AXIS) if name in sharded else PartitionSpec() for name in names})


def _without_axis(state: Any, sharded: Sequence[str]) -> Any:
    return state.replace(**{name: jax.tree.map(lambda x: x[0], getattr(state, name)) for name in sharded})


def _with_axis(state: Any, sharded: Sequence[str]) -> Any:
    return state.replace(**{name: jax.tree.map(lambda x: x[None], getattr(state, name)) for name in sharded})


def place(state: Any, sharded: Sequence[str], used: Sequence[Device]) -> Any:
    """Transfers a state, complete on the host of every process, to the devices as `mapped_step` expects it."""
    layout = _layout(type(state), sharded)
    names = [field.name for field in dataclasses.fields(state)]
    return type(state)(**{name: _put(getattr(state, name), used, getattr(layout, name)) for name in names})


def replicate(tree: Any, used: Sequence[Device]) -> Any:
    """Copies arrays, which are the same in every process, to every device."""
    return _put(tree, used, PartitionSpec())


def _put(tree: Any, used: Sequence[Device], spec: PartitionSpec) -> Any:
    sharding = NamedSharding(_mesh(used), spec)
    if jax.process_count() == 1:
        return jax.device_put(tree, sharding)

    def one(x: Any) -> jax.Array:
        whole = np.asarray(x)
        return jax.make_array_from_callback(whole.shape, sharding, lambda index: whole[index])

    return jax.tree.map(one, tree)


def place_batch(batch: Any, used: Sequence[Device], *, axis: int = 0) -> Any:
    """Starts transferring this process's share of a batch to its devices, split along axis `axis` of each array.

    The shares of all processes, in order, form the global batch.
    """
    sharding = NamedSharding(_mesh(used), PartitionSpec(*[None] * axis, AXIS))
    return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, x), batch)


def first_copy(tree: Any) -> Any:
    """Replicated arrays, as arrays on this process's first device."""
    return jax.tree.map(lambda x: x.addressable_data(0) if isinstance(x, jax.Array) else x, tree)


def any_process(flag: bool) -> bool:
    """Whether `flag` is set in any process; every process must call this at the same step and gets the same answer.

    Waits for the steps started before. With one process it costs nothing.
    """
    if jax.process_count() == 1:
        return flag
    return bool(np.any(multihost_utils.process_allgather(np.array(flag))))


def of_first(number: int | None) -> int | None:
    """The first process's value (0 or more, or None), for decisions about the workdir; every process must call this."""
    if jax.process_count() == 1:
        return number
    received = int(multihost_utils.broadcast_one_to_all(np.array(-1 if number is None else number, np.int32)))
    return None if received < 0 else received


def check_same(name: str, value: Any) -> None:
    """Raises ValueError in every process if `value`, which must be JSON-serializable, differs between them."""
    if jax.process_count() == 1:
        return
    digest = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()
    found = multihost_utils.process_allgather(np.frombuffer(digest, np.uint8))
    different = np.flatnonzero((found != found[0]).any(axis=1)).tolist()
    if different:
        raise ValueError(
            f"{name} of processes {different} differs from that of process 0; start all with the same command"
        )


def make_shared_folder(path: pathlib.Path) -> None:
    """Creates a folder for all processes.

    Raises:
        ValueError: in every process, if one of them does not see the folder.
    """
    if is_first():
        path.mkdir(parents=True, exist_ok=True)
    wait_for_all(f"made {path.name}")
    until = time.monotonic() + _VISIBLE_WITHIN
    while not (seen := path.is_dir()) and time.monotonic() < until:
        time.sleep(_POLL)
    if any_process(not seen):
        raise ValueError(
            f"{path}: not every process sees this folder; choose one on a file system that all of them share"
        )


def meet() -> None:
    """Connects the devices of all processes at the start.

    The first message times out after some seconds, too soon for a slower process that must still compile the program
    that sends it. Once connected, processes wait for each other without limit.
    """
    wait_for_all("the start")
    used = devices()
    total = _mapped(lambda x: jax.lax.psum(x.sum(), AXIS), PartitionSpec(AXIS), PartitionSpec(), used)
    ones = place_batch(np.ones(local_count(used), np.float32), used)
    assert int(jax.jit(total)(ones)) == len(used)


def wait_for_all(what: str) -> None:
    """Waits, without limit, until every process reaches the point called `what`."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(what)
