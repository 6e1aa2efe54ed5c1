"""Chains of identical blocks, with optional rematerialization."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn


def run_blocks(blocks: Sequence[nn.Module], x: jax.Array, *, train: bool, remat: bool) -> jax.Array:
    """Calls each block on the output of the previous one.

    Args:
        blocks: called as block(x, train=train); they differ only in their variables and preserve the shape of `x`.
        x: [B, H, W, C].
        train: whether singular vectors advance.
        remat: in training, store only the inputs of the blocks for the backward pass and recompute the rest (Chen et
            al. 2016, arXiv 1604.06174).

    Returns:
        [B, H, W, C].
    """
    if remat and train and blocks:
        return _run_rematerialized(blocks, x)
    for block in blocks:
        x = block(x, train=train)
    return x


def _run_rematerialized(blocks: Sequence[nn.Module], x: jax.Array) -> jax.Array:
    """Runs the blocks in training mode, storing only their inputs for the backward pass."""
    one = blocks[0].clone(parent=None, name=None)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(block.variables for block in blocks))
    mutable = [collection for collection in stacked if collection != "params"]

    def call(x: jax.Array, variables: dict) -> tuple[Any, Any]:
        x, changed = one.apply(variables, x, train=True, mutable=mutable)
        return x, changed

    # A loop, because without one XLA's CPU backend merges the recomputation with the forward pass and stores the
    # results after all. Inside the loop no other barrier against this is needed.
    x, changed = jax.lax.scan(jax.checkpoint(call, prevent_cse=False), x, stacked)
    for i, block in enumerate(blocks):
        for collection, entries in changed.items():
            for name, tree in entries.items():
                block.put_variable(collection, name, jax.tree.map(lambda leaf, i=i: leaf[i], tree))
    return x
