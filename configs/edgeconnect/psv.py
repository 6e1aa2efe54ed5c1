"""Paris StreetView, the four stages of EdgeConnect one after another, each starting from those before.

    python main.py --config configs/edgeconnect/psv.py --workdir runs/psv \
        --config.losses.vgg_weights=weights/vgg19

Data: 14,900 street scenes of 936 x 537 for training and 100 for validation, handed out by the authors of
Context Encoders (Pathak et al. 2016) on request. List the files once:

    python scripts/flist.py --path PARIS/train --output data/psv_train.flist
    python scripts/flist.py --path PARIS/validation --output data/psv_validation.flist

Each example is a random square of the picture, 256 pixels high; the paper cuts three fixed ones.

Stages with content and style losses need VGG19: --config.losses.vgg_weights=weights/vgg19, which
scripts/convert_torch_ckpt.py makes of torchvision's file; =random needs no file.

One stage by itself, here the last, starts from the workdirs of earlier ones:

    python main.py --config configs/edgeconnect/psv.py:joint --workdir runs/psv/joint \
        --config.losses.vgg_weights=weights/vgg19 \
        --config.checkpoint.init_from="'runs/psv/edge', 'runs/psv/edge_inpaint'"

Expect: four folders, each with checkpoints, metrics.jsonl, event files and grids of pictures; 2,000,000 steps a
stage as in the original, so days on one GPU. --config.train.steps sets another number. What each stage reaches:
see `four_stages` in configs/edgeconnect/default.py.
"""

from configs.edgeconnect import default
from edgeconnect_jax.configuration.types import Config


def get_config(stage: str = "") -> Config:
    """All four stages, or the one that is named after a colon: `psv.py:joint`."""
    config = default.get_config()
    config.data.train = "data/psv_train.flist"
    config.data.validation = "data/psv_validation.flist"
    # The pictures are wide; the paper cuts squares from the left, the middle and the right.
    config.data.crop = "random"
    config.data.short_side = 256
    config.eval.interval = 5_000
    return default.four_stages(config, stage)
