"""Stage 1: the edge generator against its discriminator."""

from typing import Any, NamedTuple

import jax

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.layers import pixels
from edgeconnect_jax.losses.adversarial import adversarial
from edgeconnect_jax.losses.feature_matching import feature_matching
from edgeconnect_jax.systems.edgeconnect.networks import edge_input
from edgeconnect_jax.systems.edgeconnect.tasks import common
from edgeconnect_jax.tasks import image_pool, passes, sums
from edgeconnect_jax.tasks.passes import Passes
from edgeconnect_jax.tasks.task import Aux, Batch, Context, Phase, Pictures, Sums, Task, Update, Variables, Watch

GENERATOR, DISCRIMINATOR = "edge_generator", "edge_discriminator"


class EdgeLoss(NamedTuple):
    """The result of `edge_loss`.

    Attributes:
        total: the sum of `terms` [].
        terms: name -> weighted loss [].
        carry: the image pool after the passes.
    """

    total: jax.Array
    terms: dict[str, jax.Array]
    carry: dict[str, image_pool.ImagePool]


def generated(run: Passes, batch: Batch, *, constant: bool = False) -> jax.Array:
    """The edge generator's map [B, H, W, 1] in training mode; `constant` as in `Passes`."""
    gray = pixels.gray_of(batch["image"])
    return run(GENERATOR, edge_input(gray, batch["edge"], batch["mask"]), constant=constant)


def predicted(module: Any, variables: Variables, batch: Batch) -> jax.Array:
    """The edge generator's map [B, H, W, 1] in evaluation mode."""
    gray = pixels.gray_of(batch["image"])
    return module.apply(variables.of(GENERATOR), edge_input(gray, batch["edge"], batch["mask"]))


def edge_loss(run: Passes, edges: jax.Array, batch: Batch, carry: dict, context: Context, losses: Config) -> EdgeLoss:
    """The losses of D1 and of the edge generator, on one real and two fake passes through D1, in this order.

    Args:
        run: runs and holds the networks.
        edges: the generator's output [B, H, W, 1].
        batch: image and edge.
        carry: the image pool, if any, under the discriminator's name.
        context: for the random draws of the pool.
        losses: config.losses.
    """
    gan = adversarial(losses.gan)
    gray = pixels.gray_of(batch["image"])
    real = pixels.concatenate(gray, batch["edge"])
    fake = pixels.concatenate(gray, edges)
    carry, shown = image_pool.shown(DISCRIMINATOR, carry, fake, context.example_keys)
    on_real = run(DISCRIMINATOR, real)
    on_shown = run(DISCRIMINATOR, shown)
    on_fake = run(DISCRIMINATOR, fake, constant=True)
    terms = {
        "edge_discriminator": (gan.real(on_real.logits) + gan.fake(on_shown.logits)) / 2,
        "edge_adversarial": gan.generator(on_fake.logits),
        "feature_matching": losses.feature_matching * feature_matching(on_fake.features, on_real.features),
    }
    return EdgeLoss(common.total(terms), terms, carry)


def edge_task(config: Config) -> Task:
    """The task of stage 1."""
    names = (GENERATOR, DISCRIMINATOR)
    networks = common.chosen(names)
    modules = passes.build(networks, config.task)
    threshold = config.eval.edge_threshold

    def loss(variables: Variables, batch: Batch, context: Context) -> tuple[jax.Array, Aux]:
        run = Passes(modules, variables)
        edges = generated(run, batch)
        result = edge_loss(run, edges, batch, variables.carry, context, config.losses)
        measured = sums.of_losses(result.terms) | common.edge_sums(edges, batch, threshold)
        return result.total, Aux(run.collections, result.carry, measured)

    def predict(variables: Variables, batch: Batch) -> Pictures:
        return _pictures(predicted(modules[GENERATOR], variables, batch), batch)

    def metrics(pictures: Pictures, batch: Batch, weight: jax.Array) -> Sums:
        return common.validation_edge_sums(pictures["generated edges"], batch, config.eval, weight)

    return Task(
        init=common.initializer(names, config),
        players=common.players(names, config),
        phases=(Phase((Update(names, loss),)),),
        predict=predict,
        metrics=metrics,
        watch=Watch("edge_f1", higher_is_better=True),
        architecture=passes.architecture(networks, config.task),
    )


def _pictures(edges: jax.Array, batch: Batch) -> Pictures:
    """The edge generator's output `edges` [B, H, W, 1] together with its input."""
    mask = batch["mask"]
    return {
        "masked input": pixels.masked_picture(batch["image"], mask),
        "known edges": batch["edge"] * (1 - mask),
        "generated edges": edges,
        "merged edges": pixels.composite(edges, batch["edge"], mask),
        "true edges": batch["edge"],
    }
