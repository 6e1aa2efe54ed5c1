"""Paris StreetView, stage 3: the completion network learns to follow the frozen edge generator.

    python main.py --config configs/psv_edge_inpaint.py --workdir runs/psv/edge_inpaint \
        --config.losses.vgg_weights=weights/vgg19 \
        --config.checkpoint.init_from="'runs/psv/edge', 'runs/psv/inpaint'"

Data: see configs/psv.py. VGG19: see README.

Expect: PSNR below that of stage 2 at first, since the edges are now guesses, then rising.
"""

from configs import psv, recipe
from edgeconnect_jax.configuration.types import Config


def get_config() -> Config:
    return recipe.one_stage(psv.get_config(), "edge_inpaint")
