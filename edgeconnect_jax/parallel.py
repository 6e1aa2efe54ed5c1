"""Data parallelism: devices, processes, and functions mapped over them. The only file that names them.

State lies whole on every device; batches, and the fields of the state that differ between devices, are split along
their leading axis.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

AXIS = "batch"

Device: TypeAlias = Any  # a jax.Device, which is no type to a type checker


def process_index() -> int:
    """Number of this process, from 0."""
    return jax.process_index()


def process_count() -> int:
    """How many processes train together."""
    return jax.process_count()


def devices(indices: Sequence[int] = ()) -> list[Device]:
    """The devices of all processes that a run uses.

    Args:
        indices: numbers of this process's devices; empty = all of them.

    Raises:
        ValueError: a number that no device has, or a choice among the devices of several processes.
    """
    local = jax.local_devices()
    wrong = [i for i in indices if not 0 <= i < len(local)]
    if wrong:
        raise ValueError(
            f"train.devices names {wrong}, but this process has devices 0 to {len(local) - 1} ({local[0].platform})"
        )
    if indices and jax.process_count() > 1:
        raise ValueError(
            "train.devices chooses among the devices of one process; leave it empty with several processes"
        )
    return [local[i] for i in indices] if indices else jax.devices()


def check_batch_size(batch_size: int, used: Sequence[Device], option: str) -> None:
    """Raises ValueError when `batch_size`, set by `option`, cannot be split evenly over the devices `used`."""
    if batch_size % len(used):
        raise ValueError(
            f"{option}={batch_size} cannot be split evenly over {len(used)} devices: "
            f"make it a multiple of {len(used)}, or choose devices with train.devices"
        )


def mapped_step(step: Callable, state_type: type, sharded: Sequence[str], used: Sequence[Device]) -> Callable:
    """(state, batches) -> (state, sums) over the devices `used`; the state is donated.

    Args:
        step: the pure step, with the mapped axis called `AXIS`; batches [K, B, ...].
        state_type: dataclass of the state.
        sharded: its fields that are split over devices.
        used: the devices.
    """
    axes = {field.name: 0 if field.name in sharded else None for field in dataclasses.fields(state_type)}
    layout = state_type(**axes)
    return jax.pmap(
        step,
        axis_name=AXIS,
        in_axes=(layout, 0),
        out_axes=(layout, None),
        donate_argnums=0,
        devices=list(used),
    )


def mapped_evaluation(step: Callable, state_type: type, sharded: Sequence[str], used: Sequence[Device]) -> Callable:
    """(state, batch) -> sums over the devices `used`; arguments as in `mapped_step`, batches [B, ...]."""
    axes = {field.name: 0 if field.name in sharded else None for field in dataclasses.fields(state_type)}
    return jax.pmap(step, axis_name=AXIS, in_axes=(state_type(**axes), 0), out_axes=None, devices=list(used))


def place(state: Any, sharded: Sequence[str], used: Sequence[Device]) -> Any:
    """Puts a state, whole on the host, where `mapped_step` wants it."""
    local = [device for device in used if device.process_index == jax.process_index()]
    mesh = Mesh(np.array(local), (AXIS,))
    shardings = {
        field.name: NamedSharding(mesh, PartitionSpec(AXIS) if field.name in sharded else PartitionSpec())
        for field in dataclasses.fields(state)
    }
    placed = {name: jax.device_put(getattr(state, name), sharding) for name, sharding in shardings.items()}
    return type(state)(**placed)


def split(batch: Any, used: Sequence[Device], *, axis: int = 0) -> Any:
    """Splits axis `axis` of each array of this process's batch over its devices, which become the leading axis."""
    count = sum(device.process_index == jax.process_index() for device in used)

    def one(x: np.ndarray) -> np.ndarray:
        parted = x.reshape(*x.shape[:axis], count, x.shape[axis] // count, *x.shape[axis + 1 :])
        return np.moveaxis(parted, axis, 0)

    return jax.tree.map(one, batch)


def place_split(batch: Any, used: Sequence[Device]) -> Any:
    """Begins to put what `split` returned on the devices `used`, where mapped functions take it without a copy."""
    local = [device for device in used if device.process_index == jax.process_index()]
    return jax.device_put(batch, NamedSharding(Mesh(np.array(local), (AXIS,)), PartitionSpec(AXIS)))


def first_copy(tree: Any) -> Any:
    """Arrays that lie whole on every device, as arrays of this process's first device."""
    return jax.tree.map(lambda x: x.addressable_data(0) if isinstance(x, jax.Array) else x, tree)
