"""Paris StreetView, the four stages of EdgeConnect one after another, each starting from those before.

    python main.py --config configs/psv.py --workdir runs/psv --config.losses.vgg_weights=weights/vgg19

Data: 14,900 street scenes of 936 x 537 for training and 100 for validation, handed out by the authors of
Context Encoders (Pathak et al. 2016) on request. List the files once:

    python scripts/flist.py --path PARIS/train --output data/psv_train.flist
    python scripts/flist.py --path PARIS/validation --output data/psv_validation.flist

Each example is a random square of the picture, 256 pixels high; the paper cuts three fixed ones.

Stages with content and style losses need VGG19: --config.losses.vgg_weights=weights/vgg19
(README, "Use the published weights", says how to make it; =random needs no file).

Expect: four folders, edge to joint, each with checkpoints, metrics.jsonl, event files and grids of pictures;
2,000,000 steps a stage as in the original, so days on one GPU. --config.train.steps sets another number.
"""

from configs import default, recipe
from edgeconnect_jax.configuration.types import Config


def get_config() -> Config:
    config = default.get_config()
    config.data.train = "data/psv_train.flist"
    config.data.validation = "data/psv_validation.flist"
    # The pictures are wide; the paper cuts squares from the left, the middle and the right.
    config.data.crop = "random"
    config.data.short_side = 256
    config.eval.interval = 5_000
    config.stages = recipe.FOUR_STAGES
    return config
