"""A made-up format of published weights: NumPy's archives, one for the two networks of a model."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from flax import linen as nn

from edgeconnect_jax.importers.layouts import KERNEL, SAME, Entry
from edgeconnect_jax.importers.published import Published
from edgeconnect_jax.models.network import Network, takes


def load(path: pathlib.Path) -> dict[str, Any]:
    with np.load(path) as archive:
        return dict(archive)


def save(contents: Mapping[pathlib.Path, Any], *, overwrite: bool = False) -> None:
    for path, content in contents.items():
        path.parent.mkdir(exist_ok=True)
        np.savez(path, **content)


def convolution(features: int) -> nn.Module:
    return nn.Conv(features, (3, 3))


NETWORKS = {name: Network(convolution, takes(2), sizes=("features",)) for name in ("drawer", "judge")}
FILES = ("best.npz", "*_box.npz")

BOXES = Published(
    load=load,
    files=dict.fromkeys(NETWORKS, FILES),
    entries=lambda network, sizes: {
        f"{network}/kernel": Entry(("params", "kernel"), KERNEL),
        f"{network}/bias": Entry(("params", "bias"), SAME),
    },
    sizes=lambda network, shapes: {"features": shapes[f"{network}/bias"][0]},
    keys=lambda network, shapes: [key for key in shapes if key.startswith(f"{network}/")],
    unused={r"moments/.*": "unused: of the optimizer"},
    iteration="step",
    iteration_in={"drawer": "drawer", "judge": "drawer"},
    save=save,
)


def state(features: int = 3, networks: tuple[str, ...] = ("drawer", "judge")) -> dict[str, np.ndarray]:
    """What a file holds, beside the networks the step and what no network uses."""
    rng = np.random.default_rng(features)
    kernels = {f"{name}/kernel": rng.random((features, 2, 3, 3), np.float32) for name in networks}
    biases = {f"{name}/bias": rng.random(features, np.float32) for name in networks}
    return {**kernels, **biases, "moments/drawer": np.zeros(2, np.float32), "step": np.array(40)}


def write(path: pathlib.Path, content: Mapping[str, np.ndarray]) -> pathlib.Path:
    """Writes an archive; returns its path."""
    save({path: content})
    return path
