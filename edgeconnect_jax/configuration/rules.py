"""The rules that a configuration must satisfy, as tables where possible.

`SHARED` holds the rules of the options that every system has, `FITTING` those of `data.crop` for systems that crop as
`data.fitting` does, and `MASKS` those of the group `masks`. A system adds its own in its `rules`. JAX is not imported.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from edgeconnect_jax.checkpoints import folders
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import fitting, masks
from edgeconnect_jax.data.prepared import format
from edgeconnect_jax.data.reader import Reader, missing


class Range(NamedTuple):
    """The numbers that an option accepts.

    Attributes:
        holds: whether a number is in the range.
        words: the range in words, such as "1 or more".
    """

    holds: Callable[[float], bool]
    words: str


class Rules(NamedTuple):
    """The rules of a group of options.

    Attributes:
        choices: option -> the values it accepts.
        ranges: numeric option -> the numbers it accepts.
        pairs: (low, high) option -> the numbers that both ends accept.
        checks: each takes the configuration of one stage and the networks that earlier stages of the run train, and
            yields a sentence for each problem, with the option and the remedy.
        trains: (configuration of one stage) -> the networks that it trains.
        fixed: options that a resumed run must keep, because its state has another meaning under other values.
    """

    choices: Mapping[str, tuple[str, ...]] = {}
    ranges: Mapping[str, Range] = {}
    pairs: Mapping[str, Range] = {}
    checks: tuple[Callable[[Config, frozenset[str]], Iterator[str]], ...] = ()
    trains: Callable[[Config], frozenset[str]] = lambda config: frozenset()
    fixed: tuple[str, ...] = ()


def joined(*parts: Rules) -> Rules:
    """Joins the rules of several groups of options. Choices and ranges of later parts replace those of earlier ones."""
    return Rules(
        choices={option: names for part in parts for option, names in part.choices.items()},
        ranges={option: allowed for part in parts for option, allowed in part.ranges.items()},
        pairs={option: allowed for part in parts for option, allowed in part.pairs.items()},
        checks=tuple(check for part in parts for check in part.checks),
        trains=lambda config: frozenset().union(*(part.trains(config) for part in parts)),
        fixed=tuple(option for part in parts for option in part.fixed),
    )


def problems(config: Config, rules: Rules, reader: Reader, trained: frozenset[str] = frozenset()) -> list[str]:
    """All problems of the configuration of one stage, one sentence each.

    Args:
        config: a configuration without stages and without `absent` options.
        rules: rules of its system.
        reader: reader of its system.
        trained: the networks that earlier stages of the run train.
    """
    both = joined(SHARED, rules)
    found = [*_choices(config, both), *_ranges(config, both), *_pairs(config, both), *_partners(config, reader)]
    return found + [problem for check in both.checks for problem in check(config, trained)]


def absent(config: Config, rules: Rules) -> list[str]:
    """The options with rules that are missing from a configuration."""
    both = joined(SHARED, rules)
    return [option for option in (*both.choices, *both.ranges, *both.pairs) if not _exists(config, option)]


def value_at(config: Config, option: str) -> Any:
    """The value of the option "group.name"; raises KeyError if there is none."""
    for key in option.split("."):
        config = config[key]
    return config


def lacks(path: str, network: str) -> str:
    """Why `path` is not a checkpoint that contains `network`; "" if it is one. Reads no arrays."""
    try:
        checkpoint = folders.find(path)
        if damage := folders.damage(checkpoint):
            return f"{checkpoint / damage.file}: {damage.reason}; the checkpoint is corrupted"
        there = folders.read_meta(checkpoint)["networks"]
    except (ValueError, OSError) as error:
        return str(error)
    return "" if network in there else f"{path}: no {network} among its networks ({', '.join(there) or 'none'})"


def splits(config: Config) -> set[str]:
    """The splits of the data that a run reads: "train", "validation", "test"."""
    if config.train.mode != "train":
        return {"validation" if config.train.mode == "eval" else "test"}
    measured = config.data.validation or config.eval.interval or config.eval.report
    return {"train", "validation"} if measured else {"train"}


POSITIVE = Range(lambda value: value > 0, "greater than 0")
COUNT = Range(lambda value: value >= 1, "1 or more")
NOT_NEGATIVE = Range(lambda value: value >= 0, "0 or more")
SHARE = Range(lambda value: 0 < value <= 1, "greater than 0 and at most 1")
DECAY = Range(lambda value: 0 <= value < 1, "at least 0 and less than 1")
CLOSED = Range(lambda value: 0 <= value <= 1, "from 0 to 1")


def _exists(config: Config, option: str) -> bool:
    try:
        value_at(config, option)
    except KeyError:
        return False
    return True


def _choices(config: Config, rules: Rules) -> Iterator[str]:
    for option, names in rules.choices.items():
        if value_at(config, option) not in names:
            yield f"{option}={value_at(config, option)!r} is not one of {', '.join(names)}"


def _ranges(config: Config, rules: Rules) -> Iterator[str]:
    for option, allowed in rules.ranges.items():
        value = value_at(config, option)
        if not (math.isfinite(value) and allowed.holds(value)):
            yield f"{option}={value!r} must be {allowed.words}"


def _pairs(config: Config, rules: Rules) -> Iterator[str]:
    for option, allowed in rules.pairs.items():
        value = value_at(config, option)
        if len(value) != 2 or value[0] > value[1] or not all(allowed.holds(end) for end in value):
            yield f"{option}={value!r} must be (low, high) with low <= high, both {allowed.words}"


def _partners(config: Config, reader: Reader) -> Iterator[str]:
    """Checks the files that the system's reader requires in every split that is read; prepared sets contain their own.

    The files of train.mode="test" are checked by the system.
    """
    for split in sorted(splits(config) - {"test"}):
        if not format.is_prepared(config.data[split]):
            for partner in (*reader.partners(config, split), *reader.pools(config, split)):
                if not partner.files:
                    yield missing(partner)


def _sources(config: Config, trained: frozenset[str]) -> Iterator[str]:
    evaluation = "eval.interval and eval.report" if config.train.mode == "train" else 'train.mode="eval"'
    wanted_by = {
        "train": "training reads it",
        "validation": f"{evaluation} measure on it",
        "test": 'train.mode="test" reads it',
    }
    for split in sorted(splits(config)):
        if not config.data[split]:
            others = "or a file list" if split == "test" else 'a file list, a TFDS set ("tfds:NAME") or a prepared set'
            yield f"data.{split} is empty, but {wanted_by[split]}: name a folder, {others}"


def _crops(config: Config, trained: frozenset[str]) -> Iterator[str]:
    data, side = config.data, config.data.image_size
    if data.crop == "random" and side == 0:
        yield 'data.crop="random" needs a data.image_size to crop to; it is 0'
    if data.crop == "center" and data.short_side:
        yield f'data.short_side={data.short_side} has no effect unless data.crop="random"'
    if data.crop == "random" and 0 < data.short_side < side:
        yield f"data.short_side={data.short_side} is shorter than data.image_size={side}; no crop fits"


def _schedule(config: Config, trained: frozenset[str]) -> Iterator[str]:
    boundaries, schedule = tuple(config.optimizer.boundaries), config.optimizer.schedule
    start, end = config.optimizer.decay_start, config.optimizer.decay_end
    if schedule == "steps" and not boundaries:
        yield 'optimizer.boundaries is empty, but optimizer.schedule="steps" needs steps to change at'
    if schedule != "steps" and boundaries:
        yield f'optimizer.boundaries={boundaries} has no effect unless optimizer.schedule="steps"'
    if any(later <= earlier for earlier, later in zip((0, *boundaries), boundaries, strict=False)):
        yield f"optimizer.boundaries={boundaries} must be positive and rise from one to the next"
    if schedule == "linear" and end <= start:
        yield f"optimizer.decay_end={end} must be greater than optimizer.decay_start={start}"
    if schedule != "linear" and (start or end):
        yield f'optimizer.decay_start={start} and decay_end={end} have no effect unless optimizer.schedule="linear"'
    if schedule == "plateau" and not config.eval.interval:
        yield 'optimizer.schedule="plateau" watches the evaluations; set eval.interval (0 makes none)'


def _devices(config: Config, trained: frozenset[str]) -> Iterator[str]:
    devices = tuple(config.train.devices)
    if any(not isinstance(index, int) or index < 0 for index in devices) or len(set(devices)) < len(devices):
        yield f"train.devices={devices} must be different indices of local devices, each 0 or more"


SHARED = Rules(
    choices={
        "optimizer.schedule": ("constant", "steps", "linear", "plateau"),
        "train.mode": ("train", "eval", "test"),
    },
    ranges={
        "data.image_size": NOT_NEGATIVE,
        "data.short_side": NOT_NEGATIVE,
        "data.color_jitter": DECAY,
        "data.workers": NOT_NEGATIVE,
        "data.threads": COUNT,
        "data.prefetch": COUNT,
        "data.skip_bad": NOT_NEGATIVE,
        "optimizer.learning_rate": POSITIVE,
        "optimizer.d2g_ratio": POSITIVE,
        "optimizer.beta1": DECAY,
        "optimizer.beta2": DECAY,
        "optimizer.epsilon": POSITIVE,
        "optimizer.factor": SHARE,
        "optimizer.decay_start": NOT_NEGATIVE,
        "optimizer.decay_end": NOT_NEGATIVE,
        "optimizer.patience": COUNT,
        "optimizer.min_delta": NOT_NEGATIVE,
        "optimizer.min_scale": SHARE,
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
        "checkpoint.interval": NOT_NEGATIVE,
        "checkpoint.keep": COUNT,
    },
    checks=(_sources, _schedule, _devices),
)

FITTING = Rules(choices={"data.crop": fitting.CROPS}, checks=(_crops,))

MASKS = Rules(
    choices={"masks.kind": masks.KINDS},
    ranges={
        "masks.block_height": SHARE,
        "masks.block_width": SHARE,
        "masks.freeform.max_turn": NOT_NEGATIVE,
    },
    pairs={
        "masks.freeform.strokes": COUNT,
        "masks.freeform.vertices": Range(lambda value: value >= 2, "2 or more"),
        "masks.freeform.length": POSITIVE,
        "masks.freeform.width": POSITIVE,
        "masks.freeform.area": CLOSED,
    },
)
