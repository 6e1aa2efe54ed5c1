"""Paris StreetView, stage 2: the completion network learns to fill the hole along the true edges.

    python main.py --config configs/psv_inpaint.py --workdir runs/psv/inpaint \
        --config.losses.vgg_weights=weights/vgg19

Data: see configs/psv.py. VGG19: see README.

Expect: L1 falling and PSNR rising in metrics.jsonl, above what the later stages reach, since the edges
inside the hole are the true ones.
"""

from configs import psv, recipe
from edgeconnect_jax.configuration.types import Config


def get_config() -> Config:
    return recipe.one_stage(psv.get_config(), "inpaint")
