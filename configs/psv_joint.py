"""Paris StreetView, stage 4: both generators learn together.

    python main.py --config configs/psv_joint.py --workdir runs/psv/joint \
        --config.losses.vgg_weights=weights/vgg19 \
        --config.checkpoint.init_from="'runs/psv/edge', 'runs/psv/edge_inpaint'"

Data: see configs/psv.py. VGG19: see README.

Expect: a start at the level of stage 3 and a slow gain. The edge generator goes on learning against its own
discriminator, as in the original's code; --config.task.edge_discriminator=False drops it, as the paper does.
"""

from configs import psv, recipe
from edgeconnect_jax.configuration.types import Config


def get_config() -> Config:
    return recipe.one_stage(psv.get_config(), "joint")
