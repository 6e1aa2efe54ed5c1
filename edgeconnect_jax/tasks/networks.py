"""The networks of EdgeConnect by name, made from the configuration, and run in order with their mutable state."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.layers.initialization import initialize
from edgeconnect_jax.layers.pixels import CHANNELS
from edgeconnect_jax.models.discriminators import PatchDiscriminator
from edgeconnect_jax.systems.edgeconnect.networks import EdgeGenerator, InpaintGenerator
from edgeconnect_jax.tasks.task import Player, Variables

_GENERATORS: dict[str, Any] = {"edge_generator": EdgeGenerator, "inpaint_generator": InpaintGenerator}


def architecture(names: tuple[str, ...], config: Config) -> dict[str, dict[str, int]]:
    """What a checkpoint says of each network, enough to build it again."""
    sizes = {"features": config.task.features, "residual_blocks": config.task.residual_blocks}
    return {n: sizes if n.endswith("generator") else {"features": config.task.features} for n in names}


def build(names: tuple[str, ...], config: Config) -> dict[str, Any]:
    """The modules called `names` at the width, depth and dtype of `config.task`."""
    dtype = jnp.dtype(config.task.dtype)

    def module(name: str, sizes: dict[str, int]) -> Any:
        if name not in _GENERATORS:
            return PatchDiscriminator(features=sizes["features"], dtype=dtype)
        return _GENERATORS[name](**sizes, dtype=dtype, remat=config.task.remat)

    return {name: module(name, sizes) for name, sizes in architecture(names, config).items()}


def init(modules: Mapping[str, Any], key: jax.Array, size: tuple[int, int]) -> Variables:
    """Fresh variables of `modules` for pictures of `size` (height, width)."""
    params, collections = {}, {}
    for number, (name, module) in enumerate(modules.items()):
        rng = np.random.default_rng([*np.asarray(key).tolist(), number])
        variables = initialize(module, rng, jnp.zeros((1, *size, CHANNELS[name])))
        params[name] = variables.pop("params")
        collections[name] = variables
    return Variables(params, collections, frozen={}, carry={})


def player(name: str, config: Config) -> Player:
    """Adam as in the original: discriminators at `d2g_ratio` times the learning rate, generators averaged."""
    options = config.optimizer
    discriminates = name.endswith("discriminator")
    rate = options.learning_rate * (options.d2g_ratio if discriminates else 1.0)
    adam = optax.scale_by_adam(b1=options.beta1, b2=options.beta2, eps=options.epsilon)
    return Player(adam, _schedule(rate, options), averaged=not discriminates)


def _schedule(rate: float, options: Config) -> optax.Schedule:
    """The learning rate by the step. What a plateau does to it depends on validation; the training step applies it."""
    if options.schedule == "steps":
        return optax.piecewise_constant_schedule(rate, {step: options.factor for step in options.boundaries})
    return optax.constant_schedule(rate)


def total(terms: Mapping[str, jax.Array]) -> jax.Array:
    """The sum of weighted losses []."""
    return jnp.stack(list(terms.values())).sum()


class Passes:
    """Training passes through several networks, one after the other, each keeping the collections it leaves.

    Pure seen from outside a loss: it lives as long as one call of it.
    """

    def __init__(self, modules: Mapping[str, Any], variables: Variables):
        self._modules = modules
        self._params = variables.params
        self.collections = dict(variables.collections)

    def __call__(self, name: str, *inputs: jax.Array, constant: bool = False) -> Any:
        """Runs network `name` in training mode; with `constant`, no gradient reaches its parameters."""
        params = self._params[name]
        variables = {
            "params": jax.lax.stop_gradient(params) if constant else params,
            **self.collections[name],
        }
        mutable = list(self.collections[name])
        output, self.collections[name] = self._modules[name].apply(variables, *inputs, train=True, mutable=mutable)
        return output
