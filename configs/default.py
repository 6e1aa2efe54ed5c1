"""The options that every system has, with their defaults. All configs are derived from these.

A system adds its own groups in configs/SYSTEM/default.py. Any option can also be set on the command line:

    python main.py --config configs/places2_edge.py --workdir DIR --config.optimizer.learning_rate=5e-5
"""

from ml_collections import ConfigDict

from edgeconnect_jax.configuration.types import Config


def _data() -> dict:
    return dict(
        # Source of the pictures: a folder, a file list (.flist or .txt), "tfds:NAME" or "tfds:NAME/CONFIG" (a split may
        # follow, "tfds:celeb_a:test"), "skimage:train", "scenes:train" (see docs/data.md), or a folder written by
        # scripts/prepare_data.py. `test` is read by train.mode="test" only, and is a folder or a file list.
        train="",
        validation="",
        test="",
        # Data directory of TFDS; "" is TFDS's default.
        tfds_dir="",
        # Side of the training pictures in pixels; 0 keeps each picture's own size.
        image_size=256,
        # "center": the largest centred square, resized to image_size. "random": the whole picture, its short side
        # resized to short_side (0 = unchanged), then a random image_size square.
        crop="center",
        short_side=0,
        # Mirror half of the training examples, pictures together with their maps.
        flip=True,
        # Vary the colours of each training example: each channel is scaled by its own factor within 1 +- this value,
        # and all are shifted by up to a quarter of it; 0 = off. Helps if there are few photographs. Maps do not change.
        color_jitter=0.0,
        # Worker processes that load and transform (0 = threads of this process), threads and
        # batches read ahead, in host memory. Up to two more wait on the device or are being copied there.
        workers=0,
        threads=2,
        prefetch=2,
        # Maximum number of corrupted or too small files of a set to skip: every file is read once when the set is
        # opened, skipped files are reported, and exceeding the limit stops the run. 0 = skip none.
        skip_bad=0,
    )


def masks() -> dict:
    """The group `masks` of systems that fill holes; its rules are `configuration.rules.MASKS`."""
    return dict(
        # "block", "half", "freeform", "external", "external_block", "external_block_half" or "block_freeform" (one of
        # these, drawn for each example), or "paired" (one mask a picture, matched by stem).
        kind="freeform",
        # Source of external or paired masks (a folder or a file list), 255 = hole.
        train="",
        validation="",
        test="",
        # Size of a block as fractions of the picture's height and width.
        block_height=0.5,
        block_width=0.5,
        # Free-form strokes: polylines with round joints, as in DeepFill v2 and LaMa. Lengths and
        # widths are fractions of the shorter side; each number is drawn uniformly from (low, high).
        freeform=dict(
            strokes=(1, 4),
            vertices=(4, 10),
            length=(0.1, 0.4),
            width=(0.06, 0.16),
            # Largest turn between two segments, in radians.
            max_turn=1.5,
            # Strokes are redrawn until the hole covers a fraction of the picture in this range.
            area=(0.1, 0.5),
        ),
    )


def _optimizer() -> dict:
    return dict(
        learning_rate=1e-4,
        # The discriminators' learning rate as a multiple of the generators'.
        d2g_ratio=0.1,
        beta1=0.0,
        beta2=0.9,
        epsilon=1e-8,
        # "constant"; "steps": times `factor` at each of `boundaries` (steps of this stage); "linear": constant until
        # `decay_start`, then falling to 0 at `decay_end`; "plateau": times `factor` when the metric that the stage
        # watches has not improved by more than `min_delta` in `patience` evaluations, down to `min_scale` times the
        # learning rate.
        schedule="constant",
        boundaries=(),
        decay_start=0,
        decay_end=0,
        factor=0.1,
        patience=5,
        min_delta=1e-4,
        min_scale=0.1,
    )


def _train() -> dict:
    return dict(
        # "train"; "eval" measures the workdir's newest checkpoint on data.validation; "test" applies it to data.test
        # and writes WORKDIR/results.
        mode="train",
        # Steps of this stage, and pictures per step over all devices.
        steps=2_000_000,
        batch_size=8,
        seed=10,
        # Steps between two lines of the log.
        log_interval=10,
        # Indices of the local devices to use; () = all.
        devices=(),
        # Also print a line with all losses and metrics at every log interval, not only the progress bar.
        verbose=False,
        # Stop at the first NaN with a traceback of the operation that produced it (slow).
        debug=False,
        # Decay of the moving average of the generators that samples, evaluation and inference use; 0 = none.
        ema_decay=0.0,
    )


def shared(system: str, **groups: dict) -> Config:
    """The default configuration of a system, locked: setting an option that does not exist raises.

    Args:
        system: name of the system; main.py looks it up.
        groups: group -> the system's own options. Options of a shared group are added to it.
    """
    config = ConfigDict(
        dict(
            system=system,
            data=_data(),
            optimizer=_optimizer(),
            train=_train(),
            # Steps between two grids of pictures (0 = none), and pictures in a grid.
            sample=dict(interval=1000, size=12),
            # Steps between two evaluations on data.validation (0 = none); passes over it per evaluation, with different
            # random draws; whether to compare with baselines at the end, in a table and a picture in the workdir.
            eval=dict(interval=0, batch_size=8, repeats=1, report=False),
            checkpoint=dict(
                # Steps between two checkpoints (one is always written at the end), and how many to keep.
                interval=1000,
                keep=3,
                # Checkpoints or workdirs to start from: each network comes from the last one that contains it.
                init_from=(),
                # Allow resuming with a different number of devices: batches and draws stay the same, but sums over a
                # batch are rounded in a different order, so the last digits differ. Otherwise this is an error.
                allow_rounding=False,
            ),
            # Stages that run in sequence, each in WORKDIR/NAME and starting from the previous ones: ((name,
            # {"group.option": value, ...}), ...). () = this config is one stage.
            stages=(),
        )
    )
    config.update(groups)
    return config.lock()


def get_config() -> Config:
    """The default configuration of EdgeConnect, on which configs from before there were other systems are based."""
    from configs.edgeconnect import default  # imported here because it uses `shared`

    return default.get_config()
