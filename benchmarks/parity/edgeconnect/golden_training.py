"""The first training steps from reference weights, against those that the PyTorch original took.

A golden file holds batch/{image, edge, mask} and, for each RUN "stageN_GAN", the losses, the singular vectors and 256
elements of every gradient and of every parameter's first change (see `picked`).

The bounds hold as long as nothing lies within rounding of a kink (see `comparison.KINKS`), else the allowances. These
are a few times the errors of PyTorch itself, run on another machine than the one that made the file: 7e-3 in gradients,
1.5e-2 in 1 - cosine of the first change, 6e-3 in the losses of the third step.
"""

import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import traverse_util

from benchmarks.parity.comparison import Comparison, cosine_distance, read_arrays, relative_error
from benchmarks.parity.edgeconnect.reference_weights import FILES, SEED, entries_of, generator_of, state_dict
from benchmarks.sides.edgeconnect import flops
from configs import default
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.importers.layouts import to_variables, twins
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.tasks.task import Task, create
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.step import train_step

PICKED = 256

# Bound and allowance.
LOSSES_AT = {1: (1e-5, 0.0), 2: (1e-4, 5e-4), 3: (2e-3, 1e-2)}
GRADIENT = (1e-3, 2e-2)
GRADIENT_NORM = (2e-3, 0.0)  # of the whole tensor, which no single unit moves
VECTOR = (1e-3, 0.0)
CHANGE = (5e-3, 5e-2)  # 1 - cosine
LENGTH_OF_CHANGE = (1e-2, 0.0)

STAGES = {"1": "edge", "2": "inpaint", "3": "edge_inpaint", "4": "joint"}

# Loss here by its name in the original's log.
LOSSES = {
    "l_d1": "edge_discriminator",
    "l_g1": "edge_adversarial",
    "l_fm": "feature_matching",
    "l_d2": "inpaint_discriminator",
    "l_g2": "inpaint_adversarial",
    "l_l1": "l1",
    "l_per": "content",
    "l_sty": "style",
}

Golden = Mapping[str, np.ndarray]
Tree = Any


class Step(NamedTuple):
    """What one training step left: `losses` by the names here, `collections` network -> singular vectors."""

    losses: dict[str, float]
    collections: Tree


class Taken(NamedTuple):
    """The steps of one run.

    Attributes:
        steps: each step.
        gradients: network -> gradients of the first step.
        changes: network -> how the first step changed the parameters.
    """

    steps: list[Step]
    gradients: Tree
    changes: Tree


def read(path: str | pathlib.Path) -> dict[str, np.ndarray]:
    """A golden file (.npz); raises ValueError when it has no run in it."""
    golden = read_arrays(path)
    if not runs_in(golden):
        raise ValueError(f"{path}: holds no run named stage1_nsgan or the like")
    return golden


def runs_in(golden: Golden) -> dict[str, int]:
    """The runs of a golden file and how many steps each has."""
    found: dict[str, int] = {}
    for key in golden:
        if match := re.match(r"(stage[1-4]_\w+)/step(\d+)/l_", key):
            found[match[1]] = max(found.get(match[1], 0), int(match[2]))
    return dict(sorted(found.items()))


def config_of(run: str) -> Config:
    """The configuration of the run called `run`: the losses' weights are the defaults here."""
    match = re.fullmatch(r"stage([1-4])_(\w+)", run)
    if not match:
        raise ValueError(f"{run!r} is not the name of a run: stage1_nsgan or the like")
    config = default.get_config()
    config.task.name, config.losses.gan = STAGES[match[1]], match[2]
    config.losses.vgg_weights = "given"  # not read: the weights come with the state
    return config


def reference_variables(network: str, seed: int = SEED) -> Tree:
    """The reference weights of a network as our variables."""
    return to_variables(state_dict(network, seed), entries_of(network))


def initial_state(config: Config, seed: int = SEED) -> tuple[Task, states.TrainState]:
    """The task of a configuration at full width, and its state with reference weights."""
    task = create(TASKS, config)
    networks = {name: reference_variables(name, seed) for name in task.architecture}
    params = {name: tree.pop("params") for name, tree in networks.items()}
    frozen = {name: reference_variables(name, seed) for name in task.frozen}
    state = states.create(task, 0, flops.example_of_shapes(64), frozen=frozen)
    return task, state.replace(params=params, collections=networks)


def take_steps(task: Task, state: states.TrainState, golden: Golden, count: int) -> Taken:
    """Takes `count` steps on the golden batch with the step that training uses."""
    step = jax.default_matmul_precision("highest")(jax.jit(train_step(task, task.phases[0])))  # on every device
    batches = {name: x[None] for name, x in batch_of(golden).items()}
    before, steps, gradients, changes = state.params, [], {}, {}
    for number in range(count):
        state, sums = step(state, batches)
        losses = {name: float(total / n) for name, (total, n) in jax.device_get(sums).items()}
        steps.append(Step(losses, jax.device_get(state.collections)))
        if number == 0:
            # With beta1 = 0 Adam's first moment is the gradient itself.
            gradients = {name: jax.device_get(state.optimizers[name].mu) for name in task.players}
            changes = {name: _difference(state.params[name], before[name]) for name in task.players}
    return Taken(steps, gradients, changes)


def batch_of(golden: Golden) -> dict[str, np.ndarray]:
    """The golden batch: image [B, H, W, 3], edge and mask [B, H, W, 1]."""
    batch = {name: _array(golden, f"batch/{name}") for name in ("image", "edge", "mask")}
    return {name: x if x.ndim == 4 else x[..., None] for name, x in batch.items()}


def _difference(after: Tree, before: Tree) -> Tree:
    return jax.tree.map(lambda a, b: np.asarray(a) - np.asarray(b), after, before)


def compare(run: str, golden: Golden, taken: Taken) -> Iterator[Comparison]:
    """Every comparison of a run.

    Raises:
        ValueError: the golden file lacks what belongs to a run.
    """
    for number, step in enumerate(taken.steps, start=1):
        name = f"{run}/step{number}"
        bounds = LOSSES_AT[min(number, max(LOSSES_AT))]
        for key in [key for key in golden if key.startswith(f"{name}/l_")]:
            ours = np.asarray(step.losses[LOSSES[key.rpartition("/")[2]]])
            yield Comparison(f"{name}/losses/{key.rpartition('/')[2]}", relative_error(ours, golden[key]), *bounds)
        vectors = {network: step.collections[network] for network in taken.gradients}
        for tensor, ours, theirs in _pairs(golden, name, vectors):
            yield Comparison(f"{name}/u, v/{tensor}", relative_error(picked(tensor, ours), theirs), *VECTOR)
    for tensor, ours, theirs in _pairs(golden, f"{run}/grad", _under_params(taken.gradients)):
        if not _is_noise(tensor):
            yield Comparison(f"{run}/gradients/{tensor}", relative_error(picked(tensor, ours), theirs), *GRADIENT)
            norm = _array(golden, f"{run}/grad_norm/{tensor}")
            yield Comparison(f"{run}/their norms/{tensor}", _error_of_norm(ours, norm), *GRADIENT_NORM)
    for tensor, ours, theirs in _pairs(golden, f"{run}/delta", _under_params(taken.changes)):
        if "weight" in tensor:
            change = picked(tensor, ours)
            yield Comparison(f"{run}/first change/{tensor}", cosine_distance(change, theirs), *CHANGE)
            error = _error_of_norm(change, np.linalg.norm(theirs))
            yield Comparison(f"{run}/its length/{tensor}", error, *LENGTH_OF_CHANGE)


def _error_of_norm(array: np.ndarray, norm: np.ndarray | np.floating) -> float:
    return float(abs(np.linalg.norm(array) / norm - 1))


def _is_noise(tensor: str) -> bool:
    """A bias in front of an instance norm, whose gradient is rounding and nothing else."""
    return tensor.endswith(".bias") and not tensor.endswith("decoder.7.bias")


def _under_params(trees: Tree) -> Tree:
    return {network: {"params": tree} for network, tree in trees.items()}


def _pairs(golden: Golden, prefix: str, trees: Tree) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """(FILE.KEY, our array in the original's layout, what the file has of it) of all arrays of `trees`."""
    for network, tree in trees.items():
        flat = traverse_util.flatten_dict(tree)
        entries = entries_of(network)
        for key, (path, layout) in entries.items():
            tensor = f"{FILES[network]}.{key}"
            if path in flat and key not in twins(entries):
                yield tensor, layout.to_theirs(np.asarray(flat[path])), _array(golden, f"{prefix}/{tensor}")


def _array(golden: Golden, name: str) -> np.ndarray:
    if name not in golden:
        raise ValueError(f"the golden file holds no {name}")
    return golden[name]


def picked(tensor: str, array: np.ndarray) -> np.ndarray:
    """The elements of a tensor, in the original's layout, that a golden file holds; `tensor` is FILE.KEY."""
    return array.reshape(-1)[generator_of(f"pick/{tensor}").integers(0, array.size, PICKED)]
