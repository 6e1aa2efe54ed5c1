"""Stages 2 and 3: the completion network, fed true edges or those of a frozen edge generator."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.layers import pixels
from edgeconnect_jax.losses import perceptual
from edgeconnect_jax.losses.adversarial import adversarial
from edgeconnect_jax.models.vgg import VGG19
from edgeconnect_jax.systems.edgeconnect.networks import NETWORKS, completion_input
from edgeconnect_jax.systems.edgeconnect.tasks import edge
from edgeconnect_jax.tasks import image_pool
from edgeconnect_jax.tasks import passes as networks
from edgeconnect_jax.tasks import sums as measures
from edgeconnect_jax.tasks.task import Aux, Batch, Context, Phase, Pictures, Sums, Task, Update, Variables, Watch

GENERATOR, DISCRIMINATOR = "inpaint_generator", "inpaint_discriminator"
VGG = "vgg19"
POOL_CHANNELS = 3  # RGB

WATCH = Watch("psnr_hole", higher_is_better=True)


class CompletionLoss(NamedTuple):
    """Attributes: `output` [B, H, W, 3], `total` [], `terms` name -> weighted loss [], `carry` the pool."""

    output: jax.Array
    total: jax.Array
    terms: dict[str, jax.Array]
    carry: dict[str, image_pool.ImagePool]


def frozen_networks(losses: Config) -> dict[str, str]:
    """VGG19 and where its weights come from, when a loss needs it."""
    return {VGG: losses.vgg_weights} if losses.content or losses.style else {}


def completion_loss(
    passes: networks.Passes,
    edges: jax.Array,
    batch: Batch,
    variables: Variables,
    context: Context,
    config: Config,
) -> CompletionLoss:
    """The losses of D2 and of the completion network, on one real and two fake passes through D2, in this order.

    Args:
        passes: runs and holds the networks.
        edges: the edge map that the completion network is given, [B, H, W, 1].
        batch: image and mask.
        variables: for VGG19 and the image pool.
        context: for the mean hole of the global batch and the random draws of the pool.
        config: of the run.
    """
    losses = config.losses
    gan = adversarial(losses.gan)
    image, mask = batch["image"], batch["mask"]
    output = passes(GENERATOR, completion_input(image, edges, mask))
    carry, shown = image_pool.shown(DISCRIMINATOR, variables.carry, output, context.example_keys)
    on_real = passes(DISCRIMINATOR, image)
    on_shown = passes(DISCRIMINATOR, shown)
    on_fake = passes(DISCRIMINATOR, output, constant=True)
    terms = {
        "inpaint_discriminator": (gan.real(on_real.logits) + gan.fake(on_shown.logits)) / 2,
        "inpaint_adversarial": losses.adversarial * gan.generator(on_fake.logits),
        "l1": losses.l1 * jnp.abs(output - image).mean() / _mean_hole(mask, context),
        **_perceptual_terms(variables.frozen, output, batch, config),
    }
    return CompletionLoss(output, edge.total(terms), terms, carry)


def _mean_hole(mask: jax.Array, context: Context) -> jax.Array:
    """The hole's share of the global batch, []; 1 for a batch without any hole, where the original divides by 0."""
    mean = context.global_mean(mask.mean())
    return jnp.where(mean > 0, mean, 1.0)


def _perceptual_terms(frozen: dict, output: jax.Array, batch: Batch, config: Config) -> dict[str, jax.Array]:
    """The weighted content and style losses; one whose weight is 0 is left out."""
    losses, dtype, terms = config.losses, config.task.dtype, {}
    if losses.content:
        fake, real = _features(frozen, output, batch["image"], dtype, last=perceptual.CONTENT_LAYERS[-1])
        terms["content"] = losses.content * perceptual.content(fake, real)
    if losses.style:
        mask = batch["mask"]
        fake, real = _features(frozen, output * mask, batch["image"] * mask, dtype, last=perceptual.STYLE_LAYERS[-1])
        terms["style"] = losses.style * perceptual.style(fake, real)
    return terms


def _features(frozen: dict, output: jax.Array, image: jax.Array, dtype: str, last: str) -> tuple[dict, dict]:
    """VGG19's features of both, up to layer `last`; the parts of its backward pass that nothing needs are not built."""
    vgg: Any = VGG19(last, dtype=jnp.dtype(dtype))
    return vgg.apply(frozen[VGG], output), jax.lax.stop_gradient(vgg.apply(frozen[VGG], image))


def _task(config: Config, names: tuple[str, ...], pretrained: tuple[str, ...]) -> Task:
    """The completion network as a task.

    Args:
        config: the run.
        names: its networks.
        pretrained: those of them that stay frozen; with the edge generator there, its edges are used.
    """
    rows = {name: NETWORKS[name] for name in names}
    modules = networks.build(rows, config.task)
    players = tuple(name for name in names if name not in pretrained)
    from_generator = edge.GENERATOR in names

    def init(key: jax.Array, size: tuple[int, int]) -> Variables:
        pool = image_pool.create_for(DISCRIMINATOR, (*size, POOL_CHANNELS), config.losses.pool_size)
        return networks.init(rows, config.task, key)._replace(carry=pool)

    def loss(variables: Variables, batch: Batch, context: Context) -> tuple[jax.Array, Aux]:
        passes = networks.Passes(modules, variables)
        edges, sums = batch["edge"], {}
        if from_generator:
            generated = edge.imagine(passes, batch, constant=True)
            sums = measures.edges(generated, batch, config.eval.edge_threshold)
            edges = jax.lax.stop_gradient(pixels.composite(generated, edges, batch["mask"]))
        result = completion_loss(passes, edges, batch, variables, context, config)
        sums |= measures.of_losses(result.terms) | measures.pixels(result.output, batch)
        return result.total, Aux(passes.collections, result.carry, sums)

    return Task(
        init=init,
        players={name: edge.player(name, config) for name in players},
        phases=(Phase((Update(players, loss),)),),
        predict=predictor(modules),
        metrics=measurer(modules, config),
        watch=WATCH,
        frozen=frozen_networks(config.losses),
        pretrained=pretrained,
        architecture=networks.architecture(rows, config.task),
    )


def predictor(modules: dict[str, Any]) -> Callable[[Variables, Batch], Pictures]:
    """`Task.predict` for the completion network, with an edge generator when `modules` hold one."""

    def predict(variables: Variables, batch: Batch) -> Pictures:
        image, mask, edges = batch["image"], batch["mask"], batch["edge"]
        pictures = {
            "masked input": pixels.masked_picture(image, mask),
            "known edges": edges * (1 - mask),
        }
        if edge.GENERATOR in modules:
            pictures["generated edges"] = edge.imagine_for_evaluation(modules[edge.GENERATOR], variables, batch)
            edges = pixels.composite(pictures["generated edges"], edges, mask)
        else:
            pictures["true edges"] = edges
        given = completion_input(image, edges, mask)
        pictures["output"] = modules[GENERATOR].apply(variables.of(GENERATOR), given)
        pictures["merged"] = pixels.composite(pictures["output"], image, mask)
        return pictures | {"truth": image}

    return predict


def measurer(modules: dict[str, Any], config: Config) -> Callable[[Pictures, Batch, jax.Array], Sums]:
    """`Task.metrics` for the completion network, with those of the edges when `modules` hold their generator."""

    def metrics(pictures: Pictures, batch: Batch, weight: jax.Array) -> Sums:
        sums = measures.completion(pictures["merged"], batch, weight)
        if edge.GENERATOR in modules:
            sums |= measures.edges(pictures["generated edges"], batch, config.eval.edge_threshold, weight)
        return sums

    return metrics


def inpaint_task(config: Config) -> Task:
    """The task of stage 2: completion from the true edges."""
    return _task(config, (GENERATOR, DISCRIMINATOR), pretrained=())


def edge_inpaint_task(config: Config) -> Task:
    """The task of stage 3: completion from a frozen edge generator's edges, merged with the true ones outside the hole.

    As in the original the frozen generator stays in training mode: its spectral-norm vectors go on iterating.
    """
    return _task(config, (edge.GENERATOR, GENERATOR, DISCRIMINATOR), pretrained=(edge.GENERATOR,))
