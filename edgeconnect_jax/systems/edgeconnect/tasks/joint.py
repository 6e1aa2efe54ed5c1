"""Stage 4: trains both generators together; the completion losses reach the edge generator through its edges."""

import jax

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.layers import pixels
from edgeconnect_jax.systems.edgeconnect.tasks import common, edge, inpaint
from edgeconnect_jax.tasks import passes, sums
from edgeconnect_jax.tasks.passes import Passes
from edgeconnect_jax.tasks.task import Aux, Batch, Context, Phase, Task, Update, Variables


def joint_task(config: Config) -> Task:
    """The task of stage 4, with D1 as in the original's code, or without as in the paper (task.edge_discriminator)."""
    with_d1 = config.task.edge_discriminator
    names = (
        edge.GENERATOR,
        inpaint.GENERATOR,
        inpaint.DISCRIMINATOR,
        *((edge.DISCRIMINATOR,) if with_d1 else ()),
    )
    networks = common.chosen(names)
    modules = passes.build(networks, config.task)

    def loss(variables: Variables, batch: Batch, context: Context) -> tuple[jax.Array, Aux]:
        run = Passes(modules, variables)
        edges = edge.generated(run, batch)
        found, total = common.edge_sums(edges, batch, config.eval.edge_threshold), 0.0
        if with_d1:
            on_edges = edge.edge_loss(run, edges, batch, variables.carry, context, config.losses)
            found, total = found | sums.of_losses(on_edges.terms), on_edges.total
            variables = variables._replace(carry=on_edges.carry)
        merged = pixels.composite(edges, batch["edge"], batch["mask"])
        result = inpaint.completion_loss(run, merged, batch, variables, context, config)
        return total + result.total, Aux(run.collections, result.carry, found | inpaint.measured(result, batch))

    return Task(
        init=common.initializer(names, config),
        players=common.players(names, config),
        phases=(Phase((Update(names, loss),)),),
        predict=inpaint.predictor(modules),
        metrics=inpaint.measurer(config),
        watch=inpaint.WATCH,
        frozen=inpaint.frozen_networks(config.losses),
        architecture=passes.architecture(networks, config.task),
        report=inpaint.report_of(names, config),
    )
