"""Reference implementations of the metrics' networks, and random weights for both sides."""

import importlib.util
import pathlib
import re
import warnings
from typing import Any

import numpy as np
import pytest

from tests.importers import originals

FAN_IN_OF_HEADS = 20  # what makes distances of the size that trained heads give


def import_torchvision() -> Any:
    """torchvision, also beside a PyTorch that its compiled operators do not fit; skips the test where it is missing.

    No network here uses these operators, but importing torchvision refers to them, so they must at least have names.
    """
    torch = pytest.importorskip("torch")
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        pytest.skip("torchvision is not installed")
    folder = pathlib.Path(spec.origin).parent
    if not hasattr(torch.ops.torchvision, "nms") and not _load_operators(torch, folder):
        library = torch.library.Library("torchvision", "DEF")
        registered = re.findall(r'register_meta\("(\w+)"', (folder / "_meta_registrations.py").read_text())
        for name in sorted({"nms", "qnms", *registered}):
            library.define(f"{name}(Tensor x) -> Tensor")
        import_torchvision.library = library  # what it defined goes with it
    return quietly(__import__, "torchvision")


def _load_operators(torch: Any, folder: pathlib.Path) -> bool:
    try:
        for path in folder.glob("_C*.so"):
            torch.ops.load_library(path)
    except OSError:
        return False
    return hasattr(torch.ops.torchvision, "nms")


def quietly(function: Any, *arguments: Any, **options: Any) -> Any:
    """Calls something that warns of its own or its dependencies' future."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def state(network: str, seed: int = 0) -> dict[str, np.ndarray]:
    """A random state dict that keeps the size of what goes through the network."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for key, shape in originals.tensor_shapes(network, {}).items():
        noise = rng.standard_normal(shape, np.float32)
        if key.startswith("lin"):
            tensors[key] = np.abs(noise) / FAN_IN_OF_HEADS
        elif len(shape) == 4:
            tensors[key] = noise * np.float32(np.sqrt(2 / np.prod(shape[1:])))
        elif key.endswith("weight"):
            tensors[key] = 1 + noise / 10
        else:
            tensors[key] = 1 + np.abs(noise) / 10 if key.endswith("running_var") else noise / 10
    return tensors


def inception_state(network: str, seed: int = 0) -> dict[str, np.ndarray]:
    """A whole random state dict of InceptionV3, with the parts that no metric uses."""
    tensors = state(network, seed)
    norms = [key.removesuffix("running_mean") for key in tensors if key.endswith("running_mean")]
    tensors |= {f"{norm}num_batches_tracked": np.array(3) for norm in norms}
    classes = 1008 if network == "inception" else 1000
    tensors |= {"fc.weight": np.zeros((classes, 2048), np.float32), "fc.bias": np.zeros(classes, np.float32)}
    if network == "inception_torchvision":
        tensors |= {"AuxLogits.fc.weight": np.zeros((classes, 768), np.float32)}
    return tensors


def to_torch(tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    """The same as tensors."""
    import torch

    return {key: torch.from_numpy(np.array(array)) for key, array in tensors.items()}


write = originals.write
