"""Stages 2 and 3: the completion network, fed true edges or those of a frozen edge generator."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import hole_shapes
from edgeconnect_jax.layers import pixels
from edgeconnect_jax.losses import perceptual
from edgeconnect_jax.losses.adversarial import adversarial
from edgeconnect_jax.metrics.baselines import BASELINES, Baseline
from edgeconnect_jax.models.backbones import BACKBONES
from edgeconnect_jax.systems.edgeconnect.networks import completion_input
from edgeconnect_jax.systems.edgeconnect.perceptual import PERCEPTUAL_WEIGHTS
from edgeconnect_jax.systems.edgeconnect.tasks import common, edge
from edgeconnect_jax.tasks import image_pool, passes, sums
from edgeconnect_jax.tasks.passes import Passes
from edgeconnect_jax.tasks.task import (
    Aux,
    Batch,
    Context,
    Frozen,
    OwnTable,
    Phase,
    Pictures,
    Reference,
    Report,
    Sums,
    Task,
    Update,
    Variables,
    Watch,
)

GENERATOR, DISCRIMINATOR = "inpaint_generator", "inpaint_discriminator"

WATCH = Watch("psnr_hole", higher_is_better=True)
_COLUMNS = (
    ("psnr_hole", "PSNR in the hole (dB)"),
    ("ssim_hole", "SSIM in the hole"),
    ("psnr", "PSNR (dB)"),
    ("ssim", "SSIM"),
)


class CompletionLoss(NamedTuple):
    """The result of `completion_loss`.

    Attributes:
        output: output of the completion network [B, H, W, 3].
        total: the sum of `terms` [].
        terms: name -> weighted loss [].
        carry: the image pools after the passes.
    """

    output: jax.Array
    total: jax.Array
    terms: dict[str, jax.Array]
    carry: dict[str, image_pool.ImagePool]


def frozen_networks(losses: Config) -> dict[str, Frozen]:
    """The network whose features the content and style losses compare, if one of these is used."""
    name, option = losses.perceptual, PERCEPTUAL_WEIGHTS[losses.perceptual]
    frozen = Frozen(BACKBONES[name], losses[option], f"losses.{option}")
    return {name: frozen} if losses.content or losses.style else {}


def completion_loss(
    run: Passes, edges: jax.Array, batch: Batch, variables: Variables, context: Context, config: Config
) -> CompletionLoss:
    """The losses of D2 and of the completion network, on one real and two fake passes through D2, in this order.

    Args:
        run: runs and holds the networks.
        edges: the edge map for the completion network, [B, H, W, 1].
        batch: image and mask.
        variables: contain the network of `frozen_networks` and the image pool.
        context: for the mean hole of the global batch and the random draws of the pool.
        config: configuration of the run.
    """
    losses = config.losses
    gan = adversarial(losses.gan)
    image, mask = batch["image"], batch["mask"]
    output = run(GENERATOR, completion_input(image, edges, mask))
    carry, shown = image_pool.shown(DISCRIMINATOR, variables.carry, output, context.example_keys)
    on_real = run(DISCRIMINATOR, image)
    on_shown = run(DISCRIMINATOR, shown)
    on_fake = run(DISCRIMINATOR, output, constant=True)
    terms = {
        "inpaint_discriminator": (gan.real(on_real.logits) + gan.fake(on_shown.logits)) / 2,
        "inpaint_adversarial": losses.adversarial * gan.generator(on_fake.logits),
        "l1": losses.l1 * jnp.abs(output - image).mean() / _mean_hole(mask, context),
        **_perceptual_terms(variables.frozen, output, batch, config),
    }
    return CompletionLoss(output, common.total(terms), terms, carry)


def measured(result: CompletionLoss, batch: Batch) -> Sums:
    """The sums of a training step."""
    merged = pixels.composite(result.output, batch["image"], batch["mask"])
    return sums.of_losses(result.terms) | sums.of_pixels(merged, batch["image"])


def _mean_hole(mask: jax.Array, context: Context) -> jax.Array:
    """The fraction of the global batch that is hole; 1 for a batch without holes, where the original divides by 0."""
    mean = context.global_mean(mask.mean())
    return jnp.where(mean > 0, mean, 1.0)


def _perceptual_terms(frozen: dict, output: jax.Array, batch: Batch, config: Config) -> dict[str, jax.Array]:
    """The weighted content and style losses, without those of weight 0."""
    losses, terms = config.losses, {}
    layers = perceptual.LAYERS[losses.perceptual]
    if losses.content:
        fake, real = _features(frozen, output, batch["image"], config, last=[*layers.content][-1])
        terms["content"] = losses.content * perceptual.content(fake, real, layers.content)
    if losses.style:
        mask = batch["mask"]
        fake, real = _features(frozen, output * mask, batch["image"] * mask, config, last=[*layers.style][-1])
        terms["style"] = losses.style * perceptual.style(fake, real, layers.style)
    return terms


def _features(frozen: dict, output: jax.Array, image: jax.Array, config: Config, last: str) -> tuple[dict, dict]:
    """The features of both pictures up to layer `last`, without unused parts of the backward pass."""
    name = config.losses.perceptual
    network: Any = BACKBONES[name].module(last, dtype=jnp.dtype(config.task.dtype))
    return network.apply(frozen[name], output), jax.lax.stop_gradient(network.apply(frozen[name], image))


def _task(config: Config, names: tuple[str, ...], pretrained: tuple[str, ...]) -> Task:
    """The completion network as a task.

    Args:
        config: configuration of the run.
        names: networks of the task.
        pretrained: the frozen ones among them; if they include the edge generator, its edges are used.
    """
    networks = common.chosen(names)
    modules = passes.build(networks, config.task)
    trained = tuple(name for name in names if name not in pretrained)

    def loss(variables: Variables, batch: Batch, context: Context) -> tuple[jax.Array, Aux]:
        run = Passes(modules, variables)
        edges, found = batch["edge"], {}
        if edge.GENERATOR in names:
            generated = edge.generated(run, batch, constant=True)
            found = common.edge_sums(generated, batch, config.eval.edge_threshold)
            edges = jax.lax.stop_gradient(pixels.composite(generated, edges, batch["mask"]))
        result = completion_loss(run, edges, batch, variables, context, config)
        return result.total, Aux(run.collections, result.carry, found | measured(result, batch))

    return Task(
        init=common.initializer(names, config),
        players=common.players(trained, config),
        phases=(Phase((Update(trained, loss),)),),
        predict=predictor(modules),
        metrics=measurer(config),
        watch=WATCH,
        frozen=frozen_networks(config.losses),
        pretrained=pretrained,
        architecture=passes.architecture(networks, config.task),
        report=report_of(names, config),
    )


def predictor(modules: Mapping[str, Any]) -> Callable[[Variables, Batch], Pictures]:
    """`Task.predict` for the completion network, with an edge generator if `modules` contains one."""

    def predict(variables: Variables, batch: Batch) -> Pictures:
        image, mask, edges = batch["image"], batch["mask"], batch["edge"]
        pictures = {
            "masked input": pixels.masked_picture(image, mask),
            "known edges": edges * (1 - mask),
        }
        if edge.GENERATOR in modules:
            pictures["generated edges"] = edge.predicted(modules[edge.GENERATOR], variables, batch)
            edges = pixels.composite(pictures["generated edges"], edges, mask)
        else:
            pictures["true edges"] = edges
        given = completion_input(image, edges, mask)
        pictures["output"] = modules[GENERATOR].apply(variables.of(GENERATOR), given)
        pictures["merged"] = pixels.composite(pictures["output"], image, mask)
        return pictures | {"truth": image}

    return predict


def measurer(config: Config) -> Callable[[Pictures, Batch, jax.Array], Sums]:
    """`Task.metrics` for filled pictures and, if any, generated edges."""

    def metrics(pictures: Pictures, batch: Batch, weight: jax.Array) -> Sums:
        parts = common.by_hole_shape(batch, config.masks.kind)
        found = sums.of_filled(pictures["merged"], batch["image"], batch["mask"], weight, parts)
        if "generated edges" in pictures:
            found |= common.validation_edge_sums(pictures["generated edges"], batch, config.eval, weight)
        return found

    return metrics


def report_of(names: tuple[str, ...], config: Config) -> Report:
    """`Task.report` for networks called `names`: compares filled pictures with filling without learning."""
    edges = ("generated edges",) if edge.GENERATOR in names else ()
    references = {baseline.title: _filled_by(baseline) for baseline in BASELINES.values()}
    columns = (*_COLUMNS, *_shape_columns(config.masks.kind))
    own = _edge_table(config.eval.edge_tolerance) if edges else None
    return Report(columns, ("masked input", *edges, "merged", "truth"), references, own)


def _edge_table(tolerance: int) -> OwnTable:
    """The edges in the hole beside those of chance."""
    rows = (
        (f"precision within {tolerance} px", "edge_precision_near", "chance_precision_near"),
        (f"recall within {tolerance} px", "edge_recall_near", "chance_recall_near"),
    )
    return OwnTable(("Edges in the hole", "model", "chance"), rows)


def _shape_columns(kind: str) -> Iterator[tuple[str, str]]:
    """Columns of the metrics inside the holes of each shape that masks.kind mixes."""
    for shape in hole_shapes.mixed(kind):
        for metric in ("psnr", "ssim"):
            yield f"{metric}_hole_{shape}", f"{metric.upper()} in {hole_shapes.SHAPES[shape]}"


def _filled_by(baseline: Baseline) -> Reference:
    """The pictures of a uint8 batch as `baseline` fills them, "merged" [B, H, W, 3] in [0, 1]."""

    def fill(batch: Batch) -> Pictures:
        examples = zip(np.asarray(batch["image"]), np.asarray(batch["mask"])[..., 0], strict=True)
        filled = np.stack([baseline.fill(image, mask) for image, mask in examples])
        return {"merged": pixels.to_float(jnp.asarray(filled))}

    return fill


def inpaint_task(config: Config) -> Task:
    """The task of stage 2: completion from the true edges."""
    return _task(config, (GENERATOR, DISCRIMINATOR), pretrained=())


def edge_inpaint_task(config: Config) -> Task:
    """The task of stage 3: completion from a frozen edge generator's edges, merged with the true ones outside the hole.

    As in the original, the frozen generator stays in training mode: its spectral-norm vectors keep iterating.
    """
    return _task(config, (edge.GENERATOR, GENERATOR, DISCRIMINATOR), pretrained=(edge.GENERATOR,))
