"""CelebA, the four stages of EdgeConnect in sequence, each starting from the previous ones.

    python main.py --config configs/edgeconnect/celeba.py --workdir runs/celeba \
        --config.losses.vgg_weights=weights/vgg19

Data: TFDS's celeb_a, 162,770 aligned portraits of 178 x 218 for training and 19,867 for validation; the
central 178 x 178 is resized to 256 x 256, as in the paper. Prepare it once (about 3 GB; TensorFlow is needed
for this only):

    pip install -e '.[tfds]'
    python -c "from tensorflow_datasets import builder; \
        builder('celeb_a', file_format='array_record').download_and_prepare()"

or train on files, listed by scripts/flist.py:

    --config.data.train=data/celeba_train.flist --config.data.validation=data/celeba_validation.flist

Stages with content and style losses need VGG19: --config.losses.vgg_weights=weights/vgg19, which
scripts/convert_torch_ckpt.py creates from torchvision's file; =random needs no file.

To run a single stage, here the last one, name the workdirs of the earlier ones:

    python main.py --config configs/edgeconnect/celeba.py:joint --workdir runs/celeba/joint \
        --config.losses.vgg_weights=weights/vgg19 \
        --config.checkpoint.init_from="'runs/celeba/edge', 'runs/celeba/edge_inpaint'"

Expect: four folders, each with checkpoints, metrics.jsonl, event files and grids of pictures; 2,000,000 steps per stage
as in the original, which take days on one GPU; change this with --config.train.steps. For the results of each stage see
`four_stages` in configs/edgeconnect/default.py.
"""

from configs.edgeconnect import default
from edgeconnect_jax.configuration.types import Config


def get_config(stage: str = "") -> Config:
    """All four stages, or only the one named after a colon: `celeba.py:joint`."""
    config = default.get_config()
    config.data.train = "tfds:celeb_a"
    config.data.validation = "tfds:celeb_a:validation[:2000]"
    config.eval.interval = 10_000
    return default.four_stages(config, stage)
