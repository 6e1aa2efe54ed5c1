"""Our side of the benchmarks: filling and training steps as the library makes them. Imports no PyTorch."""

from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.sides.edgeconnect import flops
from benchmarks.sides.edgeconnect.case_weights import Arrays, generators, variables_of
from benchmarks.sides.edgeconnect.cases import FILL, Case, config_of, synthetic_batch
from benchmarks.sides.peak import matmul_rate
from edgeconnect_jax.layers import pixels
from edgeconnect_jax.layers.algorithms import over_examples
from edgeconnect_jax.layers.prepared import prepare
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.systems.edgeconnect.networks import CHANNELS, completion_input, edge_input
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.tasks import task as stage
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.step import train_step

_PRECISION = "highest"  # in which `Inpainter` compiles

Tree = Any


class Filling:
    """Both generators in evaluation mode, one after the other, prepared and compiled as `Inpainter` does."""

    def __init__(self, case: Case, weights: Arrays):
        self._case, self._modules = case, generators(case)
        self._variables, self._shapes = {}, {}
        for name, module in self._modules.items():
            variables = variables_of(name, weights, case)
            self._shapes[name] = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), variables)
            self._variables[name] = _prepared(name, module, variables)
        self._batch = jax.device_put(synthetic_batch(case))
        with jax.default_matmul_precision(_PRECISION):
            self._program = jax.jit(self._forward).lower(self._variables, self._batch).compile()

    def run(self) -> dict[str, jax.Array]:
        """Fills the batch and waits: `edges` [B, H, W, 1], those that were seen, and `output` [B, H, W, 3]."""
        return jax.block_until_ready(self._program(self._variables, self._batch))

    def flops(self) -> dict[str, float]:
        """Operations of the whole batch: `by_hand`, and `by_xla`."""
        case = self._case
        by_hand = case.batch * flops.filling(case.side, case.features, case.residual_blocks)
        program = flops.lowered_directly(self._forward, self._shapes, self._batch)
        return {"by_hand": by_hand, "by_xla": flops.operations_of(program.compile())}

    def peak(self) -> float:
        """FLOP/s of matrix products in the dtype and precision of the case."""
        return matmul_rate(self._case.dtype, precision=_PRECISION)

    def _forward(self, variables: Tree, batch: Tree) -> dict[str, jax.Array]:
        """What `Inpainter` runs with steps "full"."""

        def run(name: str, given: jax.Array) -> Any:
            return self._modules[name].apply(variables[name], given)

        def fill(image: jax.Array, edge: jax.Array, mask: jax.Array) -> dict[str, jax.Array]:
            generated = run("edge_generator", edge_input(pixels.gray_of(image), edge, mask))
            edges = pixels.composite(generated, edge, mask)
            output = run("inpaint_generator", completion_input(image, edges, mask))
            return {"edges": edges, "output": output}

        return over_examples(fill)(batch["image"], batch["edge"], batch["mask"])


class Training:
    """Training steps of one stage, mapped and donated as the training loop does, on one device."""

    def __init__(self, case: Case, weights: Arrays):
        self._case, config = case, config_of(case)
        self._task, devices = stage.create(TASKS, config), parallel.devices((0,))
        networks = {name: variables_of(name, weights, case) for name in self._task.architecture}
        frozen = {name: variables_of(name, weights, case) for name in self._task.frozen}
        state = states.create(self._task, 0, flops.example_of_shapes(case.side), frozen=frozen)
        params = {name: variables.pop("params") for name, variables in networks.items()}
        state = state.replace(params=params, collections=networks)
        self._state = parallel.place(state, states.SHARDED_FIELDS, devices)
        batches = {name: x[None] for name, x in synthetic_batch(case).items()}
        self._batches = parallel.place_batch(batches, devices, axis=1)
        step = train_step(self._task, self._task.phases[0], ema_decay=config.train.ema_decay, axis=parallel.AXIS)
        self._step = parallel.mapped_step(step, states.TrainState, states.SHARDED_FIELDS, devices)

    def run(self) -> dict[str, jax.Array]:
        """Takes a step and waits: the weighted losses [] by name, and metrics."""
        self._state, sums = jax.block_until_ready(self._step(self._state, self._batches))
        return {name: total / count for name, (total, count) in sums.items()}

    def flops(self) -> dict[str, float]:
        """Operations of a step: `by_hand`, and `by_xla`."""
        case = self._case
        by_hand = case.batch * sum(flops.training(config_of(case), case.side).values())
        step, shapes = train_step(self._task, self._task.phases[0]), flops.batch_of_shapes(case.side, case.batch)
        program = flops.lowered_directly(step, self._state, shapes)
        return {"by_hand": by_hand, "by_xla": flops.operations_of(program.compile())}

    def peak(self) -> float:
        """FLOP/s of matrix products in the dtype and precision of the case."""
        return matmul_rate(self._case.dtype)


def create(case: Case, weights: Arrays) -> Filling | Training:
    """Our side of a case; `weights` as from `case_weights.drawn`."""
    return (Filling if case.task == FILL else Training)(case, weights)


def about() -> dict[str, Any]:
    """`device`: what computes; `accelerator`: whether that is no CPU."""
    device = parallel.devices((0,))[0]
    return {"device": device.device_kind, "accelerator": device.platform != "cpu"}


def device_memory() -> int | None:
    """The most memory in use on the device so far, in bytes; None where the backend does not tell."""
    statistics = parallel.devices((0,))[0].memory_stats()
    return statistics.get("peak_bytes_in_use") if statistics else None


def _prepared(name: str, module: Any, variables: Tree) -> Tree:
    return jax.jit(lambda variables: prepare(module, variables, _smallest_input(name)))(variables)


def _smallest_input(name: str) -> jax.Array:
    return jnp.zeros((1, 16, 16, CHANNELS[name]))
