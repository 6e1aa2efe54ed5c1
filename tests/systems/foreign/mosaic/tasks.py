"""One stage: the painter learns alone for some steps, then both networks do."""

import jax
import jax.numpy as jnp

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.tasks import optimizers, passes, sums
from edgeconnect_jax.tasks.task import Aux, Batch, Context, Phase, Pictures, Sums, Task, Update, Variables, Watch

from .networks import NETWORKS, one_hot


def _paint(config: Config) -> Task:
    modules = passes.build(NETWORKS, config.task)

    def loss(variables: Variables, batch: Batch, context: Context) -> tuple[jax.Array, Aux]:
        run = passes.Passes(modules, variables)
        painted = run("painter", one_hot(batch["label"], config.task.classes), run("palette", batch["exemplar"]))
        distance = jnp.abs(painted - batch["image"]).mean()
        measured = sums.of_losses({"l1": distance}) | sums.of_pixels(painted, batch["image"])
        return distance, Aux(run.collections, variables.carry, measured)

    def predict(variables: Variables, batch: Batch) -> Pictures:
        style = modules["palette"].apply(variables.of("palette"), batch["exemplar"])
        labels = one_hot(batch["label"], config.task.classes)
        painted = modules["painter"].apply(variables.of("painter"), labels, style)
        return {"exemplar": batch["exemplar"], "painted": painted, "truth": batch["image"]}

    def metrics(pictures: Pictures, batch: Batch, weight: jax.Array) -> Sums:
        distance = jnp.abs(pictures["painted"] - batch["image"]).mean(axis=(1, 2, 3))
        return {"mae": sums.averaged(distance, weight)}

    update = (Update(tuple(NETWORKS), loss),)
    alone = Phase(update, until=config.task.warm_up, trainable=lambda player, path: player == "painter")
    return Task(
        init=lambda key, spec: passes.init(NETWORKS, config.task, key),
        players={name: optimizers.player(config.optimizer) for name in NETWORKS},
        phases=(alone, Phase(update, reset_optimizers=("palette",))),
        predict=predict,
        metrics=metrics,
        watch=Watch("mae", higher_is_better=False),
        architecture=passes.architecture(NETWORKS, config.task),
    )


TASKS = {"paint": _paint}
