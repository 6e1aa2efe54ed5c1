"""Our side of the benchmarks: filling and training steps as the library makes them. Imports no PyTorch."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import flops
from benchmarks.cases import FILL, Case, config_of, synthetic_batch
from benchmarks.peak import matmul_rate
from edgeconnect_jax import parallel, tasks
from edgeconnect_jax.importers.torch import ENTRIES, REPEAT, REPEATED, to_state_dict
from edgeconnect_jax.layers.initialization import initialize
from edgeconnect_jax.layers.prepared import prepare
from edgeconnect_jax.layers.spectral_norm import COLLECTION, iterate_tree
from edgeconnect_jax.models import composition
from edgeconnect_jax.models.generators import EdgeGenerator, InpaintGenerator
from edgeconnect_jax.models.vgg import random_variables
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.step import train_step

_GENERATORS = {"edge_generator": EdgeGenerator, "inpaint_generator": InpaintGenerator}
_ITERATIONS = 10  # of fresh spectral-norm vectors, which evaluation takes as they are
_PRECISION = "highest"  # in which `Inpainter` compiles

Tree = Any


class Filling:
    """Both generators in evaluation mode, one after the other, prepared and compiled as `Inpainter` does."""

    def __init__(self, case: Case):
        self._case = case
        sizes = {"features": case.features, "residual_blocks": case.residual_blocks}
        self._modules = {name: kind(**sizes, dtype=case.dtype) for name, kind in _GENERATORS.items()}
        self._variables = {n: _prepared(n, self._modules[n], fresh) for n, fresh in self._weights().items()}
        self._batch = jax.device_put(synthetic_batch(case))
        with jax.default_matmul_precision(_PRECISION):
            self._program = jax.jit(self._forward).lower(self._variables, self._batch).compile()

    def run(self) -> dict[str, jax.Array]:
        """Fills the batch and waits: `edges` [B, H, W, 1], those that were seen, and `output` [B, H, W, 3]."""
        return jax.block_until_ready(self._program(self._variables, self._batch))

    def state_dicts(self) -> dict[str, np.ndarray]:
        """The weights as the original has them, as NETWORK/KEY."""
        return _state_dicts(self._weights(), self._case)

    def flops(self) -> dict[str, float]:
        """Operations of the whole batch: `by_hand`, and `by_xla`."""
        case = self._case
        by_hand = case.batch * flops.filling(case.side, case.features, case.residual_blocks)
        program = flops.lowered_directly(self._forward, self._weights(), self._batch)
        return {"by_hand": by_hand, "by_xla": flops.operations_of(program.compile())}

    def peak(self) -> float:
        """FLOP/s of matrix products in the dtype and precision of the case."""
        return matmul_rate(self._case.dtype, precision=_PRECISION)

    def _weights(self) -> Tree:
        """Made anew, always the same: kept they would count as memory, which nobody else needs to fill."""
        return {name: _fresh(name, module) for name, module in self._modules.items()}

    def _forward(self, variables: Tree, batch: Tree) -> dict[str, jax.Array]:
        """What `Inpainter` runs for stage "full"."""
        image, edge, mask = batch["image"], batch["edge"], batch["mask"]

        def run(name: str, given: jax.Array) -> Any:
            return self._modules[name].apply(variables[name], given)

        generated = run("edge_generator", composition.edge_input(composition.gray_of(image), edge, mask))
        edges = composition.composite(generated, edge, mask)
        return {"edges": edges, "output": run("inpaint_generator", composition.completion_input(image, edges, mask))}


class Training:
    """Training steps of one stage, mapped and donated as the training loop does, on one device."""

    def __init__(self, case: Case):
        self._case, config = case, config_of(case)
        self._task, devices = tasks.create(config), parallel.devices((0,))
        frozen = {name: random_variables() for name in self._task.frozen}
        state = states.create(self._task, 0, (case.side, case.side), frozen=frozen)
        self._state = parallel.place(state, states.SHARDED_FIELDS, devices)
        self._batches = jax.device_put(
            {name: parallel.split(x[None], devices, axis=1) for name, x in synthetic_batch(case).items()}
        )
        step = train_step(self._task, self._task.phases[0], ema_decay=config.train.ema_decay, axis=parallel.AXIS)
        self._step = parallel.mapped_step(step, states.TrainState, states.SHARDED_FIELDS, devices)

    def run(self) -> dict[str, jax.Array]:
        """Takes a step and waits: the weighted losses [] by name, and metrics."""
        self._state, sums = jax.block_until_ready(self._step(self._state, self._batches))
        return {name: total / count for name, (total, count) in sums.items()}

    def state_dicts(self) -> dict[str, np.ndarray]:
        """The weights as the original has them, as NETWORK/KEY."""
        networks = {n: {"params": p, **self._state.collections[n]} for n, p in self._state.params.items()}
        return _state_dicts(networks | self._state.frozen, self._case)

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


def create(case: Case) -> Filling | Training:
    """Our side of a case, with fresh weights."""
    return Filling(case) if case.task == FILL else Training(case)


def about() -> dict[str, Any]:
    """`device`: what computes; `accelerator`: whether that is no CPU."""
    device = parallel.devices((0,))[0]
    return {"device": device.device_kind, "accelerator": device.platform != "cpu"}


def device_memory() -> int | None:
    """The most memory in use on the device so far, in bytes; None where the backend does not tell."""
    statistics = parallel.devices((0,))[0].memory_stats()
    return statistics.get("peak_bytes_in_use") if statistics else None


def _fresh(name: str, module: Any) -> Tree:
    """Fresh variables of a generator, with spectral-norm vectors that belong to its kernels."""
    variables = initialize(module, np.random.default_rng(len(name)), _smallest_input(name))
    for _ in range(_ITERATIONS if COLLECTION in variables else 0):
        variables[COLLECTION] = jax.jit(iterate_tree)(variables["params"], variables[COLLECTION])
    return variables


def _prepared(name: str, module: Any, variables: Tree) -> Tree:
    return jax.jit(lambda variables: prepare(module, variables, _smallest_input(name)))(variables)


def _smallest_input(name: str) -> jax.Array:
    return jnp.zeros((1, 16, 16, composition.CHANNELS[name]))


def _state_dicts(networks: Tree, case: Case) -> dict[str, np.ndarray]:
    arrays = {}
    for name, variables in jax.device_get(networks).items():
        sizes = {"residual_blocks": case.residual_blocks} if name in _GENERATORS else {}
        state = to_state_dict(variables, ENTRIES[name](**sizes))
        if name.endswith("discriminator"):
            state |= {REPEAT + k.removeprefix(REPEATED): x for k, x in state.items() if k.startswith(REPEATED)}
        arrays |= {f"{name}/{key}": array for key, array in state.items()}
    return arrays
