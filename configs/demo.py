"""A small EdgeConnect on drawn scenes: the lines first, then filling along them.

    python main.py --config configs/demo.py --workdir runs/demo

Data: drawn country scenes by day (`scenes:train`), 48 x 48, with blocks of a quarter of the picture and broad strokes
as holes; 100 other scenes are held out for the measurement at the end. Takes under 8 minutes on two CPU cores. Expect
the model to be a dB above OpenCV's Telea and Navier-Stokes inside the hole: sky, mountains and meadows continue.
"""

from typing import Any

from configs.edgeconnect import default
from edgeconnect_jax.configuration.stages import choose
from edgeconnect_jax.configuration.types import Config


def get_config(stage: str = "") -> Config:
    """The demo: two stages of narrow networks, or only the stage named after a colon."""
    config = default.get_config()
    config.data.update(image_size=48)
    config.data.update(train="scenes:train:48:2000:country:day", validation="scenes:validation:48:100:country:day")
    config.edges.update(sigma=1.0)
    config.masks.update(kind="block_freeform")
    # Strokes of 10 to 17 pixels: the default's would be hairlines at this size.
    config.masks.freeform.update(width=(0.2, 0.35), area=(0.2, 0.4))
    config.task.update(features=16, residual_blocks=2, edge_discriminator=False)
    # Thirty times the paper's learning rate, and momentum, to make do with thousands of steps instead of millions.
    config.optimizer.update(learning_rate=3e-3, beta1=0.9, beta2=0.99, schedule="linear")
    config.losses.update(edge_cross_entropy=1.0, edge_positive=2.0)
    # No VGG19, so that nothing has to be downloaded; at this size L1 and the discriminator do the work.
    config.losses.update(content=0.0, style=0.0, adversarial=0.002)
    config.train.update(batch_size=8, log_interval=100, ema_decay=0.99)
    config.sample.update(interval=0)
    config.eval.update(batch_size=8, repeats=4)
    config.checkpoint.update(interval=1000, keep=1)
    config.stages = (
        ("edge", _stage("edge", 800, {})),
        ("edge_inpaint", _stage("edge_inpaint", 6000, {"eval.report": True})),
    )
    return choose(config, stage)


def _stage(name: str, steps: int, options: dict[str, Any]) -> dict[str, Any]:
    decay = {"optimizer.decay_start": steps // 2, "optimizer.decay_end": steps}
    return {"task.name": name, "train.steps": steps, **decay, **options}
