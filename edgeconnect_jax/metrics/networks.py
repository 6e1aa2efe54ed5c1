"""Metrics that compare features of trained networks: FID's features and LPIPS, each by a named definition.

The weights are published files, converted with scripts/convert_torch_ckpt.py.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.checkpoints.weights import PathLike
from edgeconnect_jax.metrics import resizing
from edgeconnect_jax.models.inception import FEATURES, SIDE, Inception
from edgeconnect_jax.models.lpips import LPIPS, SMALLEST_SIDE

Kind = Literal["fid", "clean_fid", "legacy_fid"]
Backbone = Literal["alex", "vgg"]
Checkpoints = PathLike | Sequence[PathLike] | None

_CONVERT = "python scripts/convert_torch_ckpt.py --output CKPT"
# Network -> what its metrics are called, and how its weights are made.
_NEEDED = {
    "inception": ("FID, clean-FID, P-IDS and U-IDS need", "--inception pt_inception-2015-12-05-6726825d.pth"),
    "inception_torchvision": ("the legacy FID needs", "--inception inception_v3_google-0cc3c7bd.pth"),
    "lpips_alex": ("LPIPS (AlexNet) needs", "--lpips_alex alex.pth alexnet-owt-7be5be79.pth"),
    "lpips_vgg": ("LPIPS (VGG16) needs", "--lpips_vgg vgg.pth vgg16-397923af.pth"),
}


class _Definition(NamedTuple):
    """How features for a FID are made.

    Attributes:
        text: in one sentence.
        network: that computes them.
        prepare: from a picture [H, W, 3] uint8 to what the network sees, [SIDE, SIDE, 3] float32.
        multiple: pictures that fill no batch of this size are left out.
    """

    text: str
    network: str
    prepare: Callable[[np.ndarray], np.ndarray]
    multiple: int = 1


def _unit_bilinear(picture: np.ndarray) -> np.ndarray:
    return resizing.bilinear(picture.astype(np.float32) / 255, SIDE)


# ImageNet's mean and deviation, which torchvision's Inception undoes where its pictures were normalised with them.
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def _legacy(picture: np.ndarray) -> np.ndarray:
    # The pictures were not normalised before: the original takes them for it all the same.
    scale, shift = (_DEVIATION / 0.5, (_MEAN - 0.5) / 0.5)
    return _unit_bilinear(picture) * scale[None, None, :] + shift[None, None, :]


DEFINITIONS: dict[str, _Definition] = {
    "fid": _Definition(
        "features as in pytorch-fid: TF-ported Inception (pt_inception-2015-12-05), 2048 pooled, "
        "pictures resized to 299 x 299 bilinearly without antialiasing",
        "inception",
        lambda picture: 2 * _unit_bilinear(picture) - 1,
    ),
    "clean_fid": _Definition(
        "features as in clean-fid: TF-ported Inception (pt_inception-2015-12-05), 2048 pooled, "
        "pictures resized to 299 x 299 with Pillow's antialiased bicubic in float",
        "inception",
        lambda picture: (resizing.bicubic(picture, SIDE) - 128) / 128,
    ),
    "legacy_fid": _Definition(
        "legacy features, as in EdgeConnect's fid_score.py: torchvision's Inception, 2048 pooled, pictures "
        "resized to 299 x 299 bilinearly without antialiasing and scaled as if they had been normalised by ImageNet's "
        "statistics, the last partial batch of 64 dropped",
        "inception_torchvision",
        _legacy,
        multiple=64,
    ),
}


# One for all metrics, so that two that use the same network compile it once.
_apply = functools.partial(jax.jit, static_argnums=0)(lambda module, *arguments: module.apply(*arguments))


class _Network(NamedTuple):
    """A network with its weights, and the number of pictures that it is compiled for."""

    module: nn.Module
    variables: Any
    batch: int

    def __call__(self, *inputs: np.ndarray) -> np.ndarray:
        """The output for arrays of at most `batch` rows, which are filled up to it."""
        count = len(inputs[0])
        filled = [np.concatenate([x, np.zeros((self.batch - count, *x.shape[1:]), x.dtype)]) for x in inputs]
        # Accelerators multiply float32 in fewer bits by default: too few for figures that are to be compared.
        with jax.default_matmul_precision("highest"):
            return np.asarray(_apply(self.module, self.variables, *filled))[:count]


class FeatureExtractor:
    """Inception features of pictures, by one definition.

    Attributes:
        definition: in one sentence.
        weights_hash: SHA-256 of the weights.
    """

    def __init__(self, kind: Kind, variables: dict[str, Any], batch: int):
        self._definition = DEFINITIONS[kind]
        self.definition = self._definition.text
        self.weights_hash = checkpoints.fingerprint(variables)
        module = Inception(tensorflow=self._definition.network == "inception")
        _check(self._definition.network, module, variables, 1, SIDE)
        self._network = _Network(module, jax.device_put(variables), batch)

    def __call__(self, pictures: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """Features of pictures.

        Args:
            pictures: [B, H, W, 3] uint8 RGB, or a sequence of [H, W, 3], of any sizes.

        Returns:
            [B, 2048] float32.

        Raises:
            ValueError: a picture has another shape or type.
        """
        found = [np.zeros((0, FEATURES), np.float32)]
        for start in range(0, len(pictures), self._network.batch):
            chunk = [self._prepare(picture) for picture in pictures[start : start + self._network.batch]]
            found.append(self._network(np.stack(chunk)))
        return np.concatenate(found)

    def used(self, count: int) -> int:
        """How many of `count` pictures, the first ones, enter the distance: all, but by the legacy definition."""
        multiple = self._definition.multiple
        return count if count < multiple else count - count % multiple

    def _prepare(self, picture: np.ndarray) -> np.ndarray:
        _check_pictures(picture, 3)
        return self._definition.prepare(picture)


class Lpips:
    """Learned perceptual distance of pairs of pictures (Zhang et al. 2018, arXiv 1801.03924).

    0 for equal ones, but for rounding.

    Attributes:
        definition: in one sentence.
        weights_hash: SHA-256 of the weights.
    """

    def __init__(self, backbone: Backbone, variables: dict[str, Any], batch: int):
        name = {"alex": "AlexNet", "vgg": "VGG16"}[backbone]
        self.definition = f"LPIPS 0.1 ({name}): pictures at their own size, in [-1, 1], mean over all places"
        self.weights_hash = checkpoints.fingerprint(variables)
        self._smallest = SMALLEST_SIDE[backbone]
        module = LPIPS(backbone)
        _check(f"lpips_{backbone}", module, variables, 2, self._smallest)
        self._network = _Network(module, jax.device_put(variables), batch)

    def __call__(self, truth: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Distances of pairs.

        Args:
            truth: [B, H, W, 3] uint8 RGB, sides at least 31 (AlexNet) or 16 (VGG16).
            output: the same shape.

        Returns:
            [B] float32. Every other H and W is compiled for anew.

        Raises:
            ValueError: shapes or types do not fit, or the pictures are too small.
        """
        _check_pictures(truth, 4)
        _check_pictures(output, 4)
        if truth.shape != output.shape:
            raise ValueError(f"pictures of different shapes: {truth.shape} and {output.shape}")
        if min(truth.shape[1:3]) < self._smallest:
            raise ValueError(f"{self.definition.split(':')[0]} takes sides of {self._smallest} or more: {truth.shape}")
        found = [np.zeros(0, np.float32)]
        for start in range(0, len(truth), self._network.batch):
            pair = (x[start : start + self._network.batch].astype(np.float32) / 255 for x in (truth, output))
            found.append(self._network(*pair))
        return np.concatenate(found)


def feature_extractor(kind: Kind, checkpoint: Checkpoints, *, batch: int = 16) -> FeatureExtractor:
    """What computes the features for FID ("fid"), clean-FID ("clean_fid") or the original's FID ("legacy_fid").

    P-IDS and U-IDS use those of "fid".

    Args:
        kind: key of `DEFINITIONS`.
        checkpoint: one or several of the converter's; None or empty where there is none.
        batch: pictures at a time; it changes time and memory, not the features.

    Raises:
        ValueError: the weights are not there, or are not those of the network; says how to make them.
    """
    return FeatureExtractor(kind, _load(DEFINITIONS[kind].network, checkpoint), batch)


def lpips_metric(backbone: Backbone, checkpoint: Checkpoints, *, batch: int = 8) -> Lpips:
    """What computes LPIPS with the backbone "alex" or "vgg". Arguments and errors as for `feature_extractor`."""
    return Lpips(backbone, _load(f"lpips_{backbone}", checkpoint), batch)


def _load(network: str, checkpoint: Checkpoints) -> dict[str, Any]:
    paths = [checkpoint] if isinstance(checkpoint, PathLike) else list(checkpoint or ())
    weights = checkpoints.load_weights(paths) if paths else None
    if weights is not None and network in weights.networks:
        return weights.networks[network]
    needs, flag = _NEEDED[network]
    held = f"{', '.join(map(str, paths))}: holds {', '.join(weights.networks)}" if weights else "no weights were named"
    raise ValueError(f"{needs} the network {network} ({held}); make it with {_CONVERT} {flag} (see README.md)")


def _check(network: str, module: nn.Module, variables: dict[str, Any], inputs: int, side: int) -> None:
    """Raises ValueError, with all that does not fit, unless `variables` are those of the module."""
    checkpoints.check_shapes(network, variables, _shapes(module, inputs, side), hint="convert the published file again")


@functools.lru_cache(maxsize=8)
def _shapes(module: nn.Module, inputs: int, side: int) -> Any:
    pictures = [jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)] * inputs
    return jax.eval_shape(module.init, jax.random.PRNGKey(0), *pictures)


def _check_pictures(pictures: np.ndarray, axes: int) -> None:
    if pictures.dtype != np.uint8 or pictures.ndim != axes or pictures.shape[-1] != 3:
        wanted = "[B, H, W, 3]" if axes == 4 else "[H, W, 3]"
        raise ValueError(f"{pictures.dtype} pictures of shape {pictures.shape}; expected uint8, {wanted}")
