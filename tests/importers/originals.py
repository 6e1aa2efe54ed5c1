"""State dicts as the originals save them, of narrow networks with random weights, and files of them."""

import base64
import hashlib
import pathlib
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeconnect_jax.importers import backbones, layouts, published, state_dicts
from edgeconnect_jax.importers.layouts import Entry
from edgeconnect_jax.models.backbones import BACKBONES
from edgeconnect_jax.systems.edgeconnect.importer import FILES, PUBLISHED
from edgeconnect_jax.systems.edgeconnect.networks import NETWORKS as TRAINED

NARROW = {"features": 4, "residual_blocks": 1}
NETWORKS = tuple(FILES)
ITERATION = 70

FORMATS = {network: of for of in (*PUBLISHED, *backbones.FORMATS) for network in of.files}
ROWS = {**TRAINED, **BACKBONES}


def entries_of(network: str, sizes: Any) -> dict[str, Entry]:
    """Key -> entry of a network, twins included."""
    return dict(FORMATS[network].entries(network, sizes))


def tensor_shapes(network: str, sizes: Any) -> dict[str, tuple[int, ...]]:
    """Key -> shape of the tensors of a network, each once."""
    entries = entries_of(network, sizes)
    shapes = published.key_shapes(entries, ROWS[network], sizes)
    return {key: shape for key, shape in shapes.items() if key not in layouts.twins(entries)}


def read_network(network: str, content: Any, **given: Any) -> state_dicts.Reading:
    """Reads a network from the content of a file of its format."""
    return state_dicts.read_network(FORMATS[network], network, ROWS[network], content, given)


def sizes_of(network: str, features: int = 4, residual_blocks: int = 1) -> dict[str, int]:
    """The sizes of `network` as a checkpoint states them."""
    if network not in NETWORKS:
        return {}
    blocks = {"residual_blocks": residual_blocks} if network.endswith("generator") else {}
    return {"features": features, **blocks}


def state(network: str, *, seed: int = 0, **sizes: int) -> dict[str, np.ndarray]:
    """Random weights in the original's layout and order, large enough for outputs to differ from place to place."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for key, shape in tensor_shapes(network, sizes_of(network, **sizes)).items():
        scale = 0.1 if key.endswith("bias") else np.prod(shape[1:], initial=1) ** -0.5
        array = (scale * rng.standard_normal(shape)).astype(np.float32)
        tensors[key] = array / np.linalg.norm(array) if key.endswith(("weight_u", "weight_v")) else array
    entries = entries_of(network, sizes_of(network, **sizes))
    twins = layouts.twins(entries)
    return {key: tensors[twins.get(key, key)] for key in entries}


def content(network: str, tensors: Any, iteration: Any = ITERATION) -> dict[str, Any]:
    """What the original's file of `network` holds beside and around `tensors`."""
    if network == "vgg19":
        return dict(tensors)
    wrapper = network.split("_")[-1]
    return ({"iteration": iteration} if wrapper == "generator" else {}) | {wrapper: tensors}


def write(path: pathlib.Path, value: Any, **options: Any) -> pathlib.Path:
    """Writes nested dicts of arrays with `torch.save`; returns the path."""
    import torch

    def convert(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: convert(item) for key, item in value.items()}
        return torch.from_numpy(value.copy()) if isinstance(value, np.ndarray) else value

    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(convert(value), path, **options)
    return path


def write_all(folder: pathlib.Path, networks: tuple[str, ...] = NETWORKS, **sizes: int) -> pathlib.Path:
    """Writes the files of `networks`, each with weights of its own; returns the folder."""
    for seed, network in enumerate(networks):
        write(folder / f"{FILES[network]}.pth", content(network, state(network, seed=seed, **sizes)))
    return folder


def wheel(
    path: pathlib.Path, contents: Mapping[str, bytes], recorded: Mapping[str, bytes] | None = None
) -> pathlib.Path:
    """Writes a wheel of these files; returns the path. Its list names those `recorded`, by default the same."""
    lines = []
    for name, content in (contents if recorded is None else recorded).items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        lines.append(f"{name},sha256={digest},{len(content)}")
    with zipfile.ZipFile(path, "w") as made:
        for name, content in {**contents, "a-1.dist-info/RECORD": "\n".join(lines).encode()}.items():
            made.writestr(name, content)
    return path
