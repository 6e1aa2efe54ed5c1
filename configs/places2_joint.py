"""Places2, stage 4: both generators learn together.

    python main.py --config configs/places2_joint.py --workdir runs/places2/joint \
        --config.losses.vgg_weights=weights/vgg19 \
        --config.checkpoint.init_from="'runs/places2/edge', 'runs/places2/edge_inpaint'"

Data: see configs/places2.py. VGG19: see README.

Expect: a start at the level of stage 3 and a slow gain. The edge generator goes on learning against its own
discriminator, as in the original's code; --config.task.edge_discriminator=False drops it, as the paper does.
"""

from configs import places2, recipe
from edgeconnect_jax.configuration.types import Config


def get_config() -> Config:
    return recipe.one_stage(places2.get_config(), "joint")
