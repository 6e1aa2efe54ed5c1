"""Places2 with the whole recipe of the paper (Nazeri et al. 2019).

    python main.py --config configs/edgeconnect/places2_paper.py --workdir runs/places2_paper \
        --config.losses.vgg_weights=weights/vgg19

Both generators are trained separately on Canny's edges, at a learning rate of 1e-4 until the evaluation stops improving
and then at 1e-5; then both together at 1e-6 without the edge discriminator.

Data: see configs/edgeconnect/places2.py, and the irregular masks of Liu et al. 2018, which the paper mixes with square
holes of a quarter of the picture at a random place. List the masks once:

    python scripts/flist.py --path MASKS/train --output data/masks_train.flist
    python scripts/flist.py --path MASKS/test --output data/masks_validation.flist

or draw strokes instead: --config.masks.kind=freeform. VGG19: see configs/edgeconnect/places2.py.

Expect: three folders, edge, inpaint and joint; in metrics.jsonl the learning rate of the first two drops once to a
tenth. The paper trains until convergence and gives no number of steps.
"""

from configs.edgeconnect import places2
from edgeconnect_jax.configuration.stages import choose
from edgeconnect_jax.configuration.types import Config


def get_config(stage: str = "") -> Config:
    """All three stages, or only the one named after a colon."""
    config = places2.get_config()
    config.masks.kind = "external_block"
    config.masks.train = "data/masks_train.flist"
    config.masks.validation = "data/masks_validation.flist"
    # From the default of 1e-4 down to a tenth of it.
    falling = {"optimizer.schedule": "plateau", "optimizer.factor": 0.1, "optimizer.min_scale": 0.1}
    fine = {"optimizer.learning_rate": 1e-6, "task.edge_discriminator": False}
    config.stages = (
        ("edge", {"task.name": "edge", **falling}),
        ("inpaint", {"task.name": "inpaint", **falling}),
        ("joint", {"task.name": "joint", **fine}),
    )
    return choose(config, stage)
