"""Runs a config.yml of the PyTorch original:

    python main.py --config configs/edgeconnect/original_yaml.py:PATH/config.yml --workdir DIR

Every option of the original is mapped (see the table OPTIONS); missing options get the original's defaults. As in the
original, paths of file lists are relative to the current folder, and so are the files listed in them unless they are
relative to the list. The original looks for the weights of earlier stages beside its config; here they must be named,
also for MODEL 3 and 4:

    --config.checkpoint.init_from="('runs/edge', 'runs/inpaint')"

Options that the original does not have (here losses.vgg_weights for MODEL 2 to 4, which the original
downloads) are set on the command line in the same way.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import yaml

from configs.edgeconnect import default
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.systems.edgeconnect.rules import STAGES


class Option(NamedTuple):
    """An option of the original: its name, our name, the original's default and how to parse a value."""

    name: str
    target: str
    default: Any
    read: Callable[[Any], Any]
    meaning: str


def _integer(value: Any) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError("must be a whole number")
    return int(number)


def _number(value: Any) -> float:
    """Accepts text that is a number, because PyYAML reads 2e6 and 1e-4 as text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError("must be a number") from None


def _switch(value: Any) -> bool:
    if value not in (0, 1):
        raise ValueError("must be 0 or 1")
    return bool(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be text: a path or a name")
    return value


def _devices(value: Any) -> tuple[int, ...]:
    return tuple(_integer(index) for index in (value if isinstance(value, list) else [value]))


def _number_of(*names: str) -> Callable[[Any], str]:
    """Parses the number of one of `names`, counted from 1."""

    def read(value: Any) -> str:
        if value not in range(1, len(names) + 1):
            raise ValueError("must be " + ", ".join(f"{i} ({name})" for i, name in enumerate(names, 1)))
        return names[int(value) - 1]

    return read


_MODES = _number_of("train", "test", "eval")
_MODELS = _number_of(*STAGES)
_MASKS = _number_of("block", "half", "external", "external_block", "external_block_half", "paired")
_EDGES = _number_of("canny", "external")

OPTIONS = (
    Option("MODE", "train.mode", 1, _MODES, "1 train, 2 test, 3 eval"),
    Option("MODEL", "task.name", 1, _MODELS, "1 edge, 2 inpaint, 3 edge_inpaint, 4 joint"),
    Option(
        "MASK",
        "masks.kind",
        3,
        _MASKS,
        "1 block, 2 half, 3 external, 4 external_block, 5 external_block_half, 6 paired",
    ),
    Option("EDGE", "edges.source", 1, _EDGES, "1 canny, 2 external"),
    Option("NMS", "edges.nms", 1, _switch, "multiply external edges by Canny's (only with EDGE 2)"),
    Option("SEED", "train.seed", 10, _integer, "seed of all random draws"),
    Option("GPU", "train.devices", [0], _devices, "indices of the devices to use"),
    Option("DEBUG", "train.debug", 0, _switch, "stop at the first NaN"),
    Option("VERBOSE", "train.verbose", 0, _switch, "print every line of the log"),
    Option("TRAIN_FLIST", "data.train", "", _text, "pictures to train on"),
    Option("VAL_FLIST", "data.validation", "", _text, "pictures to evaluate and sample on"),
    Option("TEST_FLIST", "data.test", "", _text, "pictures to fill"),
    Option("TRAIN_EDGE_FLIST", "edges.train", "", _text, "edge maps of the training pictures"),
    Option("VAL_EDGE_FLIST", "edges.validation", "", _text, "edge maps of the validation pictures"),
    Option("TEST_EDGE_FLIST", "edges.test", "", _text, "edge maps of the test pictures"),
    Option("TRAIN_MASK_FLIST", "masks.train", "", _text, "masks to train with"),
    Option("VAL_MASK_FLIST", "masks.validation", "", _text, "masks to evaluate with"),
    Option("TEST_MASK_FLIST", "masks.test", "", _text, "masks of the test pictures"),
    Option("LR", "optimizer.learning_rate", 0.0001, _number, "learning rate of the generators"),
    Option("D2G_LR", "optimizer.d2g_ratio", 0.1, _number, "discriminators' learning rate over the generators'"),
    Option("BETA1", "optimizer.beta1", 0.0, _number, "Adam's decay of the first moment"),
    Option("BETA2", "optimizer.beta2", 0.9, _number, "Adam's decay of the second moment"),
    Option("BATCH_SIZE", "train.batch_size", 8, _integer, "pictures per step over all devices"),
    Option("INPUT_SIZE", "data.image_size", 256, _integer, "side of the pictures; 0 keeps their own size"),
    Option("SIGMA", "edges.sigma", 2, _number, "Canny's Gaussian; 0 random from 1 to 4, -1 no edges"),
    Option("MAX_ITERS", "train.steps", "2e6", _integer, "steps of the stage"),
    Option("EDGE_THRESHOLD", "eval.edge_threshold", 0.5, _number, "values above it count as edges in metrics"),
    Option("L1_LOSS_WEIGHT", "losses.l1", 1, _number, "weight of L1"),
    Option("FM_LOSS_WEIGHT", "losses.feature_matching", 10, _number, "weight of feature matching (edges)"),
    Option("STYLE_LOSS_WEIGHT", "losses.style", 1, _number, "weight of the style loss"),
    Option("CONTENT_LOSS_WEIGHT", "losses.content", 1, _number, "weight of the content loss"),
    Option("INPAINT_ADV_LOSS_WEIGHT", "losses.adversarial", 0.01, _number, "weight of the completion's GAN loss"),
    Option("GAN_LOSS", "losses.gan", "nsgan", _text, "nsgan, lsgan or hinge"),
    Option("GAN_POOL_SIZE", "losses.pool_size", 0, _integer, "pictures per device, a history of fakes; 0 none"),
    Option("SAVE_INTERVAL", "checkpoint.interval", 1000, _integer, "steps between checkpoints; 0 only the last"),
    Option("SAMPLE_INTERVAL", "sample.interval", 1000, _integer, "steps between grids of pictures; 0 none"),
    Option("SAMPLE_SIZE", "sample.size", 12, _integer, "pictures in a grid"),
    Option("EVAL_INTERVAL", "eval.interval", 0, _integer, "steps between evaluations; 0 none"),
    Option("LOG_INTERVAL", "train.log_interval", 10, _integer, "steps between lines of the log; 0 none"),
)


def get_config(path: str = "") -> Config:
    """The configuration that the original's config.yml at `path` describes.

    Raises:
        ValueError: names every option that the original does not have and every value that it would not accept.
    """
    values = _load(path)
    known = [option.name for option in OPTIONS]
    problems = [f"{name}: not an option of the original's config.yml" for name in values if name not in known]
    config = default.get_config()
    for option in OPTIONS:
        # Like the original, treat an empty option as missing.
        value = option.default if values.get(option.name) is None else values[option.name]
        try:
            config.update_from_flattened_dict({option.target: option.read(value)})
        except ValueError as error:
            problems.append(f"{option.name}: {value!r} {error}")
    if problems:
        raise ValueError(f"{path} cannot be used:\n" + "\n".join(f"  - {problem}" for problem in problems))
    # NMS is 1 by default in the original, which uses it only with external edges.
    config.edges.nms = config.edges.nms and config.edges.source == "external"
    return config


def _load(path: str) -> dict[str, Any]:
    if not path:
        raise ValueError("which config.yml? Write --config configs/edgeconnect/original_yaml.py:PATH/config.yml")
    with open(path, encoding="utf-8") as file:
        values = yaml.safe_load(file)
    if not isinstance(values, dict):
        raise ValueError(f"{path} holds no options; a config.yml has lines like 'MODEL: 1'")
    return values
