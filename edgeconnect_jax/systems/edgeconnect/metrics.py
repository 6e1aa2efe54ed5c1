"""Precision and recall of edge maps."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class EdgeCounts(NamedTuple):
    """Pixels of each example: [B] each.

    Precision is hits / predicted and recall hits / true, over a set the ratios of the sums; undefined, not 1, when
    nothing is predicted or there.
    """

    hits: jax.Array
    predicted: jax.Array
    true: jax.Array


def edge_counts(output: jax.Array, truth: jax.Array, mask: jax.Array, threshold: float) -> EdgeCounts:
    """Counts edge pixels inside the hole.

    Args:
        output: predicted edges [B, H, W, 1] in [0, 1].
        truth: true edges, the same shape.
        mask: [B, H, W, 1], 1 = hole.
        threshold: a value above it is an edge, in both maps.
    """
    predicted = (output > threshold) & (mask > 0)
    true = (truth > threshold) & (mask > 0)
    hits = predicted & true
    return EdgeCounts(*(x.sum(axis=(1, 2, 3)).astype(jnp.float32) for x in (hits, predicted, true)))
