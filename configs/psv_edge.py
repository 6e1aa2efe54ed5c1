"""Paris StreetView, stage 1: the edge generator learns to complete Canny's edges inside the hole.

    python main.py --config configs/psv_edge.py --workdir runs/psv/edge

Data: see configs/psv.py.

Expect: precision and recall of the edges inside the hole rising in metrics.jsonl, and grids of pictures in
which the generated lines go on from the known ones. No VGG19 weights are needed.
"""

from ml_collections import ConfigDict

from configs import psv, recipe


def get_config() -> ConfigDict:
    return recipe.one_stage(psv.get_config(), "edge")
