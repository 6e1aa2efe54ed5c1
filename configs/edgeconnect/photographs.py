"""A small EdgeConnect on data that comes with scikit-image: edges, completion along them, then both together.

    python main.py --config configs/edgeconnect/photographs.py --workdir runs/photographs

Data: random crops of the photographs inside scikit-image's package, free-form holes; two whole photographs (a cat and a
cup of coffee) are held out for the measurement at the end. Takes under 8 minutes on two CPU cores. Expect the model to
be half a dB above filling with the mean of the known pixels and far below OpenCV's Telea; the run is too short for
more.
"""

from typing import Any

from configs.edgeconnect import default
from edgeconnect_jax.configuration.stages import choose
from edgeconnect_jax.configuration.types import Config


def get_config(stage: str = "") -> Config:
    """Three stages of narrow networks, or only the stage named after a colon."""
    config = default.get_config()
    config.data.update(train="skimage:train", validation="skimage:validation", image_size=32)
    # With so few photographs, the network would memorize their colours without jitter.
    config.data.update(crop="random", short_side=96, color_jitter=0.3)
    config.edges.update(sigma=1.0)
    config.task.update(features=16, residual_blocks=2)
    # Twenty times the paper's learning rate and some momentum, to make do with thousands of steps instead of millions.
    config.optimizer.update(learning_rate=2e-3, beta1=0.5, schedule="steps", factor=0.3)
    # No VGG19, so that nothing has to be downloaded; at this size L1 and the discriminators do the work.
    config.losses.update(content=0.0, style=0.0, adversarial=0.002)
    config.train.update(batch_size=8, log_interval=100, ema_decay=0.99)
    config.sample.update(interval=0)
    config.eval.update(batch_size=8, repeats=64)
    config.checkpoint.update(interval=1000, keep=1)
    config.stages = (
        ("edge", _stage("edge", 700, (500,), {"optimizer.learning_rate": 5e-4})),
        ("edge_inpaint", _stage("edge_inpaint", 5000, (3000, 4200), {})),
        ("joint", _stage("joint", 300, (200,), {"optimizer.learning_rate": 2e-4, "eval.report": True})),
    )
    return choose(config, stage)


def _stage(name: str, steps: int, boundaries: tuple[int, ...], options: dict[str, Any]) -> dict[str, Any]:
    return {"task.name": name, "train.steps": steps, "optimizer.boundaries": boundaries, **options}
