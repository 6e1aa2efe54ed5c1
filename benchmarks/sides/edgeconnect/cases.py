"""What is timed: a case, its configuration, and the batch that both sides get. Imports neither JAX nor PyTorch."""

from typing import NamedTuple

import numpy as np

from configs import default
from edgeconnect_jax.configuration.types import Config

FILL = "fill"
STAGES = ("edge", "inpaint", "edge_inpaint", "joint")
DTYPES = ("float32", "bfloat16")

_EDGES = 0.05  # of the pixels


class Case(NamedTuple):
    """One measurement.

    Attributes:
        task: "fill", both generators in evaluation mode, or the stage of which a training step is taken.
        side: of the square pictures, in pixels.
        batch: pictures at once.
        features: channels of the first layer of every network.
        residual_blocks: of each generator.
        dtype: arithmetic of the networks.
        vgg: whether the completion stages have their content and style losses.
    """

    task: str
    side: int
    batch: int
    features: int = 64
    residual_blocks: int = 8
    dtype: str = "float32"
    vgg: bool = True

    def __str__(self) -> str:
        width = "" if (self.features, self.residual_blocks) == (64, 8) else f", {self.features} features"
        without = "" if self.vgg or self.task in (FILL, "edge") else ", without VGG19"
        return f"{self.task} {self.side} x {self.side}, batch {self.batch}, {self.dtype}{width}{without}"


def config_of(case: Case) -> Config:
    """The configuration of a training case: the defaults, VGG19 with random weights."""
    config = default.get_config()
    config.task.update(name=case.task, features=case.features, residual_blocks=case.residual_blocks, dtype=case.dtype)
    config.losses.vgg_weights = "random"
    if not case.vgg:
        config.losses.update(content=0.0, style=0.0)
    return config


def synthetic_batch(case: Case) -> dict[str, np.ndarray]:
    """Noise with scattered edges and a square hole of a quarter of the picture.

    Returns:
        float32 in [0, 1]: image [B, H, W, 3], edge and mask [B, H, W, 1].
    """
    rng = np.random.default_rng(0)
    shape = (case.batch, case.side, case.side)
    mask = np.zeros((*shape, 1), np.float32)
    quarter = case.side // 4
    mask[:, quarter:-quarter, quarter:-quarter] = 1
    edge = (rng.random((*shape, 1)) < _EDGES).astype(np.float32)
    return {"image": rng.random((*shape, 3), dtype=np.float32), "edge": edge, "mask": mask}
