"""The networks of a task: built, initialized, and run one after the other with their mutable state."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from edgeconnect_jax.models import network
from edgeconnect_jax.models.network import Network
from edgeconnect_jax.tasks.task import Variables

Options = Mapping[str, Any]  # config.task


def architecture(networks: Mapping[str, Network], options: Options) -> dict[str, dict[str, Any]]:
    """`Task.architecture`: network -> its sizes, all that is needed to build it again."""
    return {name: network.sizes_of(row, options) for name, row in networks.items()}


def build(networks: Mapping[str, Network], options: Options) -> dict[str, Any]:
    """The modules of `networks` as `options` describe them."""
    return {name: network.build(row, options) for name, row in networks.items()}


def init(networks: Mapping[str, Network], options: Options, key: jax.Array) -> Variables:
    """Fresh variables of `networks`, drawn in their order."""
    params, collections = {}, {}
    for number, (name, row) in enumerate(networks.items()):
        rng = np.random.default_rng([*np.asarray(key).tolist(), number])
        variables = network.fresh_variables(row, network.sizes_of(row, options), rng)
        params[name] = variables.pop("params")
        collections[name] = variables
    return Variables(params, collections, frozen={}, carry={})


class Passes:
    """Training passes through several networks, one after the other; each network keeps the collections it leaves.

    Pure as seen from outside a loss: an instance lives as long as one call of it.
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
