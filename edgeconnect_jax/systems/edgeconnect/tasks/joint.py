"""Stage 4: both generators together, the completion losses reaching the edge generator through its edges."""

import jax

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.layers import pixels
from edgeconnect_jax.systems.edgeconnect.networks import NETWORKS
from edgeconnect_jax.systems.edgeconnect.tasks import edge, inpaint
from edgeconnect_jax.tasks import image_pool
from edgeconnect_jax.tasks import passes as networks
from edgeconnect_jax.tasks import sums as measures
from edgeconnect_jax.tasks.task import Aux, Batch, Context, Phase, Task, Update, Variables


def joint_task(config: Config) -> Task:
    """The task of stage 4, with D1 as the original's code has it, or without as the paper (task.edge_discriminator)."""
    with_d1 = config.task.edge_discriminator
    names = (
        edge.GENERATOR,
        inpaint.GENERATOR,
        inpaint.DISCRIMINATOR,
        *((edge.DISCRIMINATOR,) if with_d1 else ()),
    )
    rows = {name: NETWORKS[name] for name in names}
    modules = networks.build(rows, config.task)

    def init(key: jax.Array, size: tuple[int, int]) -> Variables:
        places = config.losses.pool_size
        pools = image_pool.create_for(inpaint.DISCRIMINATOR, (*size, inpaint.POOL_CHANNELS), places)
        if with_d1:
            pools |= image_pool.create_for(edge.DISCRIMINATOR, (*size, edge.POOL_CHANNELS), places)
        return networks.init(rows, config.task, key)._replace(carry=pools)

    def loss(variables: Variables, batch: Batch, context: Context) -> tuple[jax.Array, Aux]:
        passes = networks.Passes(modules, variables)
        edges = edge.imagine(passes, batch)
        terms, carry, total = {}, variables.carry, 0.0
        if with_d1:
            on_edges = edge.edge_loss(passes, edges, batch, carry, context, config.losses)
            terms, carry, total = on_edges.terms, on_edges.carry, on_edges.total
        merged = pixels.composite(edges, batch["edge"], batch["mask"])
        result = inpaint.completion_loss(passes, merged, batch, variables._replace(carry=carry), context, config)
        sums = measures.of_losses(terms | result.terms) | measures.pixels(result.output, batch)
        sums |= measures.edges(edges, batch, config.eval.edge_threshold)
        return total + result.total, Aux(passes.collections, result.carry, sums)

    return Task(
        init=init,
        players={name: edge.player(name, config) for name in names},
        phases=(Phase((Update(names, loss),)),),
        predict=inpaint.predictor(modules),
        metrics=inpaint.measurer(modules, config),
        watch=inpaint.WATCH,
        frozen=inpaint.frozen_networks(config.losses),
        architecture=networks.architecture(rows, config.task),
    )
