"""Where an array of published weights belongs in a network here, and how its axes change, both ways.

A convolution's kernel is [O, I, kh, kw] in PyTorch and [kh, kw, I, O] here; a transposed one is [I, O, kh, kw] there,
and here also flipped (layers/convolution.py). `weight_v` of spectral normalization is flat there, in the order
(I, kh, kw) of the kernel's row, and [kh, kw, I] here. Kernels with spectral normalization are square.

NumPy only.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from flax import traverse_util

from edgeconnect_jax.layers.spectral_norm import COLLECTION

Path = tuple[str, ...]
Array = np.ndarray


class Layout(NamedTuple):
    """How the axes of one kind of array change: `to_ours(array)` and, back, `to_theirs(array)`."""

    to_ours: Callable[[Array], Array]
    to_theirs: Callable[[Array], Array]


class Entry(NamedTuple):
    """Where an array belongs.

    Attributes:
        path: in the network's variables here, the collection first.
        layout: how its axes change.
    """

    path: Path
    layout: Layout


Entries = Mapping[str, Entry]  # by the key there, in the order there; keys with the same path hold the same array


def _same(x: Array) -> Array:
    return x


def _flip(x: Array) -> Array:
    """Reverses the first two axes."""
    return x[::-1, ::-1]


SAME = Layout(_same, _same)
KERNEL = Layout(lambda x: x.transpose(2, 3, 1, 0), lambda x: x.transpose(3, 2, 0, 1))
TRANSPOSED_KERNEL = Layout(lambda x: _flip(x.transpose(2, 3, 0, 1)), lambda x: _flip(x).transpose(2, 3, 0, 1))


def _v_layout(size: int, transposed: bool) -> Layout:
    """The layout of `weight_v` for kernels of size x size."""
    turn = _flip if transposed else _same
    return Layout(
        lambda x: turn(x.reshape(-1, size, size).transpose(1, 2, 0)),
        lambda x: turn(x).transpose(2, 0, 1).reshape(-1),
    )


def convolution(
    prefix: str, path: Path, size: int = 4, *, bias: bool = True, spectral: bool = False, transposed: bool = False
) -> dict[str, Entry]:
    """The entries of a convolution of PyTorch, in its order.

    Args:
        prefix: of its keys there.
        path: of its module in the network here.
        size: of its square kernel, used with `spectral`.
        bias: it has one.
        spectral: it has spectral normalization.
        transposed: it is a transposed convolution.
    """
    kernel = Entry(("params", *path, "kernel"), TRANSPOSED_KERNEL if transposed else KERNEL)
    biases = {f"{prefix}.bias": Entry(("params", *path, "bias"), SAME)} if bias else {}
    if not spectral:
        return {f"{prefix}.weight": kernel, **biases}
    vectors = (COLLECTION, *path, "norm")
    return {
        **biases,
        f"{prefix}.weight_orig": kernel,
        f"{prefix}.weight_u": Entry((*vectors, "u"), SAME),
        f"{prefix}.weight_v": Entry((*vectors, "v"), _v_layout(size, transposed)),
    }


def twins(entries: Entries) -> dict[str, str]:
    """Key -> the first key with the same path, for every key that is not the first."""
    first: dict[Path, str] = {}
    return {key: first[path] for key, (path, _) in entries.items() if first.setdefault(path, key) != key}


def to_variables(state: Mapping[str, Array], entries: Entries) -> dict[str, Any]:
    """Variables here from arrays there, by key and in the right shapes. Of twins the first is needed."""
    repeated = twins(entries)
    flat = {
        path: np.ascontiguousarray(layout.to_ours(state[key]))
        for key, (path, layout) in entries.items()
        if key not in repeated
    }
    return traverse_util.unflatten_dict(flat)


def to_state_dict(variables: Mapping[str, Any], entries: Entries) -> dict[str, Array]:
    """Arrays there by key, twins as one array, from variables here: the inverse of `to_variables`."""
    flat: dict[Path, Any] = traverse_util.flatten_dict(variables)  # pyright: ignore[reportAssignmentType]
    state: dict[str, Array] = {}
    repeated = twins(entries)
    for key, (path, layout) in entries.items():
        known = repeated.get(key)
        state[key] = state[known] if known else np.ascontiguousarray(layout.to_theirs(np.asarray(flat[path])))
    return state
