"""Builds, initializes and runs the networks of a task with their mutable state."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from edgeconnect_jax.models import network
from edgeconnect_jax.models.network import Network
from edgeconnect_jax.tasks.task import Variables

Options = Mapping[str, Any]  # config.task


def architecture(networks: Mapping[str, Network], options: Options) -> dict[str, dict[str, Any]]:
    """`Task.architecture`: network -> the sizes needed to rebuild it."""
    return {name: network.sizes_of(row, options) for name, row in networks.items()}


def build(networks: Mapping[str, Network], options: Options) -> dict[str, Any]:
    """Builds the modules of `networks` from `options`."""
    return {name: network.build(row, options) for name, row in networks.items()}


def init(networks: Mapping[str, Network], options: Options, key: jax.Array) -> Variables:
    """Initial variables of `networks`, drawn in their order."""
    params, collections = {}, {}
    for number, (name, row) in enumerate(networks.items()):
        rng = np.random.default_rng([*np.asarray(key).tolist(), number])
        variables = network.fresh_variables(row, network.sizes_of(row, options), rng)
        params[name] = variables.pop("params")
        collections[name] = variables
    return Variables(params, collections, frozen={}, carry={})


class Passes:
    """Runs training passes through several networks in sequence and tracks the updated collections of each.

    Create one instance per call of a loss, so that the loss stays pure.
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
