"""The package's own weights: narrow networks, trained on free photographs and drawn scenes.

    python scripts/assemble_photographs.py --photographs photos_free --output runs/own/pictures
    python main.py --config configs/edgeconnect/small.py --workdir runs/own/small

Data: what scripts/assemble_photographs.py writes, crops of 64 x 64 and then of 128 x 128. Takes more than ten hours on
two CPU cores; the same command resumes a stopped run. Expect lines at a precision of a half after 2,000 steps.
"""

from typing import Any

from configs.edgeconnect import default
from edgeconnect_jax.configuration.stages import choose
from edgeconnect_jax.configuration.types import Config


def get_config(stage: str = "") -> Config:
    """Three stages, or only the one named after a colon: lines, filling at 64 x 64, filling at 128 x 128."""
    config = default.get_config()
    config.data.update(train="runs/own/pictures/train.flist", validation="runs/own/pictures/held_out")
    config.data.update(image_size=64, crop="random", color_jitter=0.15)
    config.edges.update(sigma=2.0)
    config.masks.update(kind="block_freeform")
    config.task.update(features=24, residual_blocks=6, edge_discriminator=False)
    config.optimizer.update(learning_rate=1e-3, beta1=0.5, schedule="linear")
    # No VGG19: its weights may not be passed on by everybody, and these may.
    config.losses.update(content=0.0, style=0.0, adversarial=0.002, edge_cross_entropy=1.0, edge_positive=2.0)
    config.train.update(log_interval=200, ema_decay=0.999)
    config.sample.update(interval=5000)
    config.eval.update(interval=2500, repeats=4)
    config.checkpoint.update(interval=500, keep=2)
    config.stages = (
        ("edge", _stage("edge", 15_000, {})),
        ("fill64", _stage("edge_inpaint", 80_000, {"eval.report": True})),
        (
            "fill128",
            _stage(
                "edge_inpaint", 12_000, {"data.image_size": 128, "optimizer.learning_rate": 2e-4, "eval.report": True}
            ),
        ),
    )
    return choose(config, stage)


def _stage(name: str, steps: int, options: dict[str, Any]) -> dict[str, Any]:
    decay = {"optimizer.decay_start": steps // 2, "optimizer.decay_end": steps}
    return {"task.name": name, "train.steps": steps, **decay, **options}
