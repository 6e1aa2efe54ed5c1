"""The contract that describes a network to training, inference, conversion and checkpoints."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from edgeconnect_jax.layers import initialization

Sizes: TypeAlias = Mapping[str, Any]
Tree: TypeAlias = Any


class Network(NamedTuple):
    """A network that can be built, initialized, converted, saved and loaded.

    Attributes:
        module: (**sizes, **options) -> the module.
        inputs: (sizes) -> for each of its inputs [B, H, W, C] the channels, or (H, W, C) where the network has
            parameters for one size only.
        sizes: options of `config.task` that determine what it computes: widths, depths, variants. Checkpoints store
            them in meta["networks"], and the network is rebuilt from them alone.
        options: options of `config.task` that the module also takes and that may differ from run to run, such as
            "dtype".
        side: height and width of the smallest pictures it accepts, in pixels.
        kernel: (generator, shape) -> an initial kernel; see `layers.initialization`.
    """

    module: Callable[..., nn.Module]
    inputs: Callable[[Sizes], Sequence[int | tuple[int, int, int]]]
    sizes: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    side: int = 32
    kernel: Callable[..., np.ndarray] = initialization.normal


def takes(*channels: int) -> Callable[[Sizes], tuple[int, ...]]:
    """`Network.inputs` of a network whose inputs always have these channels."""
    return lambda sizes: channels


def sizes_of(network: Network, options: Mapping[str, Any]) -> dict[str, Any]:
    """The sizes of a network set by `options` (config.task), as stored in a checkpoint."""
    return {name: options[name] for name in network.sizes}


def build(network: Network, options: Mapping[str, Any]) -> Any:
    """Builds the module of a network from `options` (config.task)."""
    given = {name: jnp.dtype(options[name]) if name == "dtype" else options[name] for name in network.options}
    return network.module(**sizes_of(network, options), **given)


def example_inputs(network: Network, sizes: Sizes) -> list[jax.ShapeDtypeStruct]:
    """The smallest inputs of a network, [1, H, W, C] each, float32."""
    inputs = [(network.side, network.side, x) if isinstance(x, int) else x for x in network.inputs(sizes)]
    return [jax.ShapeDtypeStruct((1, *shape), jnp.float32) for shape in inputs]


def variable_shapes(network: Network, sizes: Sizes) -> Tree:
    """The variables of a network as `jax.ShapeDtypeStruct`s; nothing is computed."""
    key = jax.ShapeDtypeStruct((2,), jnp.uint32)
    return jax.eval_shape(network.module(**sizes).init, key, *example_inputs(network, sizes))


def fresh_variables(network: Network, sizes: Sizes, rng: np.random.Generator) -> Tree:
    """Initial variables of a network, drawn from `rng`, as NumPy arrays."""
    inputs = example_inputs(network, sizes)
    return initialization.initialize(network.module(**sizes), rng, *inputs, kernel=network.kernel)


def random_variables(network: Network, seed: int = 0) -> Tree:
    """Initial variables of a network without sizes; a seed gives the same variables on every machine."""
    return fresh_variables(network, {}, np.random.default_rng(seed))
