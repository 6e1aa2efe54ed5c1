"""From checkpoints to files of a published format."""

import pathlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.importers.drafts import Row
from edgeconnect_jax.importers.layouts import Entries, to_state_dict
from edgeconnect_jax.importers.published import Published
from edgeconnect_jax.importers.state_dicts import norm
from edgeconnect_jax.models.network import Network, variable_shapes

_SPECTRAL = ".weight_orig"  # ends the key of a kernel with spectral normalization


class Export(NamedTuple):
    """What is to be written.

    Attributes:
        published: network -> its format.
        files: network -> path.
        contents: path -> what the file holds.
        rows: network -> one for each array of it; the destination is its key there.
        left_out: networks that no format has.
    """

    published: dict[str, Published]
    files: dict[str, pathlib.Path]
    contents: dict[pathlib.Path, Any]
    rows: dict[str, tuple[Row, ...]]
    left_out: tuple[str, ...]

    def networks_of(self, published: Published) -> list[str]:
        """The networks that are written in a format."""
        return [network for network, of in self.published.items() if of is published]


def prepare(
    weights: checkpoints.Weights,
    folder: pathlib.Path,
    formats: Sequence[Published],
    networks: Mapping[str, Network],
) -> Export:
    """The files of all networks that a format has, in the order of the formats.

    Args:
        weights: as `checkpoints.load_weights` returns them.
        folder: where the files are to be.
        formats: those that are written; of two with the same network the first counts.
        networks: name -> row of each network that the formats have.

    Raises:
        ValueError: no format has one of the networks, or one has other shapes than its sizes say.
    """
    found = _formats_of(weights, formats)
    if not found:
        held = ", ".join(weights.networks) or "nothing"
        raise ValueError(f"none of the networks can be written in a published format; the checkpoint holds {held}")
    files = {network: folder / published.files[network][0] for network, published in found.items()}
    rows = {}
    contents: dict[pathlib.Path, Any] = {}
    for path in dict.fromkeys(files.values()):
        together = [name for name in files if files[name] == path]
        entries = {name: found[name].entries(name, weights.meta[name]) for name in together}
        tensors = {name: _tensors(weights, name, networks[name], entries[name]) for name in together}
        rows |= {name: _rows(name, tensors[name], entries[name]) for name in together}
        state = marked({key: array for of in tensors.values() for key, array in of.items()})
        contents[path] = _wrapped(found[together[0]], together[0], state, weights.steps[together[0]])
    return Export(found, files, contents, rows, tuple(name for name in weights.networks if name not in found))


def _tensors(weights: checkpoints.Weights, name: str, network: Network, entries: Entries) -> dict[str, np.ndarray]:
    variables = weights.networks[name]
    checkpoints.check_shapes(name, variables, variable_shapes(network, weights.meta[name]))
    return to_state_dict(variables, entries)


def _rows(network: str, tensors: Mapping[str, np.ndarray], entries: Entries) -> tuple[Row, ...]:
    return tuple(
        Row("/".join((network, *entries[key].path)), array.shape, key, norm(array)) for key, array in tensors.items()
    )


def _formats_of(weights: checkpoints.Weights, formats: Sequence[Published]) -> dict[str, Published]:
    found: dict[str, Published] = {}
    for published in formats:
        for network in published.files if published.save else ():
            if network in weights.networks:
                found.setdefault(network, published)
    return found


def write(export: Export, *, overwrite: bool = False) -> None:
    """Writes the files of each format, all or none; raises what `Published.save` raises."""
    for save in dict.fromkeys(published.save for published in export.published.values()):
        assert save is not None
        paths = {export.files[network] for network, of in export.published.items() if of.save is save}
        save({path: content for path, content in export.contents.items() if path in paths}, overwrite=overwrite)


def marked(tensors: Mapping[str, np.ndarray]) -> OrderedDict[str, np.ndarray]:
    """A state dict that is marked as written by PyTorch 1.0.

    Without the mark (`_metadata`) PyTorch 1.0 takes a layer with spectral normalization for one of an older version.
    """
    state = OrderedDict(tensors)
    versions: OrderedDict[str, Any] = OrderedDict({"": {"version": 1}})
    for key in state:
        if key.endswith(_SPECTRAL):
            versions[key.removesuffix(_SPECTRAL)] = {"version": 1, "spectral_norm": {"weight.version": 1}}
    setattr(state, "_metadata", versions)  # noqa: B010, an attribute that OrderedDict's type does not declare
    return state


def _wrapped(published: Published, network: str, state: Mapping[str, Any], step: int) -> Any:
    """What the file of a network holds."""
    if network not in published.wrappers:
        return state
    around = {published.iteration: step} if holds_iteration(published, network) else {}
    return {**around, published.wrappers[network]: state}


def holds_iteration(published: Published, network: str) -> bool:
    """Whether the file of a network says how long it was trained."""
    return published.iteration_in.get(network) == network
