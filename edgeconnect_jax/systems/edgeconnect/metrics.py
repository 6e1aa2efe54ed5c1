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


class NearCounts(NamedTuple):
    """Edge pixels of each hole that have a counterpart within a tolerance, and as many as chance would find: [B] each.

    Precision is right / predicted and recall found / true, with `EdgeCounts` of the same hole; those of chance are
    chance_right / predicted and chance_found / true.

    Attributes:
        right: predicted edge pixels in the hole with a true one near them, inside the hole or outside.
        found: true edge pixels in the hole with a predicted one of the hole near them.
        chance_right: the expectation of `right` for a map that marks as many pixels of the hole as the predicted one,
            drawn without replacement, each with the same probability.
        chance_found: the expectation of `found` for that map.
    """

    right: jax.Array
    found: jax.Array
    chance_right: jax.Array
    chance_found: jax.Array


def near_counts(output: jax.Array, truth: jax.Array, mask: jax.Array, threshold: float, tolerance: int) -> NearCounts:
    """Counts edge pixels inside the hole that agree within a tolerance, beside chance.

    Two pixels are near each other if neither their rows nor their columns differ by more than `tolerance` (Chebyshev's
    distance: for 1 the pixel and its eight neighbours). Known edges count as true ones and never as predicted ones, so
    that they find nothing by themselves. With a tolerance of 0, `right` and `found` are `EdgeCounts.hits`.

    Chance draws k of the n pixels of the hole, k as many as are predicted. Each of them is near a true edge with the
    probability D / n, if D pixels of the hole are: chance_right = k D / n. A true edge pixel with m pixels of the hole
    near it is found with the probability 1 - C(n - m, k) / C(n, k) (hypergeometric; about 1 - (1 - k / n)^m):
    chance_found is the sum over the true edge pixels of the hole. Both are exact expectations.

    Args:
        output: predicted edges [B, H, W, 1] in [0, 1].
        truth: true edges, the same shape.
        mask: [B, H, W, 1], 1 = hole.
        threshold: a value above it is an edge, in both maps.
        tolerance: in pixels, 0 or more.
    """
    hole, true = mask > 0, truth > threshold
    predicted, near_true = (output > threshold) & hole, _near(true, tolerance) & hole
    drawn, pixels = _count(predicted), jnp.maximum(_count(hole), 1)
    found_by_chance = jnp.where(true & hole, _chance_of_finding(hole, drawn, tolerance), 0)
    return NearCounts(
        right=_count(predicted & near_true),
        found=_count(true & hole & _near(predicted, tolerance)),
        chance_right=drawn * _count(near_true) / pixels,
        chance_found=found_by_chance.sum(axis=(1, 2, 3)),
    )


def _count(pixels: jax.Array) -> jax.Array:
    """True pixels of bool [B, H, W, 1]: float32 [B]."""
    return pixels.sum(axis=(1, 2, 3)).astype(jnp.float32)


def _sum_near(pixels: jax.Array, tolerance: int) -> jax.Array:
    """How many pixels of bool [B, H, W, 1] are near each pixel, that one included: int32 of the same shape."""
    window = (1, 2 * tolerance + 1, 2 * tolerance + 1, 1)
    return jax.lax.reduce_window(pixels.astype(jnp.int32), 0, jax.lax.add, window, (1, 1, 1, 1), "SAME")


def _near(pixels: jax.Array, tolerance: int) -> jax.Array:
    """The pixels near one of bool [B, H, W, 1]: bool of the same shape."""
    return _sum_near(pixels, tolerance) > 0


def _chance_of_finding(hole: jax.Array, drawn: jax.Array, tolerance: int) -> jax.Array:
    """For each pixel the probability that one of `drawn` [B] pixels of the hole [B, H, W, 1] lies near it.

    C(n - m, k) / C(n, k) is the product of 1 - k / (n - i) for i from 0 to m - 1.
    """
    remaining = _count(hole)[:, None] - jnp.arange((2 * tolerance + 1) ** 2)[None]
    ratio = jnp.minimum(drawn[:, None] / jnp.maximum(remaining, 1), 1)
    missed = jnp.pad(jnp.cumsum(jnp.log1p(-ratio), axis=1), ((0, 0), (1, 0)))  # of m = 0, 1, ...
    near = _sum_near(hole, tolerance)
    return -jnp.expm1(jnp.take_along_axis(missed, near.reshape(len(near), -1), axis=1)).reshape(near.shape)
