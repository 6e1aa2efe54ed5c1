"""Shared parts of the stages: their networks, initialization and training."""

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import hole_shapes
from edgeconnect_jax.models.network import Network
from edgeconnect_jax.systems.edgeconnect.metrics import edge_counts, near_counts
from edgeconnect_jax.systems.edgeconnect.networks import CHANNELS, NETWORKS
from edgeconnect_jax.tasks import image_pool, optimizers, passes
from edgeconnect_jax.tasks.task import Batch, Player, Spec, Sums, Variables

_DISCRIMINATORS = ("edge_discriminator", "inpaint_discriminator")


def chosen(names: Sequence[str]) -> dict[str, Network]:
    """The networks called `names`, in their order."""
    return {name: NETWORKS[name] for name in names}


def initializer(names: Sequence[str], config: Config) -> Callable[[jax.Array, Spec], Variables]:
    """`Task.init` for the networks called `names`, with an image pool for each discriminator among them."""

    def init(key: jax.Array, spec: Spec) -> Variables:
        size, places = spec["image"].shape[:2], config.losses.pool_size
        pools = {}
        for name in (name for name in names if name in _DISCRIMINATORS):
            pools |= image_pool.create_for(name, (*size, CHANNELS[name]), places)
        return passes.init(chosen(names), config.task, key)._replace(carry=pools)

    return init


def players(names: Sequence[str], config: Config) -> dict[str, Player]:
    """`Task.players` for the networks called `names`."""
    return {name: optimizers.player(config.optimizer, discriminates=name in _DISCRIMINATORS) for name in names}


def total(terms: Mapping[str, jax.Array]) -> jax.Array:
    """The sum of the weighted losses, a scalar."""
    return jnp.stack(list(terms.values())).sum()


def edge_sums(edges: jax.Array, batch: Batch, threshold: float, weight: jax.Array | None = None) -> Sums:
    """Precision, recall and F1 of edges inside the holes, over all pixels of the set.

    Args:
        edges: predicted [B, H, W, 1].
        batch: edge and mask.
        threshold: see `edge_counts`.
        weight: weight of each example, [B]; None counts all.
    """
    counts = edge_counts(edges, batch["edge"], batch["mask"], threshold)
    hits, predicted, true = (x.sum() if weight is None else (x * weight).sum() for x in counts)
    return {
        "edge_precision": (hits, predicted),
        "edge_recall": (hits, true),
        "edge_f1": (2 * hits, predicted + true),
    }


def validation_edge_sums(edges: jax.Array, batch: Batch, options: Config, weight: jax.Array) -> Sums:
    """`edge_sums`, and precision and recall within a tolerance with those to expect of chance, see `near_counts`.

    Args:
        edges: predicted [B, H, W, 1].
        batch: edge and mask.
        options: config.eval: edge_threshold and edge_tolerance.
        weight: weight of each example, [B].
    """
    arrays, threshold = (edges, batch["edge"], batch["mask"]), options.edge_threshold
    exact, near = edge_counts(*arrays, threshold), near_counts(*arrays, threshold, options.edge_tolerance)
    predicted, true = ((x * weight).sum() for x in (exact.predicted, exact.true))
    right, found, chance_right, chance_found = ((x * weight).sum() for x in near)
    return edge_sums(edges, batch, threshold, weight) | {
        "edge_precision_near": (right, predicted),
        "chance_precision_near": (chance_right, predicted),
        "edge_recall_near": (found, true),
        "chance_recall_near": (chance_found, true),
    }


def by_hole_shape(batch: Batch, kind: str) -> dict[str, jax.Array]:
    """Shape -> which examples have a hole of this shape, bool [B], where masks.kind mixes several; empty otherwise."""
    return {shape: batch["hole_shape"][:, 0, 0, 0] == number for shape, number in hole_shapes.mixed(kind).items()}
