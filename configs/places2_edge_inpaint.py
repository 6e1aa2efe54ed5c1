"""Places2, stage 3: the completion network learns to follow the frozen edge generator.

    python main.py --config configs/places2_edge_inpaint.py --workdir runs/places2/edge_inpaint \
        --config.losses.vgg_weights=weights/vgg19 \
        --config.checkpoint.init_from="'runs/places2/edge', 'runs/places2/inpaint'"

Data: see configs/places2.py. VGG19: see README.

Expect: PSNR below that of stage 2 at first, since the edges are now guesses, then rising.
"""

from configs import places2, recipe
from edgeconnect_jax.configuration.types import Config


def get_config() -> Config:
    return recipe.one_stage(places2.get_config(), "edge_inpaint")
