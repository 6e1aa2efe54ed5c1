"""Metrics of training and validation as sums and counts."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from edgeconnect_jax.layers.pixels import composite
from edgeconnect_jax.metrics import batched
from edgeconnect_jax.systems.edgeconnect.metrics import edge_counts
from edgeconnect_jax.tasks.task import Batch, Sums


def of_losses(terms: Mapping[str, jax.Array]) -> Sums:
    """Losses [] by name, each counted once a step and device."""
    return {name: (value, jnp.ones(())) for name, value in terms.items()}


def _averaged(values: jax.Array, weight: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Sum and count of `values` [B] where `weight` [B] is not 0.

    Infinite values, the PSNR of equal pictures, have no mean and do not count; NaN does, so that a model that has
    diverged is seen.
    """
    weight = weight * ~jnp.isinf(values)
    return jnp.where(weight > 0, values * weight, 0).sum(), weight.sum()


def edges(output: jax.Array, batch: Batch, threshold: float, weight: jax.Array | None = None) -> Sums:
    """Precision, recall and F1 of edges inside the holes, over all pixels of the set.

    Args:
        output: predicted edges [B, H, W, 1].
        batch: edge and mask.
        threshold: see `edge_counts`.
        weight: of each example [B]; None counts all.
    """
    counts = edge_counts(output, batch["edge"], batch["mask"], threshold)
    hits, predicted, true = (x.sum() if weight is None else (x * weight).sum() for x in counts)
    return {
        "edge_precision": (hits, predicted),
        "edge_recall": (hits, true),
        "edge_f1": (2 * hits, predicted + true),
    }


def pixels(output: jax.Array, batch: Batch, weight: jax.Array | None = None) -> Sums:
    """PSNR and MAE of the merged pictures, in 8 bits as they would be written.

    Args:
        output: the completion network's output [B, H, W, 3].
        batch: image and mask.
        weight: of each example [B]; None counts all.
    """
    weight = jnp.ones(len(output)) if weight is None else weight
    merged = batched.quantize(composite(output, batch["image"], batch["mask"]))
    truth = batched.quantize(batch["image"])
    return {
        "psnr": _averaged(batched.psnr(merged, truth), weight),
        "mae": _averaged(batched.mae(merged, truth), weight),
    }


def completion(merged: jax.Array, batch: Batch, weight: jax.Array) -> Sums:
    """PSNR, SSIM and MAE of merged pictures [B, H, W, 3], whole and in the hole, each the mean over the pictures."""
    merged, truth, mask = batched.quantize(merged), batched.quantize(batch["image"]), batch["mask"]
    with_hole = weight * (mask.max(axis=(1, 2, 3)) > 0)  # nothing can be said of what is inside no hole
    sums = {}
    for name, metric in (("psnr", batched.psnr), ("ssim", batched.ssim), ("mae", batched.mae)):
        sums[name] = _averaged(metric(merged, truth), weight)
        sums[f"{name}_hole"] = _averaged(metric(merged, truth, mask), with_hole)
    return sums
