"""Places2, the four stages of EdgeConnect in sequence, each starting from the previous ones.

    python main.py --config configs/edgeconnect/places2.py --workdir runs/places2 \
        --config.losses.vgg_weights=weights/vgg19

Data: TFDS's places365_small, 1.8 million photographs of 256 x 256 for training and 36,500 for validation.
Prepare it once (about 30 GB; TensorFlow is needed for this only):

    pip install -e '.[tfds]'
    python -c "from tensorflow_datasets import builder; \
        builder('places365_small', file_format='array_record').download_and_prepare()"

or train on files of your own copy, listed by scripts/flist.py:

    --config.data.train=data/places2_train.flist --config.data.validation=data/places2_validation.flist

Stages with content and style losses need VGG19: --config.losses.vgg_weights=weights/vgg19, which
scripts/convert_torch_ckpt.py creates from torchvision's file; =random needs no file.

To run a single stage, here the last one, name the workdirs of the earlier ones:

    python main.py --config configs/edgeconnect/places2.py:joint --workdir runs/places2/joint \
        --config.losses.vgg_weights=weights/vgg19 \
        --config.checkpoint.init_from="'runs/places2/edge', 'runs/places2/edge_inpaint'"

Expect: four folders, each with checkpoints, metrics.jsonl, event files and grids of pictures; 2,000,000 steps per stage
as in the original, which take days on one GPU; change this with --config.train.steps. For the results of each stage see
`four_stages` in configs/edgeconnect/default.py.
"""

from configs.edgeconnect import default
from edgeconnect_jax.configuration.types import Config


def get_config(stage: str = "") -> Config:
    """All four stages, or only the one named after a colon: `places2.py:joint`."""
    config = default.get_config()
    config.data.train = "tfds:places365_small"
    config.data.validation = "tfds:places365_small:validation[:2000]"
    config.eval.interval = 10_000
    return default.four_stages(config, stage)
