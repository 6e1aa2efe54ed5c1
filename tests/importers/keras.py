"""Random weights of HED in the layout in which Keras saves them."""

import pathlib
from collections.abc import Mapping

import numpy as np

from tests.importers import originals

_SIDE_SCALE = 0.01  # keeps side outputs of pictures, which lie in -128..128, where the sigmoid is not flat


def hed_state(seed: int = 0) -> dict[str, np.ndarray]:
    """Weights of HED by their keys, which keep the size of what goes through the trunk."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for key, shape in originals.tensor_shapes("hed", {}).items():
        noise = rng.standard_normal(shape, np.float32)
        if key.startswith("fuse"):
            tensors[key] = 0.2 + noise / 50 if len(shape) == 4 else noise
        elif len(shape) == 1:
            tensors[key] = noise
        else:
            scale = np.float32(np.sqrt(2 / np.prod(shape[:3])))
            tensors[key] = noise * scale * np.float32(1 if key.startswith("block") else _SIDE_SCALE)
    return tensors


def write_h5(path: pathlib.Path, tensors: Mapping[str, np.ndarray]) -> pathlib.Path:
    """Writes arrays by key as Keras does; returns the path."""
    import h5py

    with h5py.File(path, "w") as file:
        for key, array in tensors.items():
            file[key] = array
        file.create_group("vars").attrs["name"] = "hed"
    return path
