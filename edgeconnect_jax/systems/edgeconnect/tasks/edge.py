"""Stage 1: the edge generator against its discriminator."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.layers import pixels
from edgeconnect_jax.losses.adversarial import adversarial
from edgeconnect_jax.losses.feature_matching import feature_matching
from edgeconnect_jax.models.discriminators import PatchDiscriminator
from edgeconnect_jax.systems.edgeconnect.networks import NETWORKS, edge_input
from edgeconnect_jax.tasks import image_pool, optimizers
from edgeconnect_jax.tasks import passes as networks
from edgeconnect_jax.tasks import sums as measures
from edgeconnect_jax.tasks.task import (
    Aux,
    Batch,
    Context,
    Phase,
    Pictures,
    Player,
    Sums,
    Task,
    Update,
    Variables,
    Watch,
)

GENERATOR, DISCRIMINATOR = "edge_generator", "edge_discriminator"
POOL_CHANNELS = 2  # luminance and edges


class EdgeLoss(NamedTuple):
    """Attributes: `total` [], `terms` name -> weighted loss [], `carry` the pool after the passes."""

    total: jax.Array
    terms: dict[str, jax.Array]
    carry: dict[str, image_pool.ImagePool]


def player(name: str, config: Config) -> Player:
    """How a network of this system is trained."""
    return optimizers.player(config.optimizer, discriminates=NETWORKS[name].module is PatchDiscriminator)


def total(terms: Mapping[str, jax.Array]) -> jax.Array:
    """The sum of weighted losses []."""
    return jnp.stack(list(terms.values())).sum()


def imagine(passes: networks.Passes, batch: Batch, *, constant: bool = False) -> jax.Array:
    """The edge generator's map [B, H, W, 1] in training mode; `constant` as in `Passes`."""
    gray = pixels.gray_of(batch["image"])
    return passes(GENERATOR, edge_input(gray, batch["edge"], batch["mask"]), constant=constant)


def imagine_for_evaluation(module: Any, variables: Variables, batch: Batch) -> jax.Array:
    """The edge generator's map [B, H, W, 1] in evaluation mode."""
    gray = pixels.gray_of(batch["image"])
    return module.apply(variables.of(GENERATOR), edge_input(gray, batch["edge"], batch["mask"]))


def edge_loss(
    passes: networks.Passes, edges: jax.Array, batch: Batch, carry: dict, context: Context, losses: Config
) -> EdgeLoss:
    """The losses of D1 and of the edge generator, on one real and two fake passes through D1, in this order.

    Args:
        passes: runs and holds the networks.
        edges: the generator's output [B, H, W, 1].
        batch: image and edge.
        carry: the image pool, under the discriminator's name, when there is one.
        context: for the random draws of the pool.
        losses: config.losses.
    """
    gan = adversarial(losses.gan)
    gray = pixels.gray_of(batch["image"])
    real = pixels.concatenate(gray, batch["edge"])
    fake = pixels.concatenate(gray, edges)
    carry, shown = image_pool.shown(DISCRIMINATOR, carry, fake, context.example_keys)
    on_real = passes(DISCRIMINATOR, real)
    on_shown = passes(DISCRIMINATOR, shown)
    on_fake = passes(DISCRIMINATOR, fake, constant=True)
    terms = {
        "edge_discriminator": (gan.real(on_real.logits) + gan.fake(on_shown.logits)) / 2,
        "edge_adversarial": gan.generator(on_fake.logits),
        "feature_matching": losses.feature_matching * feature_matching(on_fake.features, on_real.features),
    }
    return EdgeLoss(total(terms), terms, carry)


def edge_task(config: Config) -> Task:
    """The task of stage 1."""
    names = (GENERATOR, DISCRIMINATOR)
    rows = {name: NETWORKS[name] for name in names}
    modules = networks.build(rows, config.task)

    def init(key: jax.Array, size: tuple[int, int]) -> Variables:
        pool = image_pool.create_for(DISCRIMINATOR, (*size, POOL_CHANNELS), config.losses.pool_size)
        return networks.init(rows, config.task, key)._replace(carry=pool)

    def loss(variables: Variables, batch: Batch, context: Context) -> tuple[jax.Array, Aux]:
        passes = networks.Passes(modules, variables)
        edges = imagine(passes, batch)
        result = edge_loss(passes, edges, batch, variables.carry, context, config.losses)
        sums = measures.of_losses(result.terms) | measures.edges(edges, batch, config.eval.edge_threshold)
        return result.total, Aux(passes.collections, result.carry, sums)

    def predict(variables: Variables, batch: Batch) -> Pictures:
        edges = imagine_for_evaluation(modules[GENERATOR], variables, batch)
        return edge_pictures(edges, batch)

    def metrics(pictures: Pictures, batch: Batch, weight: jax.Array) -> Sums:
        return measures.edges(pictures["generated edges"], batch, config.eval.edge_threshold, weight)

    return Task(
        init=init,
        players={name: player(name, config) for name in names},
        phases=(Phase((Update(names, loss),)),),
        predict=predict,
        metrics=metrics,
        watch=Watch("edge_f1", higher_is_better=True),
        architecture=networks.architecture(rows, config.task),
    )


def edge_pictures(edges: jax.Array, batch: Batch) -> Pictures:
    """What there is to see of an edge generator's output `edges` [B, H, W, 1]."""
    mask = batch["mask"]
    return {
        "masked input": pixels.masked_picture(batch["image"], mask),
        "known edges": batch["edge"] * (1 - mask),
        "generated edges": edges,
        "merged edges": pixels.composite(edges, batch["edge"], mask),
        "true edges": batch["edge"],
    }
