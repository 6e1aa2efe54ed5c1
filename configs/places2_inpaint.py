"""Places2, stage 2: the completion network learns to fill the hole along the true edges.

    python main.py --config configs/places2_inpaint.py --workdir runs/places2/inpaint \
        --config.losses.vgg_weights=weights/vgg19

Data: see configs/places2.py. VGG19: see README.

Expect: L1 falling and PSNR rising in metrics.jsonl, above what the later stages reach, since the edges
inside the hole are the true ones.
"""

from configs import places2, recipe
from edgeconnect_jax.configuration.types import Config


def get_config() -> Config:
    return recipe.one_stage(places2.get_config(), "inpaint")
