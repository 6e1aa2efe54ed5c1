"""The rules that the configuration of one stage must keep, as tables where they can be.

`problems` is what configuration.py calls for every stage; each problem names the option and the remedy.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import masks
from edgeconnect_jax.data.prepared import format
from edgeconnect_jax.data.records import SIDE_MULTIPLE, SMALLEST_SIDE
from edgeconnect_jax.data.sources import PREFIXES

# Options that take one of a few values.
CHOICES: dict[str, tuple[str, ...]] = {
    "data.crop": ("center", "random"),
    "masks.kind": masks.KINDS,
    "edges.source": ("canny", "external"),
    "task.name": ("edge", "inpaint", "edge_inpaint", "joint"),
    "task.dtype": ("float32", "bfloat16"),
    "optimizer.schedule": ("constant", "steps", "plateau"),
    "losses.gan": ("nsgan", "lsgan", "hinge"),
    "train.mode": ("train", "eval", "test"),
}


class Range(NamedTuple):
    """Numbers that an option may have: `holds` tells, and `words` say which they are ("1 or more")."""

    holds: Callable[[float], bool]
    words: str


class Rules(NamedTuple):
    """The rules of a system for its own options, beside those of the shared groups in this file.

    Attributes:
        choices: option -> what it may be.
        ranges: option, a number -> which numbers it may be.
        pairs: option, (low, high) -> which numbers both may be.
        checks: each takes the configuration of one stage and the networks that earlier stages of the run train, and
            yields a sentence for everything that is wrong, with the option and the remedy.
        trains: (configuration of one stage) -> the networks that it trains.
        fixed: options that a resumed run must keep, for its state to mean the same.
    """

    choices: Mapping[str, tuple[str, ...]] = {}
    ranges: Mapping[str, Range] = {}
    pairs: Mapping[str, Range] = {}
    checks: tuple[Callable[[Config, frozenset[str]], Iterator[str]], ...] = ()
    trains: Callable[[Config], frozenset[str]] = lambda config: frozenset()
    fixed: tuple[str, ...] = ()


POSITIVE = Range(lambda value: value > 0, "greater than 0")
COUNT = Range(lambda value: value >= 1, "1 or more")
NOT_NEGATIVE = Range(lambda value: value >= 0, "0 or more")
SHARE = Range(lambda value: 0 < value <= 1, "greater than 0 and at most 1")
DECAY = Range(lambda value: 0 <= value < 1, "at least 0 and less than 1")
CLOSED = Range(lambda value: 0 <= value <= 1, "from 0 to 1")

RANGES: dict[str, Range] = {
    "data.short_side": NOT_NEGATIVE,
    "data.color_jitter": DECAY,
    "data.workers": NOT_NEGATIVE,
    "data.threads": COUNT,
    "data.prefetch": COUNT,
    "data.skip_bad": NOT_NEGATIVE,
    "masks.block_height": SHARE,
    "masks.block_width": SHARE,
    "masks.freeform.max_turn": NOT_NEGATIVE,
    "edges.sigma": Range(lambda value: value >= 0 or value == -1, "a standard deviation, 0 (random) or -1 (no edges)"),
    "task.features": COUNT,
    "task.residual_blocks": NOT_NEGATIVE,
    "optimizer.learning_rate": POSITIVE,
    "optimizer.d2g_ratio": POSITIVE,
    "optimizer.beta1": DECAY,
    "optimizer.beta2": DECAY,
    "optimizer.epsilon": POSITIVE,
    "optimizer.factor": SHARE,
    "optimizer.patience": COUNT,
    "optimizer.min_delta": NOT_NEGATIVE,
    "optimizer.min_scale": SHARE,
    "losses.pool_size": NOT_NEGATIVE,
    "losses.feature_matching": NOT_NEGATIVE,
    "losses.l1": NOT_NEGATIVE,
    "losses.style": NOT_NEGATIVE,
    "losses.content": NOT_NEGATIVE,
    "losses.adversarial": NOT_NEGATIVE,
    "train.steps": COUNT,
    "train.batch_size": COUNT,
    "train.seed": NOT_NEGATIVE,
    "train.log_interval": NOT_NEGATIVE,
    "train.ema_decay": DECAY,
    "sample.interval": NOT_NEGATIVE,
    "sample.size": COUNT,
    "eval.interval": NOT_NEGATIVE,
    "eval.batch_size": COUNT,
    "eval.repeats": COUNT,
    "eval.edge_threshold": CLOSED,
    "checkpoint.interval": NOT_NEGATIVE,
    "checkpoint.keep": COUNT,
}

# Pairs (low, high) that are drawn from, and what both ends must be.
_PAIRS: dict[str, Range] = {
    "masks.freeform.strokes": COUNT,
    "masks.freeform.vertices": Range(lambda value: value >= 2, "2 or more"),
    "masks.freeform.length": POSITIVE,
    "masks.freeform.width": POSITIVE,
    "masks.freeform.area": CLOSED,
}

_VGG_REMEDY = (
    "the content and style losses compare features of VGG19: convert torchvision's file with "
    "scripts/convert_torch_ckpt.py --vgg19 FILE --output CKPT and name CKPT, "
    'use "random" for random weights, or set losses.content and losses.style to 0'
)


def trains_edges(config: Config) -> bool:
    """Whether this stage leaves behind a trained edge generator."""
    return config.task.name in ("edge", "joint")


def problems(config: Config, edge_generator_trained: bool = False) -> list[str]:
    """Everything that is wrong with the configuration of one stage, one sentence each.

    Args:
        config: A configuration without stages.
        edge_generator_trained: Whether a stage before this one trains the edge generator.
    """
    rules = (_choices, _ranges, _pairs, _pictures, _sources, _test_files, _partners, _edges)
    rules += (_schedule, _losses, _devices, _report)
    found = [problem for rule in rules for problem in rule(config)]
    frozen = config.train.mode == "train" and config.task.name == "edge_inpaint"
    if frozen and not (edge_generator_trained or config.checkpoint.init_from):
        found.append(
            'task.name="edge_inpaint" keeps the edge generator as it is, so it needs a trained one: name the '
            "workdir or checkpoint of an edge stage in checkpoint.init_from"
        )
    return found


def value_at(config: Config, option: str) -> Any:
    """The value of the option "group.name"."""
    for key in option.split("."):
        config = config[key]
    return config


def _choices(config: Config) -> Iterator[str]:
    for option, names in CHOICES.items():
        if value_at(config, option) not in names:
            yield f"{option}={value_at(config, option)!r} is none of {', '.join(names)}"


def _ranges(config: Config) -> Iterator[str]:
    for option, allowed in RANGES.items():
        value = value_at(config, option)
        if not (math.isfinite(value) and allowed.holds(value)):
            yield f"{option}={value!r} must be {allowed.words}"


def _pairs(config: Config) -> Iterator[str]:
    for option, allowed in _PAIRS.items():
        value = value_at(config, option)
        if len(value) != 2 or value[0] > value[1] or not all(allowed.holds(end) for end in value):
            yield f"{option}={value!r} must be (low, high) with low <= high, both {allowed.words}"


def _pictures(config: Config) -> Iterator[str]:
    side, data = config.data.image_size, config.data
    if side < 0 or side % SIDE_MULTIPLE:
        yield f"data.image_size={side} must be a multiple of {SIDE_MULTIPLE}, or 0 for each picture's own size"
    elif 0 < side < SMALLEST_SIDE:
        yield f"data.image_size={side} must be {SMALLEST_SIDE} or more, for the discriminator to see anything"
    if data.crop == "random" and side == 0:
        yield 'data.crop="random" needs a data.image_size to crop to; it is 0'
    if data.crop == "center" and data.short_side:
        yield f'data.short_side={data.short_side} has no effect unless data.crop="random"'
    if data.crop == "random" and 0 < data.short_side < side:
        yield f"data.short_side={data.short_side} is shorter than data.image_size={side}; no crop fits"
    if side == 0 and config.losses.pool_size:
        yield f"losses.pool_size={config.losses.pool_size} needs pictures of one size; data.image_size is 0"


def _splits(config: Config) -> set[str]:
    """The splits of `data` that this run reads."""
    if config.train.mode != "train":
        return {"validation" if config.train.mode == "eval" else "test"}
    measured = config.data.validation or config.eval.interval or config.eval.report
    return {"train", "validation"} if measured else {"train"}


def _sources(config: Config) -> Iterator[str]:
    evaluation = "eval.interval and eval.report" if config.train.mode == "train" else 'train.mode="eval"'
    wanted_by = {
        "train": "training reads it",
        "validation": f"{evaluation} measure on it",
        "test": 'train.mode="test" fills it',
    }
    for split in sorted(_splits(config)):
        if not config.data[split]:
            yield (
                f"data.{split} is empty, but {wanted_by[split]}: name a folder, a file list, a TFDS set "
                '("tfds:NAME") or a prepared set'
            )


def _test_files(config: Config) -> Iterator[str]:
    """What is filled is matched by file name, at its own size."""
    if config.train.mode != "test":
        return
    for group in ("data", "masks", "edges"):
        spec = config[group].test
        if spec.startswith(PREFIXES) or format.is_prepared(spec):
            yield f'{group}.test={spec!r}: train.mode="test" reads files; name a folder or a file list'


def _partners(config: Config) -> Iterator[str]:
    """Masks and edge maps that come from files, for every split that is read; a prepared set brings its own."""
    from_files = config.masks.kind == "paired" or masks.needs_external(config.masks.kind)
    for split in sorted(_splits(config)):
        if split != "test" and format.is_prepared(config.data[split]):
            continue
        if (split == "test" or from_files) and not config.masks[split]:
            why = 'train.mode="test"' if split == "test" else f'masks.kind="{config.masks.kind}"'
            yield f"masks.{split} is empty, but {why} reads masks: name a folder or a file list"
        if config.edges.source == "external" and not config.edges[split]:
            yield f'edges.{split} is empty, but edges.source="external": name a folder or a file list'


def _edges(config: Config) -> Iterator[str]:
    if config.edges.nms and config.edges.source != "external":
        yield 'edges.nms=True thins external edge maps and has no effect unless edges.source="external"'


def _schedule(config: Config) -> Iterator[str]:
    boundaries, schedule = tuple(config.optimizer.boundaries), config.optimizer.schedule
    if schedule == "steps" and not boundaries:
        yield 'optimizer.boundaries is empty, but optimizer.schedule="steps" needs steps to change at'
    if schedule != "steps" and boundaries:
        yield f'optimizer.boundaries={boundaries} has no effect unless optimizer.schedule="steps"'
    if any(later <= earlier for earlier, later in zip((0, *boundaries), boundaries, strict=False)):
        yield f"optimizer.boundaries={boundaries} must be positive and rise from one to the next"
    if schedule == "plateau" and not config.eval.interval:
        yield 'optimizer.schedule="plateau" watches the evaluations; set eval.interval (0 makes none)'


def _losses(config: Config) -> Iterator[str]:
    losses = config.losses
    if config.train.mode != "train" or config.task.name == "edge":
        return
    if not (losses.l1 or losses.style or losses.content or losses.adversarial):
        yield "losses.l1, losses.style, losses.content and losses.adversarial are 0: nothing would be learned"
    if not (losses.style or losses.content) or losses.vgg_weights == "random":
        return
    if not losses.vgg_weights:
        yield f"losses.vgg_weights is empty, but {_VGG_REMEDY}"
    elif why := _no_vgg19(losses.vgg_weights):
        yield f"losses.vgg_weights={losses.vgg_weights!r} cannot be used ({why}); {_VGG_REMEDY}"


def _no_vgg19(path: str) -> str:
    """Why `path` is no checkpoint with VGG19's weights; "" if it is one."""
    # Imported here: it brings jax, which those who only read configurations need not wait for.
    from edgeconnect_jax.checkpoints import weights as checkpoints

    try:
        checkpoints.load_weights(path, ("vgg19",))
    except (ValueError, OSError) as error:
        return str(error)
    return ""


def _devices(config: Config) -> Iterator[str]:
    devices = tuple(config.train.devices)
    if any(not isinstance(index, int) or index < 0 for index in devices) or len(set(devices)) < len(devices):
        yield f"train.devices={devices} must be different indices of local devices, each 0 or more"


def _report(config: Config) -> Iterator[str]:
    if config.eval.report and config.task.name == "edge" and config.train.mode == "train":
        yield 'eval.report=True compares filled pictures, and task.name="edge" fills none; set it for a later stage'
