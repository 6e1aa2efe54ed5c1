"""The stages of training. `create` makes the one that a configuration names."""

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.systems.edgeconnect.tasks.edge import edge_task
from edgeconnect_jax.systems.edgeconnect.tasks.inpaint import edge_inpaint_task, inpaint_task
from edgeconnect_jax.systems.edgeconnect.tasks.joint import joint_task
from edgeconnect_jax.tasks.task import Task, check

TASKS = {"edge": edge_task, "inpaint": inpaint_task, "edge_inpaint": edge_inpaint_task, "joint": joint_task}


def create(config: Config) -> Task:
    """The task called `config.task.name`.

    Raises:
        ValueError: there is no such task.
    """
    if config.task.name not in TASKS:
        raise ValueError(f"unknown task.name {config.task.name!r}: choose one of {', '.join(TASKS)}")
    task = TASKS[config.task.name](config)
    check(task)
    return task
