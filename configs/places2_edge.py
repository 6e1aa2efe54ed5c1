"""Places2, stage 1: the edge generator learns to complete Canny's edges inside the hole.

    python main.py --config configs/places2_edge.py --workdir runs/places2/edge

The same as configs/edgeconnect/places2.py:edge, which also describes how to get the data.

Data: TFDS's places365_small.

Expect: precision and recall of the edges inside the hole rising in metrics.jsonl, and grids of pictures in
which the generated lines continue the known ones. No VGG19 weights are needed.
"""

from configs.edgeconnect import places2
from edgeconnect_jax.configuration.types import Config


def get_config() -> Config:
    """The stage "edge" of Places2."""
    return places2.get_config("edge")
