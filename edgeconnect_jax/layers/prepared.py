"""Networks made ready to be run many times with the same weights.

What depends on the weights alone (division by the spectral norm, rounding, an algorithm's transform) is computed
once, and is found in the collection `prepared` in place of the kernels.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import traverse_util

from edgeconnect_jax.layers import algorithms

COLLECTION = "prepared"
_BLOCKS = "blocks"

Tree = Any


def preparing(layer: nn.Module) -> bool:
    """Whether `layer` is called to make what `prepare` returns."""
    return layer.is_mutable_collection(COLLECTION) and not layer.is_initializing()


def prepare(module: nn.Module, variables: Tree, *inputs: Any, **options: Any) -> Tree:
    """The variables of `module` for inference alone, on the default backend; jit it with `variables` as argument.

    Args:
        module: a network made of this package's layers.
        variables: its variables.
        inputs: of the module; only their shapes and dtypes matter, and of these only the channels.

    Returns:
        Variables for `module.apply` in place of `variables`; they cannot be trained.
    """
    _, made = module.apply(variables, *inputs, mutable=[COLLECTION], **options)
    biases = {path: leaf for path, leaf in _flat(variables["params"]).items() if path[-1] != "kernel"}
    return {"params": traverse_util.unflatten_dict(biases), **made}


def in_turn(owner: nn.Module, blocks: Sequence[nn.Module], x: jax.Array, *, train: bool) -> jax.Array:
    """Calls equal blocks one after another, each on what the one before returned.

    Args:
        owner: the module that the blocks are parts of; holds their prepared variables when they are looped over.
        blocks: called as block(x, train=train); they do not change the shape of `x`.
        x: [B, H, W, C].
        train: whether singular vectors advance.
    """
    if preparing(owner) and blocks and algorithms.loops_blocks():
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(block.variables for block in blocks))
        loop = jax.lax.map(lambda variables: prepare(_unbound(blocks), variables, x, train=False), stacked)
        owner.put_variable(COLLECTION, _BLOCKS, loop)
    if owner.has_variable(COLLECTION, _BLOCKS):
        block, stacked = _unbound(blocks), owner.get_variable(COLLECTION, _BLOCKS)
        x, _ = jax.lax.scan(lambda y, variables: (block.apply(variables, y, train=False), None), x, stacked)
        return x
    for block in blocks:
        x = block(x, train=train)
    return x


def _unbound(blocks: Sequence[nn.Module]) -> nn.Module:
    """A block that stands for all, without variables."""
    return blocks[0].clone(parent=None, name=None)


def _flat(tree: Tree) -> dict[tuple[str, ...], Any]:
    return traverse_util.flatten_dict(tree)  # pyright: ignore[reportReturnType]
