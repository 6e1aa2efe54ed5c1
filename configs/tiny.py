"""Two steps of narrow networks on 32 x 32 pixels, for tests and experiments. The result is useless.

    python main.py --config configs/tiny.py --workdir runs/tiny --config.task.name=joint

Data: the photographs inside scikit-image's package. Takes seconds.
"""

from configs.edgeconnect import default
from edgeconnect_jax.configuration.types import Config


def get_config() -> Config:
    """The tiny configuration with one stage, selected by task.name."""
    config = default.get_config()
    config.data.update(train="skimage:train", validation="skimage:validation", image_size=32)
    config.data.update(crop="random", short_side=64)
    config.task.update(features=4, residual_blocks=1)
    config.losses.update(content=0.0, style=0.0)
    config.train.update(steps=2, batch_size=2, log_interval=1, devices=(0,))
    config.sample.update(interval=2, size=4)
    config.eval.update(interval=2, batch_size=2)
    config.checkpoint.update(interval=1)
    return config
