"""From our checkpoints to files that the PyTorch original reads."""

import pathlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.importers import shapes as network_sizes
from edgeconnect_jax.importers import torch_files
from edgeconnect_jax.importers.layouts import FILES, REPEAT, REPEATED, SUFFIX, to_state_dict
from edgeconnect_jax.importers.state_dicts import Row, norm

_SPECTRAL = ".weight_orig"  # how the key ends that a layer with spectral normalisation has


class Export(NamedTuple):
    """What is to be written.

    Attributes:
        files: network -> path.
        contents: path -> what the file holds.
        rows: network -> one for each tensor of the file; the destination is its key there.
        left_out: networks that the original does not have.
    """

    files: dict[str, pathlib.Path]
    contents: dict[pathlib.Path, Any]
    rows: dict[str, tuple[Row, ...]]
    left_out: tuple[str, ...]


def prepare(weights: checkpoints.Weights, folder: pathlib.Path) -> Export:
    """The original's files of all networks that it has.

    Args:
        weights: as `checkpoints.load_weights` returns them.
        folder: where the files are to be.

    Raises:
        ValueError: none of the networks is one of the original's, or one does not fit its sizes.
    """
    files = {network: folder / (name + SUFFIX) for network, name in FILES.items() if network in weights.networks}
    if not files:
        raise ValueError(f"none of the original's networks is here, only {', '.join(weights.networks) or 'nothing'}")
    contents, rows = {}, {}
    for network, path in files.items():
        sizes, variables = weights.meta[network], weights.networks[network]
        checkpoints.check_shapes(network, variables, network_sizes.variable_shapes(network, sizes))
        state = state_dict(network, variables, sizes)
        contents[path] = _content(network, state, weights.steps[network])
        rows[network] = _rows(network, state, sizes)
    return Export(files, contents, rows, tuple(name for name in weights.networks if name not in files))


def _rows(network: str, state: Mapping[str, np.ndarray], sizes: Mapping[str, int]) -> tuple[Row, ...]:
    entries = network_sizes.entries_of(network, sizes)
    rows = []
    for key, array in state.items():
        entry = entries[key] if key in entries else entries[REPEATED + key.removeprefix(REPEAT)]
        rows.append(Row("/".join((network, *entry.path)), array.shape, key, norm(array)))
    return tuple(rows)


def write(export: Export, *, overwrite: bool = False) -> None:
    """Writes all files or none; see `torch_files.save` for what it raises."""
    torch_files.save(export.contents, overwrite=overwrite)


def state_dict(network: str, variables: Mapping[str, Any], sizes: Mapping[str, int]) -> OrderedDict[str, np.ndarray]:
    """The original's state dict of a network: its keys in its order, with what marks it as written by PyTorch 1.0.

    Without the mark (`_metadata`) PyTorch 1.0 takes a layer with spectral normalisation for one of an older version.
    """
    state = OrderedDict()
    versions: OrderedDict[str, Any] = OrderedDict({"": {"version": 1}})
    tensors = to_state_dict(variables, network_sizes.entries_of(network, sizes))
    repeats = network.endswith("discriminator")
    first = {key: array for key, array in tensors.items() if repeats and key.startswith(REPEATED)}
    state.update(first)
    state.update({REPEAT + key.removeprefix(REPEATED): array for key, array in first.items()})
    state.update(tensors)
    for key in state:
        if key.endswith(_SPECTRAL):
            versions[key.removesuffix(_SPECTRAL)] = {"version": 1, "spectral_norm": {"weight.version": 1}}
    setattr(state, "_metadata", versions)  # noqa: B010, an attribute that OrderedDict's type does not declare
    return state


def _content(network: str, state: Mapping[str, Any], step: int) -> Any:
    """What the original's file of a network holds."""
    if network.endswith("generator"):
        return {"iteration": step, "generator": state}
    return {"discriminator": state} if network.endswith("discriminator") else state


def changes_to_the_original(sizes: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What must be changed in the original's src/networks.py for it to hold networks of these sizes.

    Args:
        sizes: network -> its sizes.

    Returns:
        One sentence for each network that is not of the original's size.
    """
    changes = []
    for network, of in sizes.items():
        usual = network_sizes.ORIGINAL_SIZES.get(network, of)
        parts = []
        if of.get("features") != usual.get("features"):
            parts.append(f"its channels {_channels(network, usual)} become {_channels(network, of)}")
        if of.get("residual_blocks") != usual.get("residual_blocks"):
            parts.append(f"it is made with residual_blocks={of['residual_blocks']}")
        changes += [f"{network}: {', and '.join(parts)}"] if parts else []
    return changes


def _channels(network: str, sizes: Mapping[str, int]) -> str:
    """The widths of a network's layers, from the first to the widest."""
    doublings = 3 if network.endswith("generator") else 4
    return ", ".join(str(sizes["features"] << i) for i in range(doublings))
