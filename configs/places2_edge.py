"""Places2, stage 1: the edge generator learns to complete Canny's edges inside the hole.

    python main.py --config configs/places2_edge.py --workdir runs/places2/edge

Data: see configs/places2.py.

Expect: precision and recall of the edges inside the hole rising in metrics.jsonl, and grids of pictures in
which the generated lines go on from the known ones. No VGG19 weights are needed.
"""

from configs import places2, recipe
from edgeconnect_jax.configuration.types import Config


def get_config() -> Config:
    return recipe.one_stage(places2.get_config(), "edge")
