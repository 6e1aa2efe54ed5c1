"""Weights that anyone can regenerate bit for bit, in the layout of the original's state dicts, by name and shape.

    array(name) = scale * PCG64(crc32("SEED/FILE.KEY")).standard_normal(shape), as float32

The scale is gain / sqrt(fan_in) for kernels (gain 1, sqrt(2) for VGG19) and 0.05 for biases; weight_u and weight_v come
from 30 power iterations in float64. The golden arrays in tests/data were computed by the original from seed 11.
"""

import functools
import json
import pathlib
import zlib
from collections.abc import Mapping

import numpy as np

from edgeconnect_jax.importers import backbones
from edgeconnect_jax.importers.layouts import Entry
from edgeconnect_jax.models.network import Sizes
from edgeconnect_jax.systems.edgeconnect import importer

SEED = 11
FILES = {**importer.FILES, "vgg19": "vgg19"}
SHAPES = pathlib.Path(__file__).parent / "state_dict_shapes.json"


def entries_of(network: str, sizes: Sizes = importer.ORIGINAL_SIZES["edge_generator"]) -> dict[str, Entry]:
    """Key in the original's state dict -> where it belongs here; of other than the original's sizes for generators."""
    published = importer.ORIGINAL if network in importer.FILES else backbones.VGG19
    return dict(published.entries(network, sizes))


def generator_of(name: str) -> np.random.Generator:
    """The source of everything drawn under `name`."""
    return np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))


def state_dict(network: str, seed: int = SEED) -> dict[str, np.ndarray]:
    """The state dict of a network of the original's size: key -> float32 array in the original's layout. Read only."""
    return dict(_drawn_once(network, seed))


@functools.cache
def _drawn_once(network: str, seed: int) -> dict[str, np.ndarray]:
    shapes = json.loads(SHAPES.read_text(encoding="utf-8"))[FILES[network]]
    return draw(network, {key: tuple(shape) for key, shape in shapes.items()}, seed)


def draw(network: str, shapes: Mapping[str, tuple[int, ...]], seed: int = SEED) -> dict[str, np.ndarray]:
    """Draws a state dict of any size: key -> float32 array.

    Args:
        network: names the arrays and sets the gain.
        shapes: key -> shape.
        seed: of every array.
    """
    file, gain = FILES[network], np.sqrt(2) if network == "vgg19" else 1.0
    names = {key: f"{seed}/{file}.{_canonical(file, key)}" for key in shapes}
    state = {}
    for key, shape in shapes.items():
        leaf = key.rsplit(".", 1)[-1]
        if leaf in ("weight", "weight_orig", "bias"):
            scale = 0.05 if leaf == "bias" else gain / np.sqrt(np.prod(shape[1:]))
            state[key] = (generator_of(names[key]).standard_normal(shape) * scale).astype(np.float32)
    for key in shapes:
        if key.endswith("weight_u"):
            base = key.removesuffix("weight_u")
            start = generator_of(names[key]).standard_normal(shapes[key]).astype(np.float32)
            state[base + "weight_u"], state[base + "weight_v"] = _singular_vectors(state[base + "weight_orig"], start)
    return {key: state[key] for key in shapes}


def _canonical(file: str, key: str) -> str:
    """A discriminator's `features.0` is the same tensor as its `conv1.0`."""
    return key.replace("features.0.", "conv1.0.") if file.endswith("_dis") else key


def _singular_vectors(weight: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """u and v after 30 iterations; rows are output channels, axis 1 of a transposed convolution."""
    if len(weight) != len(start):
        weight = np.swapaxes(weight, 0, 1)
    matrix, u = weight.astype(np.float64).reshape(len(start), -1), start.astype(np.float64)
    for _ in range(30):
        v = matrix.T @ u
        v /= np.linalg.norm(v)
        u = matrix @ v
        u /= np.linalg.norm(u)
    return u.astype(np.float32), v.astype(np.float32)
