"""Our networks and training steps against the PyTorch statement of the original, side by side. Needs PyTorch.

In float64 there is almost no rounding: a difference there is a difference in meaning.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np
import torch

from benchmarks.parity.comparison import Comparison, largest_difference, relative_error
from benchmarks.parity.edgeconnect import torch_networks
from benchmarks.parity.edgeconnect.golden_inference import Example
from benchmarks.parity.edgeconnect.golden_training import config_of
from benchmarks.parity.edgeconnect.reference_weights import SEED, draw, entries_of, state_dict
from benchmarks.parity.edgeconnect.torch_training import PLAYERS, TrainingStep, networks_of
from benchmarks.sides.edgeconnect import flops
from edgeconnect_jax.checkpoints.weights import Weights
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.images import arrays
from edgeconnect_jax.importers.layouts import to_state_dict, to_variables
from edgeconnect_jax.systems.edgeconnect import pictures
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.tasks.task import Task, create
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.step import train_step

FEATURES, RESIDUAL_BLOCKS = 8, 2  # of the networks that are trained in float64
STEPS = 3
FLOAT64_BOUND = 1e-9
FILLING_BOUND = 5e-5  # float32
RUNS = tuple(f"stage{stage}_{gan}" for stage in (1, 2, 3, 4) for gan in ("nsgan", "lsgan", "hinge"))

Tree = Any
Modules = Mapping[str, torch.nn.Module]


def compare_steps(run: str, batch: Mapping[str, np.ndarray], seed: int = SEED) -> Iterator[Comparison]:
    """Takes training steps on both sides in float64, with narrow networks: losses and parameters after each.

    Args:
        run: "stage1_nsgan" or the like.
        batch: image [B, H, W, 3], edge and mask [B, H, W, 1], floats.
        seed: of the weights.
    """
    config = config_of(run)
    config.task.features, config.task.residual_blocks, config.task.dtype = FEATURES, RESIDUAL_BLOCKS, "float64"
    modules = {name: _drawn(module.double(), name, seed) for name, module in networks_of(config).items()}
    vgg = torch_networks.VGG19().double() if config.task.name != "edge" else None
    if vgg:
        _drawn(vgg, "vgg19", seed)
    theirs = TrainingStep(config, modules, vgg)
    with jax.enable_x64(True):
        task, state = _state(config, modules | ({"vgg19": vgg} if vgg else {}))
        step = jax.jit(train_step(task, task.phases[0]))
        given = {name: np.asarray(x, np.float64) for name, x in batch.items()}
        for number in range(1, STEPS + 1):
            state, sums = step(state, {name: x[None] for name, x in given.items()})
            losses = theirs(_torch_batch(given)).losses
            for name, loss in losses.items():
                ours = np.asarray(sums[name][0] / sums[name][1])
                error = relative_error(ours, loss.numpy())
                yield Comparison(f"float64/{run}/step{number}/losses/{name}", error, FLOAT64_BOUND)
            for name in PLAYERS[config.task.name]:
                error = _furthest(name, {"params": state.params[name], **state.collections[name]}, modules[name])
                yield Comparison(f"float64/{run}/step{number}/weights/{name}", error, FLOAT64_BOUND)


def _drawn(module: torch.nn.Module, name: str, seed: int) -> Any:
    """`module` with reference weights of its own shapes."""
    shapes = {key: tuple(array.shape) for key, array in module.state_dict().items()}
    torch_networks.load_arrays(module, draw(name, shapes, seed))
    return module


def _entries(name: str) -> dict:
    return entries_of(name, {"residual_blocks": RESIDUAL_BLOCKS})


def _state(config: Config, modules: Modules) -> tuple[Task, states.TrainState]:
    """The task of a configuration, and its state in float64 with the weights of `modules`."""
    task = create(TASKS, config)
    networks = {
        name: to_variables({key: x.numpy() for key, x in module.state_dict().items()}, _entries(name))
        for name, module in modules.items()
    }
    frozen = {name: networks.pop(name) for name in task.frozen}
    params = {name: tree.pop("params") for name, tree in networks.items()}
    state = states.create(task, 0, flops.example_of_shapes(64), frozen=frozen)
    state = state.replace(params=params, collections=networks)
    return task, jax.tree.map(lambda x: x.astype(np.float64) if x.dtype == np.float32 else np.array(x), state)


def _torch_batch(batch: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    tensors = {name: _nchw(x) for name, x in batch.items()}
    return {"gray": torch_networks.gray_of(tensors["image"]), **tensors}


def _nchw(x: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def _furthest(name: str, variables: Tree, module: torch.nn.Module) -> float:
    """The largest difference of any weight but the biases in front of an instance norm, whose gradient is rounding."""
    ours, theirs = to_state_dict(variables, _entries(name)), module.state_dict()
    keys = [key for key in ours if not key.endswith("bias") or key == "decoder.7.bias"]
    return max(largest_difference(ours[key], theirs[key].numpy()) for key in keys)


def compare_filling(examples: Mapping[str, Example], weights: Weights, seed: int = SEED) -> Iterator[Comparison]:
    """Fills pictures whose sides are no multiples of 4 on both sides at full width, in float32.

    Args:
        examples: pictures; of each, one to three lines are cut off.
        weights: both generators.
        seed: of the same weights.
    """
    modules = [torch_networks.EdgeGenerator(), torch_networks.InpaintGenerator()]
    for module, name in zip(modules, ("edge_generator", "inpaint_generator"), strict=True):
        torch_networks.load_arrays(module, state_dict(name, seed))
        module.eval()
    for number, (name, example) in enumerate(examples.items()):
        image, hole = (x[: -1 - number % 3, : -1 - number // 3 % 3] for x in example)
        given = arrays.to_unit(image), pictures.known_edges(image, hole, 2.0)[..., None], hole[..., None]
        image_, edge_, mask_ = (_nchw(np.asarray(x, np.float32)[None]) for x in given)
        for compat in ("original", None):
            colours, drawn = Inpainter(weights, compat=compat).generate(*given)
            assert colours is not None
            filled = torch_networks.fill(image_, edge_, mask_, *modules, composite=compat is None)
            kind = f"statement/{name}, {image.shape[0]} x {image.shape[1]}/{'raw' if compat else 'composite'}"
            yield Comparison(f"{kind} edges", largest_difference(drawn, filled.edges[0, 0].numpy()), FILLING_BOUND)
            painted = filled.output[0].permute(1, 2, 0).numpy()
            yield Comparison(f"{kind} colours", largest_difference(colours, painted), FILLING_BOUND)
