"""Equal blocks, one after another."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn


def in_turn(blocks: Sequence[nn.Module], x: jax.Array, *, train: bool, remat: bool) -> jax.Array:
    """Calls each block on what the one before returned.

    Args:
        blocks: called as block(x, train=train); they differ in their variables only and keep the shape of `x`.
        x: [B, H, W, C].
        train: whether singular vectors advance.
        remat: in training, keep only what lies between the blocks for the backward pass and compute the rest again
            (Chen et al. 2016, arXiv 1604.06174).

    Returns:
        [B, H, W, C].
    """
    if remat and train and blocks:
        return _computed_again(blocks, x)
    for block in blocks:
        x = block(x, train=train)
    return x


def _computed_again(blocks: Sequence[nn.Module], x: jax.Array) -> jax.Array:
    """The blocks in training, of which nothing but what lies between them is kept for the backward pass."""
    one = blocks[0].clone(parent=None, name=None)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(block.variables for block in blocks))
    mutable = [collection for collection in stacked if collection != "params"]

    def call(x: jax.Array, variables: dict) -> tuple[Any, Any]:
        x, changed = one.apply(variables, x, train=True, mutable=mutable)
        return x, changed

    # In a loop, since XLA's CPU backend would compute equal things only once and keep them after all. There the
    # optimiser need not be held off by other means.
    x, changed = jax.lax.scan(jax.checkpoint(call, prevent_cse=False), x, stacked)
    for i, block in enumerate(blocks):
        for collection, entries in changed.items():
            for name, tree in entries.items():
                block.put_variable(collection, name, jax.tree.map(lambda leaf, i=i: leaf[i], tree))
    return x
