"""The options of the made-up system mosaic, small."""

from configs import default
from edgeconnect_jax.configuration.types import Config


def get_config() -> Config:
    """Two phases of two steps each."""
    split = dict(train="", validation="", test="")
    task = dict(name="paint", features=4, classes=4, warm_up=2, dtype="float32")
    config = default.shared("mosaic", task=task, labels=dict(split), exemplars=dict(split))
    config.data.update(image_size=16, threads=1, prefetch=1)
    config.optimizer.learning_rate = 0.01
    config.train.update(steps=4, batch_size=2, log_interval=1, devices=(0,), ema_decay=0.5)
    config.sample.update(interval=0)
    config.eval.update(interval=4, batch_size=2)
    config.checkpoint.update(interval=1, keep=4)
    return config
