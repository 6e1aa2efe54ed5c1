"""EdgeConnect from scratch on the photographs of BSDS500 (Arbelaez et al. 2011), shrunk, on a CPU.

    python main.py --config configs/edgeconnect/bsds500.py --workdir runs/bsds500

Data: the training photographs of BSDS500 in data/bsds500/train/images and its validation photographs in
data/bsds500/val/images, at 32 x 32. Holes: blocks of a quarter of the area and free-form ones. Takes about
an hour on two CPU cores. Expect what docs/benchmarks.md shows.
"""

from typing import Any

from configs.edgeconnect import default
from edgeconnect_jax.configuration.stages import choose
from edgeconnect_jax.configuration.types import Config


def get_config(stage: str = "") -> Config:
    """Three stages of narrow networks (edges, completion along them, then both together), or one of them."""
    config = default.get_config()
    config.data.update(train="data/bsds500/train/images", validation="data/bsds500/val/images", image_size=32)
    config.data.update(crop="random", short_side=36, color_jitter=0.2)
    config.masks.kind = "block_freeform"
    config.edges.sigma = 1.0
    config.task.update(features=24, residual_blocks=4)
    # Ten times the paper's learning rate and some momentum, to make do with thousands of steps instead of millions.
    config.optimizer.update(learning_rate=1e-3, beta1=0.5, schedule="steps", factor=0.3)
    # No VGG19; L1 does most of the work.
    config.losses.update(content=0.0, style=0.0, adversarial=0.001)
    config.train.update(batch_size=12, log_interval=100, ema_decay=0.995)
    config.sample.update(interval=0)
    config.eval.update(interval=2000, batch_size=20, repeats=4)
    config.checkpoint.update(interval=1000, keep=1)
    config.stages = (
        ("edge", _stage("edge", 1500, (900, 1300), {"optimizer.learning_rate": 5e-4})),
        ("edge_inpaint", _stage("edge_inpaint", 8000, (4500, 6300, 7300), {})),
        ("joint", _stage("joint", 3000, (1500, 2200, 2700), {"optimizer.learning_rate": 7e-4})),
    )
    return choose(config, stage)


def _stage(name: str, steps: int, boundaries: tuple[int, ...], options: dict[str, Any]) -> dict[str, Any]:
    return {"task.name": name, "train.steps": steps, "optimizer.boundaries": boundaries, **options}
