"""What the configs of the data sets share: the sequence of stages, and one stage of it by itself."""

from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.configuration.types import Config

# In the order of the original: its MODEL 1, 2, 3 and 4.
FOUR_STAGES = tuple((name, {"task.name": name}) for name in ("edge", "inpaint", "edge_inpaint", "joint"))


def one_stage(config: Config, name: str) -> Config:
    """The configuration of the stage called `name`, to be run by itself."""
    return dict(configuration.stage_configs(config))[name]
