"""What is known of a format of published weights: the contract between a system's importer and conversion."""

import functools
import pathlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from flax import traverse_util

from edgeconnect_jax.importers.layouts import Array, Entries
from edgeconnect_jax.models.network import Network, Sizes, variable_shapes

Shape: TypeAlias = tuple[int, ...]
Shapes: TypeAlias = Mapping[str, Shape]
State: TypeAlias = Mapping[str, Array]

# `Published.unused` of networks with instance norms, which some versions of PyTorch gave statistics.
STATISTICS_OF_INSTANCE_NORM = {
    r"(.*\.)?(running_[^.]*|num_batches_tracked)": "unused: statistics of an instance norm, which normalizes by the "
    "picture's own"
}


def _all_keys(network: str, shapes: Shapes) -> Collection[str]:
    return shapes.keys()


def _same_key(key: str) -> str:
    return key


def _one_size(network: str, shapes: Shapes) -> Sizes:
    return {}


def _nothing_wrong(network: str, state: State, sizes: Sizes) -> Sequence[str]:
    return ()


def _no_changes(sizes: Mapping[str, Sizes]) -> Sequence[str]:
    return ()


def _no_uses(networks: Collection[str], path: str) -> Sequence[str]:
    return ()


class Published(NamedTuple):
    """A format in which weights are published. "Key" is the name of an array there.

    Attributes:
        load: (path) -> what a file holds: arrays by key, possibly wrapped. ValueError names the file.
        files: network -> patterns of its file's name, in order of preference; networks may share a file. An export
            takes the first.
        entries: (network, sizes) -> entry of every key, in the order of the file.
        sizes: (network, shapes by key, **what the user gave of `options`) -> the sizes of the network here. Shapes may
            be missing or wrong; where nothing can be inferred, the size is the original's.
        options: size -> the arguments for argparse of the option by which a user gives it.
        original: network -> its sizes in the original.
        wrappers: network -> key of its state dict in the file; the file of any other network is a state dict.
        iteration: key of the iteration of training, beside the state dict; empty = not in the files.
        iteration_in: network -> the network whose file holds its iteration, possibly itself.
        keys: (network, shapes of a file by key) -> those keys that belong to the network; none where it is not in the
            file. ValueError says why none can be named. Keys of no network count as those of the first.
        rename: (key) -> the name that `entries` has for it.
        unused: pattern of whole keys that may be there and are not used -> why.
        constants: key -> values that are constants here.
        check: (network, arrays by key, sizes) -> problems that shapes do not reveal, and remedies.
        save: writes path -> content, all files or none, replacing some only with `overwrite`; None = the format
            cannot be written.
        changes: (network -> sizes) -> lines on what must be changed in the original before it loads these networks.
        uses: (networks, path of a checkpoint as a shell takes it) -> lines on what it can be used for.
        licence: of published weights; a text for users.
        source: where they are published; a text for users.
        sha256: network -> `checkpoints.weights.fingerprint` of the published weights, where there is one version only.
    """

    load: Callable[[pathlib.Path], Any]
    files: Mapping[str, tuple[str, ...]]
    entries: Callable[[str, Sizes], Entries]
    sizes: Callable[..., Sizes] = _one_size
    options: Mapping[str, Mapping[str, Any]] = {}
    original: Mapping[str, Sizes] = {}
    wrappers: Mapping[str, str] = {}
    iteration: str = ""
    iteration_in: Mapping[str, str] = {}
    keys: Callable[[str, Shapes], Collection[str]] = _all_keys
    rename: Callable[[str], str] = _same_key
    unused: Mapping[str, str] = {}
    constants: Mapping[str, Array] = {}
    check: Callable[[str, State, Sizes], Sequence[str]] = _nothing_wrong
    save: Callable[..., None] | None = None
    changes: Callable[[Mapping[str, Sizes]], Sequence[str]] = _no_changes
    uses: Callable[[Collection[str], str], Sequence[str]] = _no_uses
    licence: str = ""
    source: str = ""
    sha256: Mapping[str, str] = {}


def key_shapes(entries: Entries, network: Network, sizes: Sizes) -> dict[str, Shape]:
    """Key -> the shape there of the array that belongs to it, in the order of `entries`.

    Args:
        entries: of the network at these sizes.
        network: what the arrays are for.
        sizes: of the network.
    """
    flat = _flat_shapes(network, tuple(sizes.items()))
    return {
        key: layout.to_theirs(np.broadcast_to(np.float32(0), flat[path])).shape
        for key, (path, layout) in entries.items()
    }


@functools.lru_cache(maxsize=64)
def _flat_shapes(network: Network, sizes: tuple[tuple[str, Any], ...]) -> dict[tuple[str, ...], Shape]:
    flat: dict[Any, Any] = traverse_util.flatten_dict(variable_shapes(network, dict(sizes)))
    return {path: leaf.shape for path, leaf in flat.items()}
