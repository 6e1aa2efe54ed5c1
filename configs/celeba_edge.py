"""CelebA, stage 1: the edge generator learns to complete Canny's edges inside the hole.

    python main.py --config configs/celeba_edge.py --workdir runs/celeba/edge

Data: see configs/celeba.py.

Expect: precision and recall of the edges inside the hole rising in metrics.jsonl, and grids of pictures in
which the generated lines go on from the known ones. No VGG19 weights are needed.
"""

from configs import celeba, recipe
from edgeconnect_jax.configuration.types import Config


def get_config() -> Config:
    return recipe.one_stage(celeba.get_config(), "edge")
