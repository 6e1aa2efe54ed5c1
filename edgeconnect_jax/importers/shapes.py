"""The sizes of a network, told from its state dict, and the shapes that every tensor of it must then have."""

import functools
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax import traverse_util

from edgeconnect_jax.importers.layouts import ENTRIES
from edgeconnect_jax.models.discriminators import PatchDiscriminator
from edgeconnect_jax.models.inception import Inception
from edgeconnect_jax.models.lpips import LPIPS
from edgeconnect_jax.models.vgg import VGG19
from edgeconnect_jax.systems.edgeconnect.networks import CHANNELS, EdgeGenerator, InpaintGenerator

Shape = tuple[int, ...]
Sizes = dict[str, int]

# Channels of each picture that a network sees.
_CHANNELS = {
    **{network: (channels,) for network, channels in CHANNELS.items()},
    "vgg19": (3,),
    "inception": (3,),
    "inception_torchvision": (3,),
    "lpips_alex": (3, 3),
    "lpips_vgg": (3, 3),
}
_MODULES = {
    "edge_generator": EdgeGenerator,
    "inpaint_generator": InpaintGenerator,
    "edge_discriminator": PatchDiscriminator,
    "inpaint_discriminator": PatchDiscriminator,
    "vgg19": VGG19,
    "inception": functools.partial(Inception, tensorflow=True),
    "inception_torchvision": functools.partial(Inception, tensorflow=False),
    "lpips_alex": functools.partial(LPIPS, "alex"),
    "lpips_vgg": functools.partial(LPIPS, "vgg"),
}
_SIDE = 80  # of pictures that every network takes

# The original's own.
_GENERATOR_SIZES = {"features": 64, "residual_blocks": 8}
ORIGINAL_SIZES: dict[str, Sizes] = {
    "edge_generator": _GENERATOR_SIZES,
    "inpaint_generator": _GENERATOR_SIZES,
    "edge_discriminator": {"features": 64},
    "inpaint_discriminator": {"features": 64},
    "vgg19": {},
}
# Those of one size.
_FIXED = _MODULES.keys() - ORIGINAL_SIZES.keys() | {"vgg19"}

# Layer -> (axis, multiple): the kernel there is multiple * features long on this axis.
_GENERATOR_WIDTHS = {
    **{"encoder.1": (0, 1), "encoder.4": (0, 2), "encoder.7": (0, 4)},
    **{"decoder.0": (1, 2), "decoder.3": (1, 1), "decoder.7": (1, 1)},
}
_DISCRIMINATOR_WIDTHS = {"conv1.0": (0, 1), "conv2.0": (0, 2), "conv3.0": (0, 4), "conv4.0": (0, 8), "conv5.0": (1, 8)}
_BLOCK = re.compile(r"middle\.(\d+)\.")


def infer(network: str, shapes: Mapping[str, Shape], residual_blocks: int | None = None) -> Sizes:
    """The sizes of `network` that most of its kernels speak for.

    Args:
        network: key of `torch.ENTRIES`.
        shapes: state-dict key -> shape. Some may be missing or wrong; where nothing can be told, the size is the
            original's.
        residual_blocks: of a generator; None = the original's number where the width is the original's, else as many
            as there are.

    Returns:
        The module's `features` and, of a generator, `residual_blocks`; nothing for a network that has one size.
    """
    if network in _FIXED:
        return {}
    if not network.endswith("generator"):
        return {"features": _features(shapes, _DISCRIMINATOR_WIDTHS)}
    features = _features(shapes, _GENERATOR_WIDTHS)
    if residual_blocks is None:
        usual = features == _GENERATOR_SIZES["features"]
        residual_blocks = _GENERATOR_SIZES["residual_blocks"] if usual else count_residual_blocks(shapes)
    return {"features": features, "residual_blocks": residual_blocks}


def _features(shapes: Mapping[str, Shape], widths: Mapping[str, tuple[int, int]]) -> int:
    votes = Counter()
    for layer, (axis, multiple) in widths.items():
        shape = shapes.get(f"{layer}.weight_orig", shapes.get(f"{layer}.weight", ()))
        if len(shape) == 4 and shape[axis] and shape[axis] % multiple == 0:
            votes[shape[axis] // multiple] += 1
    return votes.most_common(1)[0][0] if votes else _GENERATOR_SIZES["features"]


def count_residual_blocks(shapes: Mapping[str, Shape]) -> int:
    """Residual blocks of the generator whose tensors are given, up to the last that any belongs to."""
    numbers = [int(found[1]) for found in map(_BLOCK.match, shapes) if found]
    # A block has at least two tensors: a nonsensical number makes no table without end.
    return min(max(numbers, default=-1) + 1, len(shapes))


def variable_shapes(network: str, sizes: Mapping[str, int]) -> Any:
    """The variables of `network` as `jax.ShapeDtypeStruct`s."""
    module: nn.Module = _MODULES[network](**sizes)
    pictures = [jnp.zeros((1, _SIDE, _SIDE, channels)) for channels in _CHANNELS[network]]
    return jax.eval_shape(module.init, jax.random.PRNGKey(0), *pictures)


def entries_of(network: str, sizes: Mapping[str, int]) -> dict[str, Any]:
    """The entries of `torch.ENTRIES` for `network` of these sizes."""
    blocks = {name: count for name, count in sizes.items() if name == "residual_blocks"}
    return ENTRIES[network](**blocks)


def tensor_shapes(network: str, sizes: Mapping[str, int]) -> dict[str, Shape]:
    """State-dict key -> the shape that this tensor of `network` has, in the original's order."""
    return dict(_tensor_shapes(network, tuple(sizes.items())))


@functools.lru_cache(maxsize=64)
def _tensor_shapes(network: str, sizes: tuple[tuple[str, int], ...]) -> dict[str, Shape]:
    flat: dict[Any, Any] = traverse_util.flatten_dict(variable_shapes(network, dict(sizes)))
    return {
        key: layout.to_torch(np.broadcast_to(np.float32(0), flat[path].shape)).shape
        for key, (path, layout) in entries_of(network, dict(sizes)).items()
    }
