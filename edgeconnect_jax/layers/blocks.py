"""Equal blocks, one after another."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from edgeconnect_jax.layers import algorithms, prepared

_PREPARED = "blocks"  # the variable that holds those of all blocks

Tree = Any


def in_turn(owner: nn.Module, blocks: Sequence[nn.Module], x: jax.Array, *, train: bool, remat: bool) -> jax.Array:
    """Calls each block on what the one before returned.

    Args:
        owner: the module that the blocks are parts of; holds their prepared variables, when there are some.
        blocks: called as block(x, train=train); they differ in their variables only and keep the shape of `x`.
        x: [B, H, W, C].
        train: whether singular vectors advance.
        remat: keep only what lies between the blocks for the backward pass and compute the rest again.

    Returns:
        [B, H, W, C].
    """
    if owner.has_variable(prepared.COLLECTION, _PREPARED):
        return _loop(blocks, owner.get_variable(prepared.COLLECTION, _PREPARED), x, train=False, remat=False)[0]
    if owner.is_initializing() or not blocks or not (remat or algorithms.loops_blocks()):
        for block in blocks:
            x = block(x, train=train)
        return x
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(block.variables for block in blocks))
    if prepared.preparing(owner):
        one = _unbound(blocks)
        ready = jax.lax.map(lambda variables: prepared.prepare(one, variables, x, train=False), stacked)
        owner.put_variable(prepared.COLLECTION, _PREPARED, ready)
    x, changed = _loop(blocks, stacked, x, train=train, remat=remat)
    for i, block in enumerate(blocks):
        for collection, variables in changed.items():
            for name, tree in variables.items():
                block.put_variable(collection, name, jax.tree.map(lambda leaf, i=i: leaf[i], tree))
    return x


def _loop(
    blocks: Sequence[nn.Module], stacked: Tree, x: jax.Array, *, train: bool, remat: bool
) -> tuple[jax.Array, Tree]:
    """The result, and the collections that the blocks changed, both variables with a leading axis over the blocks."""
    block = _unbound(blocks)
    mutable = [collection for collection in stacked if train and collection != "params"]

    def call(x: jax.Array, variables: Tree) -> tuple[jax.Array, Tree]:
        x, changed = block.apply(variables, x, train=train, mutable=mutable)
        return x, changed

    # A loop needs no protection from the optimiser, which could undo it elsewhere.
    body = jax.checkpoint(call, prevent_cse=False) if remat else call
    return jax.lax.scan(body, x, stacked)


def _unbound(blocks: Sequence[nn.Module]) -> nn.Module:
    """A block that stands for all, without variables."""
    return blocks[0].clone(parent=None, name=None)
