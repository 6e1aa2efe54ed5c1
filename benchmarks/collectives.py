"""What crosses the network in a training step, read from the compiled program, and the scaling that it predicts.

python benchmarks/collectives.py [--stages edge joint] [--features 64] [--residual_blocks 8]

Compiles the step of the training loop for eight virtual CPU devices and lists its collectives; nothing is executed.
Their bytes depend on the networks alone, not on the pictures, so that these are small. The prediction names its
assumptions, the constants below; it is arithmetic, no measurement.
"""

import argparse
import os
import pathlib
import re
import sys
from collections.abc import Sequence
from typing import NamedTuple

_DEVICES = 8
if __name__ == "__main__":  # before JAX is imported
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={_DEVICES} --xla_backend_optimization_level=0"
sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import jax
import numpy as np

from benchmarks.sides.edgeconnect import flops
from benchmarks.sides.edgeconnect.cases import STAGES, Case, config_of, synthetic_batch
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.tasks.task import create
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.step import train_step

_SIDE = 32  # of the pictures that are compiled for
_BYTES = {"f64": 8, "f32": 4, "s32": 4, "u32": 4, "bf16": 2, "f16": 2, "pred": 1}
_COLLECTIVE = re.compile(
    r"= (\(.*?\)|\S+) (all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)(?:-start)?\("
)
_ARRAY = re.compile(r"\b(\w+)\[([\d,]*)\]")

# What the prediction assumes. A device computes at RATE, a step of BATCH pictures of SIDE; the devices of a host pass
# messages at LINK, hosts at NETWORK, and each of the messages of a ring waits LATENCY. Nothing overlaps.
RATE = 30e12  # FLOP/s that the convolutions of a step reach
BATCH, SIDE = 8, 256
LINK = 100e9  # bytes/s of a device to its neighbour in the host
NETWORK = 10e9  # bytes/s of a host to another: 100 Gbit/s of which 80% arrive
LATENCY = 10e-6  # seconds
PER_HOST = 8


class Collective(NamedTuple):
    """Attributes: `kind` as XLA calls it, `arrays` how many it takes at once, `size` their bytes on one device."""

    kind: str
    arrays: int
    size: int


class Prediction(NamedTuple):
    """Attributes: seconds a step computes and communicates; the share of linear scaling that is left."""

    computing: float
    communicating: float

    @property
    def efficiency(self) -> float:
        return self.computing / (self.computing + self.communicating)


def collectives_in(program: str) -> list[Collective]:
    """The collectives of a compiled program, as HLO text."""
    found = []
    for shapes, kind in _COLLECTIVE.findall(program):
        arrays = _ARRAY.findall(re.sub(r"/\*.*?\*/", "", shapes))
        sizes = [_BYTES[dtype] * int(np.prod([int(n) for n in dims.split(",") if n])) for dtype, dims in arrays]
        found.append(Collective(kind, len(sizes), sum(sizes)))
    return found


def compiled_step(case: Case, devices: Sequence[parallel.Device]) -> str:
    """The HLO text of the training loop's step, for a batch of a picture a device."""
    config = config_of(case)
    task = create(TASKS, config)
    state = states.create(task, 0, flops.example_of_shapes(case.side), devices=len(devices))
    step = train_step(task, task.phases[0], axis=parallel.AXIS)
    mapped = parallel.mapped_step(step, states.TrainState, states.SHARDED_FIELDS, devices)
    batches = {name: x[None] for name, x in synthetic_batch(case).items()}
    lowered = mapped.lower(*jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), (state, batches)))  # pyright: ignore[reportFunctionMemberAccess]
    return lowered.compile().as_text()


def ring(size: float, members: int, bandwidth: float) -> float:
    """Seconds of an all-reduce of `size` bytes in a ring: 2 (n - 1) messages of size / n (Patarasuk and Yuan 2009)."""
    return 2 * (members - 1) * (size / members / bandwidth + LATENCY)


def predict(size: float, operations: float, devices: int) -> Prediction:
    """A step on `devices` devices: all-reduced in each host, then between hosts.

    Args:
        size: bytes that a step all-reduces.
        operations: FLOP of a step on one device.
        devices: how many, of all hosts.
    """
    hosts = max(1, devices // PER_HOST)
    communicating = ring(size, min(devices, PER_HOST), LINK) + ring(size, hosts, NETWORK)
    return Prediction(operations / RATE, communicating)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `arguments` None = those of this process."""
    parser = argparse.ArgumentParser("collectives.py", description="What crosses the network in a training step.")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--features", type=int, default=64, help="channels of the first layers (default: 64)")
    parser.add_argument("--residual_blocks", type=int, default=8, help="of each generator (default: 8)")
    options = parser.parse_args(arguments)
    devices = parallel.devices()
    for stage in options.stages:
        sizes = (options.features, options.residual_blocks)
        # VGG19 is frozen: nothing of it is communicated.
        found = collectives_in(compiled_step(Case(stage, _SIDE, len(devices), *sizes, vgg=False), devices))
        _print(stage, found, Case(stage, SIDE, BATCH, *sizes))
    return 0


def _print(stage: str, found: Sequence[Collective], case: Case) -> None:
    size, operations = sum(x.size for x in found), BATCH * sum(flops.training(config_of(case), SIDE).values())
    listed = ", ".join(f"{x.kind} of {x.arrays} arrays, {x.size:,} bytes" for x in found)
    print(f"{stage}: {size / 1e6:.1f} MB a step and device ({listed}); {operations / 1e12:.2f} TFLOP")
    for count in (8, 64, 256):
        p = predict(size, operations, count)
        print(
            f"  {count} devices: computing {1e3 * p.computing:.1f} ms, communicating {1e3 * p.communicating:.2f} ms, "
            f"{100 * p.efficiency:.1f}% of linear, {count * p.efficiency:.1f} times one device"
        )


if __name__ == "__main__":
    sys.exit(main())
