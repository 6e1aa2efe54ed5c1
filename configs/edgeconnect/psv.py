"""Paris StreetView, the four stages of EdgeConnect in sequence, each starting from the previous ones.

    python main.py --config configs/edgeconnect/psv.py --workdir runs/psv \
        --config.losses.vgg_weights=weights/vgg19

Data: 14,900 street scenes of 936 x 537 for training and 100 for validation, available from the authors of Context
Encoders (Pathak et al. 2016) on request. List the files once:

    python scripts/flist.py --path PARIS/train --output data/psv_train.flist
    python scripts/flist.py --path PARIS/validation --output data/psv_validation.flist

Each example is a random square of the picture, 256 pixels high; the paper uses three fixed ones.

Stages with content and style losses need VGG19: --config.losses.vgg_weights=weights/vgg19, which
scripts/convert_torch_ckpt.py creates from torchvision's file; =random needs no file.

To run a single stage, here the last one, name the workdirs of the earlier ones:

    python main.py --config configs/edgeconnect/psv.py:joint --workdir runs/psv/joint \
        --config.losses.vgg_weights=weights/vgg19 \
        --config.checkpoint.init_from="'runs/psv/edge', 'runs/psv/edge_inpaint'"

Expect: four folders, each with checkpoints, metrics.jsonl, event files and grids of pictures; 2,000,000 steps per stage
as in the original, which take days on one GPU; change this with --config.train.steps. For the results of each stage see
`four_stages` in configs/edgeconnect/default.py.
"""

from configs.edgeconnect import default
from edgeconnect_jax.configuration.types import Config


def get_config(stage: str = "") -> Config:
    """All four stages, or only the one named after a colon: `psv.py:joint`."""
    config = default.get_config()
    config.data.train = "data/psv_train.flist"
    config.data.validation = "data/psv_validation.flist"
    # The pictures are wide; the paper crops squares at the left, in the middle and at the right.
    config.data.crop = "random"
    config.data.short_side = 256
    config.eval.interval = 5_000
    return default.four_stages(config, stage)
