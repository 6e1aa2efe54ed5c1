"""The names and layouts of the PyTorch original's state dicts, and ours, both ways. NumPy only.

A kernel is [O, I, kh, kw] there and [kh, kw, I, O] here; a transposed one [I, O, kh, kw] there, and here flipped
besides (layers/convolution.py). `weight_v` is flat there, in the order (I, kh, kw) of the kernel's row, and
[kh, kw, I] here.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from flax import traverse_util

from edgeconnect_jax.layers.spectral_norm import COLLECTION

Path = tuple[str, ...]
Array = np.ndarray


class Layout(NamedTuple):
    """How one kind of array changes: `to_ours(array, shape of ours)` and `to_torch(array)`."""

    to_ours: Callable[[Array, tuple[int, ...]], Array]
    to_torch: Callable[[Array], Array]


class Entry(NamedTuple):
    """Where an array of a state dict goes: the path in the network's variables, and how its layout changes."""

    path: Path
    layout: Layout


def _v_to_ours(v: Array, shape: tuple[int, ...]) -> Array:
    height, width, channels = shape
    return v.reshape(channels, height, width).transpose(1, 2, 0)


_SAME = Layout(lambda x, shape: x, lambda x: x)
_KERNEL = Layout(lambda x, shape: x.transpose(2, 3, 1, 0), lambda x: x.transpose(3, 2, 0, 1))
_FLIPPED_KERNEL = Layout(
    lambda x, shape: x[:, :, ::-1, ::-1].transpose(2, 3, 0, 1),
    lambda x: x.transpose(2, 3, 0, 1)[:, :, ::-1, ::-1],
)
_V = Layout(_v_to_ours, lambda x: x.transpose(2, 0, 1).reshape(-1))
_FLIPPED_V = Layout(
    lambda x, shape: _v_to_ours(x, shape)[::-1, ::-1], lambda x: x[::-1, ::-1].transpose(2, 0, 1).reshape(-1)
)


def _layer(prefix: str, path: Path, *, bias: bool, spectral: bool, transposed: bool = False) -> dict[str, Entry]:
    """The entries of one convolution: `prefix` there, `path` in the network here."""
    kernel, v = (_FLIPPED_KERNEL, _FLIPPED_V) if transposed else (_KERNEL, _V)
    entries = {f"{prefix}.bias": Entry(("params", *path, "bias"), _SAME)} if bias else {}
    entries[f"{prefix}.weight_orig" if spectral else f"{prefix}.weight"] = Entry(("params", *path, "kernel"), kernel)
    if spectral:
        entries[f"{prefix}.weight_u"] = Entry((COLLECTION, *path, "norm", "u"), _SAME)
        entries[f"{prefix}.weight_v"] = Entry((COLLECTION, *path, "norm", "v"), v)
    return entries


def generator_entries(*, spectral: bool, residual_blocks: int = 8) -> dict[str, Entry]:
    """State-dict key -> Entry of a generator; `spectral` for the edge generator."""
    entries = {}
    for i, number in enumerate((1, 4, 7)):
        entries |= _layer(f"encoder.{number}", ("body", f"encoder_{i}"), bias=True, spectral=spectral)
    for i in range(residual_blocks):
        for j, number in enumerate((1, 5)):
            path = ("body", f"block_{i}", f"conv_{j}")
            entries |= _layer(f"middle.{i}.conv_block.{number}", path, bias=not spectral, spectral=spectral)
    for i, number in enumerate((0, 3)):
        path = ("body", f"decoder_{i}")
        entries |= _layer(f"decoder.{number}", path, bias=True, spectral=spectral, transposed=True)
    return entries | _layer("decoder.7", ("body", "output"), bias=True, spectral=False)


def discriminator_entries() -> dict[str, Entry]:
    """State-dict key -> Entry of a discriminator, without the `features.0` that repeats `conv1.0`."""
    entries = {}
    for i in range(5):
        entries |= _layer(f"conv{i + 1}.0", (f"conv_{i}",), bias=False, spectral=True)
    return entries


# Places of the convolutions in torchvision's `features` up to relu5_4.
_VGG19_LAYERS = {
    0: "conv1_1", 2: "conv1_2", 5: "conv2_1", 7: "conv2_2",
    10: "conv3_1", 12: "conv3_2", 14: "conv3_3", 16: "conv3_4",
    19: "conv4_1", 21: "conv4_2", 23: "conv4_3", 25: "conv4_4",
    28: "conv5_1", 30: "conv5_2", 32: "conv5_3", 34: "conv5_4",
}  # fmt: skip


def vgg19_entries() -> dict[str, Entry]:
    """State-dict key -> Entry of the convolutional part of torchvision's VGG19."""
    entries = {}
    for number, name in _VGG19_LAYERS.items():
        entries |= _layer(f"features.{number}", (name,), bias=True, spectral=False)
    return entries


ENTRIES: dict[str, Callable[[], dict[str, Entry]]] = {
    "edge_generator": lambda: generator_entries(spectral=True),
    "inpaint_generator": lambda: generator_entries(spectral=False),
    "edge_discriminator": discriminator_entries,
    "inpaint_discriminator": discriminator_entries,
    "vgg19": vgg19_entries,
}


def to_variables(state: Mapping[str, Array], entries: Mapping[str, Entry]) -> dict:
    """Our variables from a state dict that has all keys of `entries`."""
    flat = {}
    for key, (path, layout) in entries.items():
        shape = ()
        if path[-1] == "v":
            kernel = next(k for k, e in entries.items() if e.path == ("params", *path[1:-2], "kernel"))
            shape = _kernel_shape(state[kernel], entries[kernel])[:-1]
        flat[path] = np.ascontiguousarray(layout.to_ours(np.asarray(state[key]), shape))
    return traverse_util.unflatten_dict(flat)


def _kernel_shape(array: Array, entry: Entry) -> tuple[int, ...]:
    return entry.layout.to_ours(array, ()).shape
