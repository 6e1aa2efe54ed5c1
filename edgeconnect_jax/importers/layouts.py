"""The names and layouts of the state dicts of the PyTorch original, of VGG19 and of the metrics' networks, and ours.

Both ways, with NumPy only.

A kernel is [O, I, kh, kw] there and [kh, kw, I, O] here; a transposed one [I, O, kh, kw] there, and here flipped
besides (layers/convolution.py). `weight_v` is flat there, in the order (I, kh, kw) of the kernel's row, and
[kh, kw, I] here. A kernel of the generators and discriminators is square.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from flax import traverse_util

from edgeconnect_jax.layers.spectral_norm import COLLECTION
from edgeconnect_jax.models import inception

Path = tuple[str, ...]
Array = np.ndarray

# Networks here, and the files in which the original keeps them, without their suffix; torchvision's for VGG19.
FILES = {
    "edge_generator": "EdgeModel_gen",
    "edge_discriminator": "EdgeModel_dis",
    "inpaint_generator": "InpaintingModel_gen",
    "inpaint_discriminator": "InpaintingModel_dis",
    "vgg19": "vgg19",
}

SUFFIX = ".pth"

# A discriminator's first convolution is there under two names in the original: one tensor, saved twice.
REPEATED, REPEAT = "conv1.0.", "features.0."


class Layout(NamedTuple):
    """How one kind of array changes its axes: `to_ours(array)` and, back, `to_torch(array)`."""

    to_ours: Callable[[Array], Array]
    to_torch: Callable[[Array], Array]


class Entry(NamedTuple):
    """Where an array of a state dict goes: the path in the network's variables, and how its layout changes."""

    path: Path
    layout: Layout


def _same(x: Array) -> Array:
    return x


def _flip(x: Array) -> Array:
    """Turned by half a turn: the first two axes of an array of ours reversed."""
    return x[::-1, ::-1]


_SAME = Layout(_same, _same)
_KERNEL = Layout(lambda x: x.transpose(2, 3, 1, 0), lambda x: x.transpose(3, 2, 0, 1))
_FLIPPED_KERNEL = Layout(lambda x: _flip(x.transpose(2, 3, 0, 1)), lambda x: _flip(x).transpose(2, 3, 0, 1))


def _v_layout(size: int, transposed: bool) -> Layout:
    """The layout of `weight_v` for kernels of size x size."""
    turn = _flip if transposed else _same
    return Layout(
        lambda x: turn(x.reshape(-1, size, size).transpose(1, 2, 0)),
        lambda x: turn(x).transpose(2, 0, 1).reshape(-1),
    )


def _layer(
    prefix: str, path: Path, size: int = 4, *, bias: bool = True, spectral: bool = False, transposed: bool = False
) -> dict[str, Entry]:
    """The entries of one convolution in the original's order: `prefix` there, `path` in the network here."""
    kernel = Entry(("params", *path, "kernel"), _FLIPPED_KERNEL if transposed else _KERNEL)
    biases = {f"{prefix}.bias": Entry(("params", *path, "bias"), _SAME)} if bias else {}
    if not spectral:
        return {f"{prefix}.weight": kernel, **biases}
    vectors = (COLLECTION, *path, "norm")
    return {
        **biases,
        f"{prefix}.weight_orig": kernel,
        f"{prefix}.weight_u": Entry((*vectors, "u"), _SAME),
        f"{prefix}.weight_v": Entry((*vectors, "v"), _v_layout(size, transposed)),
    }


def generator_entries(*, spectral: bool, residual_blocks: int = 8) -> dict[str, Entry]:
    """State-dict key -> Entry of a generator; `spectral` for the edge generator."""
    entries = {}
    for i, (number, size) in enumerate(((1, 7), (4, 4), (7, 4))):
        entries |= _layer(f"encoder.{number}", ("body", f"encoder_{i}"), size, spectral=spectral)
    for i in range(residual_blocks):
        for j, number in enumerate((1, 5)):
            path = ("body", f"block_{i}", f"conv_{j}")
            entries |= _layer(f"middle.{i}.conv_block.{number}", path, 3, bias=not spectral, spectral=spectral)
    for i, number in enumerate((0, 3)):
        path = ("body", f"decoder_{i}")
        entries |= _layer(f"decoder.{number}", path, 4, spectral=spectral, transposed=True)
    return entries | _layer("decoder.7", ("body", "output"), 7)


def discriminator_entries() -> dict[str, Entry]:
    """State-dict key -> Entry of a discriminator, without the `features.0` that repeats `conv1.0`."""
    entries = {}
    for i in range(5):
        entries |= _layer(f"conv{i + 1}.0", (f"conv_{i}",), 4, bias=False, spectral=True)
    return entries


# Places of the convolutions in torchvision's `features`, of VGG19 up to relu5_4.
_VGG19_LAYERS = {
    0: "conv1_1", 2: "conv1_2", 5: "conv2_1", 7: "conv2_2",
    10: "conv3_1", 12: "conv3_2", 14: "conv3_3", 16: "conv3_4",
    19: "conv4_1", 21: "conv4_2", 23: "conv4_3", 25: "conv4_4",
    28: "conv5_1", 30: "conv5_2", 32: "conv5_3", 34: "conv5_4",
}  # fmt: skip
_VGG16_LAYERS = {
    0: "conv1_1", 2: "conv1_2", 5: "conv2_1", 7: "conv2_2",
    10: "conv3_1", 12: "conv3_2", 14: "conv3_3",
    17: "conv4_1", 19: "conv4_2", 21: "conv4_3",
    24: "conv5_1", 26: "conv5_2", 28: "conv5_3",
}  # fmt: skip
_ALEXNET_LAYERS = {0: "conv1", 3: "conv2", 6: "conv3", 8: "conv4", 10: "conv5"}


def vgg19_entries() -> dict[str, Entry]:
    """State-dict key -> Entry of the convolutional part of torchvision's VGG19."""
    entries = {}
    for number, name in _VGG19_LAYERS.items():
        entries |= _layer(f"features.{number}", (name,), 3)
    return entries


def inception_entries() -> dict[str, Entry]:
    """State-dict key -> Entry of torchvision's InceptionV3, and of the one ported from TensorFlow, up to `avgpool`."""
    entries = {}
    for path in inception.unit_paths():
        prefix, statistics = ".".join(path), (inception.STATISTICS, *path)
        entries |= _layer(f"{prefix}.conv", path, bias=False) | {
            f"{prefix}.bn.weight": Entry(("params", *path, "scale"), _SAME),
            f"{prefix}.bn.bias": Entry(("params", *path, "bias"), _SAME),
            f"{prefix}.bn.running_mean": Entry((*statistics, "mean"), _SAME),
            f"{prefix}.bn.running_var": Entry((*statistics, "var"), _SAME),
        }
    return entries


def lpips_entries(places: Mapping[int, str]) -> dict[str, Entry]:
    """State-dict key -> Entry of LPIPS: torchvision's backbone and the heads of the package lpips.

    Args:
        places: place in the backbone's `features` -> the layer's name here.
    """
    entries = {}
    for number, name in places.items():
        entries |= _layer(f"features.{number}", ("backbone", name))
    for i in range(5):
        entries |= _layer(f"lin{i}.model.1", (f"linear_{i}",), bias=False)
    return entries


# Those of generators take `residual_blocks`.
ENTRIES: dict[str, Callable[..., dict[str, Entry]]] = {
    "edge_generator": lambda residual_blocks=8: generator_entries(spectral=True, residual_blocks=residual_blocks),
    "inpaint_generator": lambda residual_blocks=8: generator_entries(spectral=False, residual_blocks=residual_blocks),
    "edge_discriminator": discriminator_entries,
    "inpaint_discriminator": discriminator_entries,
    "vgg19": vgg19_entries,
    "inception": inception_entries,
    "inception_torchvision": inception_entries,
    "lpips_alex": lambda: lpips_entries(_ALEXNET_LAYERS),
    "lpips_vgg": lambda: lpips_entries(_VGG16_LAYERS),
}


def to_variables(state: Mapping[str, Array], entries: Mapping[str, Entry]) -> dict[str, Any]:
    """Our variables from a state dict that has all keys of `entries`, in the right shapes."""
    flat = {path: np.ascontiguousarray(layout.to_ours(state[key])) for key, (path, layout) in entries.items()}
    return traverse_util.unflatten_dict(flat)


def to_state_dict(variables: Mapping[str, Any], entries: Mapping[str, Entry]) -> dict[str, Array]:
    """The state dict of variables that hold what `entries` name: the inverse of `to_variables`."""
    flat: dict[Path, Any] = traverse_util.flatten_dict(variables)  # pyright: ignore[reportAssignmentType]
    return {
        key: np.ascontiguousarray(layout.to_torch(np.asarray(flat[path]))) for key, (path, layout) in entries.items()
    }
