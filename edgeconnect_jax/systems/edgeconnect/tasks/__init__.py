"""The stages of training: stage -> builds its task from a configuration."""

from edgeconnect_jax.systems.edgeconnect.tasks.edge import edge_task
from edgeconnect_jax.systems.edgeconnect.tasks.inpaint import edge_inpaint_task, inpaint_task
from edgeconnect_jax.systems.edgeconnect.tasks.joint import joint_task
from edgeconnect_jax.tasks.task import Tasks

TASKS: Tasks = {"edge": edge_task, "inpaint": inpaint_task, "edge_inpaint": edge_inpaint_task, "joint": joint_task}
