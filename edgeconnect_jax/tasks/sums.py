"""Metrics of training and validation as sums and counts, which add up over batches and devices."""

from collections.abc import Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp

from edgeconnect_jax.metrics import batched
from edgeconnect_jax.tasks.task import Sums


def of_losses(terms: Mapping[str, jax.Array]) -> Sums:
    """Scalar losses by name, each counted once per step and device."""
    return {name: (value, jnp.ones(())) for name, value in terms.items()}


def averaged(values: jax.Array, weight: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Sum and count of `values` [B] where `weight` [B] is not 0.

    Infinite values, such as the PSNR of equal pictures, are excluded from the mean. NaN is included, so that a diverged
    model is visible.
    """
    weight = weight * ~jnp.isinf(values)
    return jnp.where(weight > 0, values * weight, 0).sum(), weight.sum()


def of_pixels(pictures: jax.Array, truth: jax.Array) -> Sums:
    """PSNR and MAE of pictures against the truth, both [B, H, W, 3] in [0, 1], quantized to 8 bits as in files."""
    weight = jnp.ones(len(pictures))
    pictures, truth = batched.whole_levels(pictures), batched.whole_levels(truth)
    return {
        "psnr": averaged(batched.psnr(pictures, truth), weight),
        "mae": averaged(batched.mae(pictures, truth), weight),
    }


def of_filled(
    pictures: jax.Array,
    truth: jax.Array,
    mask: jax.Array,
    weight: jax.Array,
    parts: Mapping[str, jax.Array] = MappingProxyType({}),
) -> Sums:
    """PSNR, SSIM and MAE over the whole picture and inside the hole.

    Args:
        pictures: filled, merged with the known pixels, [B, H, W, 3] in [0, 1].
        truth: the same shape.
        mask: [B, H, W, 1], 1 = hole.
        weight: weight of each example, [B].
        parts: name -> which examples belong to this part of the set, bool [B].

    Returns:
        "psnr", "psnr_hole" and so on; of each part "psnr_hole_PART" and so on.
    """
    pictures, truth = batched.whole_levels(pictures), batched.whole_levels(truth)
    with_hole = weight * (mask.max(axis=(1, 2, 3)) > 0)  # hole metrics are undefined without a hole
    sums = {}
    for name, metric in (("psnr", batched.psnr), ("ssim", batched.ssim), ("mae", batched.mae)):
        sums[name] = averaged(metric(pictures, truth), weight)
        inside = metric(pictures, truth, mask)
        sums[f"{name}_hole"] = averaged(inside, with_hole)
        sums |= {f"{name}_hole_{part}": averaged(inside, with_hole * chosen) for part, chosen in parts.items()}
    return sums
