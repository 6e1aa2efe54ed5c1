"""The forms that state dicts are found in: other names, tensors that are there twice, and what no network here uses."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeconnect_jax.importers.layouts import REPEAT, REPEATED
from edgeconnect_jax.models.lpips import SCALE, SHIFT

# Keys that are there at times and never used, and why, by the network's name or kind.
_CLASSIFIER = (r"classifier\..*", "not used: the classifier")
_INSTANCE_NORM = (
    r"(.*\.)?(running_[^.]*|num_batches_tracked)",
    "not used: statistics of an instance norm, which normalises by the picture's own",
)
_UNUSED = {
    "vgg19": (
        (r"classifier\..*", "not used: VGG19's classifier"),
        (r"features\.(3[6-9]|[4-9]\d|\d{3,})\..*", "not used: behind relu5_4"),
        _INSTANCE_NORM,
    ),
    "lpips": (_CLASSIFIER,),
    "inception": (
        (r"fc\..*", "not used: the classifier"),
        (r"AuxLogits\..*", "not used: the second classifier, for training"),
        (r".*\.num_batches_tracked", "not used: a count of the training"),
    ),
}

# What a whole LPIPS calls the parts of its backbone and, without dropout, its heads.
_LPIPS_NAMES = (
    (re.compile(r"net\.slice\d+\.(\d+)\."), r"features.\1."),
    (re.compile(r"(lins?\.?\d+\.model)\.0\."), r"\1.1."),
)
_LPIPS_REPEAT = re.compile(r"lins\.(\d+)\.")
_LPIPS_CONSTANTS = {
    "scaling_layer.shift": np.array(SHIFT, np.float32),
    "scaling_layer.scale": np.array(SCALE, np.float32),
}

# L2 norm of lin0 in version 0.0, whose heads go with pictures that are not scaled.
_OLD_HEADS = {"lpips_alex": 0.8830171, "lpips_vgg": 1.4471456}

# Classes that the two Inceptions tell apart.
_INCEPTIONS = {1008: "inception", 1000: "inception_torchvision"}


def _family(network: str) -> str:
    return next((name for name in ("inception", "lpips") if network.startswith(name)), network)


def without_prefix(key: str) -> str:
    """A key without what torch's DataParallel puts before it, perhaps several times."""
    return re.sub(r"^(module\.)+", "", key)


def usual_name(network: str, key: str) -> str:
    """The name that `torch.ENTRIES` has for a key, which another program may call otherwise."""
    for pattern, name in _LPIPS_NAMES if _family(network) == "lpips" else ():
        key = pattern.sub(name, key, count=1) if pattern.match(key) else key
    return key


def unused(network: str, key: str) -> str | None:
    """Why a tensor that may be there is not used; None for any other."""
    rules = _UNUSED.get(_family(network), (_INSTANCE_NORM,))
    return next((why for pattern, why in rules if re.fullmatch(pattern, key)), None)


def constant(network: str, key: str) -> np.ndarray | None:
    """What a tensor must hold that is no weight but a constant here; None for any other."""
    return _LPIPS_CONSTANTS.get(key) if _family(network) == "lpips" else None


def wrong_version(network: str, state: Mapping[str, np.ndarray]) -> list[str]:
    """What is to be said of LPIPS's heads of version 0.0, which have the shapes of those of 0.1."""
    heads = state.get("lin0.model.1.weight")
    if network not in _OLD_HEADS or heads is None or not np.isclose(np.linalg.norm(heads), _OLD_HEADS[network], 1e-5):
        return []
    return ["holds the heads of LPIPS 0.0; take those of lpips/weights/v0.1"]


def twin(network: str, key: str) -> str | None:
    """The name that a tensor should repeat: a discriminator's first convolution and LPIPS's heads have two each."""
    if network.endswith("discriminator") and key.startswith(REPEAT):
        return REPEATED + key.removeprefix(REPEAT)
    if _family(network) == "lpips" and _LPIPS_REPEAT.match(key):
        return _LPIPS_REPEAT.sub(r"lin\1.", key)
    return None


def which_inception(content: Any) -> str | None:
    """The network that a state dict of InceptionV3 is: "inception" or "inception_torchvision"; None: cannot be told."""
    shapes: Mapping[str, Any] = {without_prefix(str(key)): np.shape(value) for key, value in content.items()}
    classes = shapes.get("fc.weight", (0,))[0]
    if classes in _INCEPTIONS:
        return _INCEPTIONS[classes]
    return "inception_torchvision" if any(key.startswith("AuxLogits.") for key in shapes) else None
