"""Weights in a made-up format: one file of PyTorch for both networks."""

from collections.abc import Collection

from edgeconnect_jax.importers import torch_files
from edgeconnect_jax.importers.layouts import Entry, convolution
from edgeconnect_jax.importers.published import Published, Shapes
from edgeconnect_jax.models.network import Sizes


def _entries(network: str, sizes: Sizes) -> dict[str, Entry]:
    if network == "palette":
        return convolution("encode", ("conv",))
    return convolution("paint.0", ("conv_0",)) | convolution("paint.2", ("conv_1",))


def _keys(network: str, shapes: Shapes) -> Collection[str]:
    prefix = {"palette": "encode.", "painter": "paint."}[network]
    return [key for key in shapes if key.startswith(prefix)]


def _sizes(network: str, shapes: Shapes, classes: int | None = None) -> Sizes:
    if network == "palette":
        return {"features": shapes.get("encode.weight", (4,))[0]}
    features, channels = shapes.get("paint.0.weight", (4, 8))[:2]
    return {"features": features, "classes": classes or channels - features}


PUBLISHED = (
    Published(
        load=torch_files.load,
        files={network: ("*_mosaic.pth",) for network in ("palette", "painter")},
        entries=_entries,
        sizes=_sizes,
        keys=_keys,
        options={"classes": {"type": int, "metavar": "N", "help": "classes of labels"}},
        unused={r"step": "unused: a counter"},
        uses=lambda networks, path: [f"Paint: --checkpoint {path}"],
        licence="Mosaics are free.",
    ),
)
