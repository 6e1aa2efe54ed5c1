"""Metrics that compare features of trained networks: FID's features and LPIPS, each by a named definition.

The weights are published files, converted with scripts/convert_torch_ckpt.py.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
from flax import linen as nn

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.checkpoints.weights import PathLike
from edgeconnect_jax.metrics import resizing
from edgeconnect_jax.models.backbones import BACKBONES
from edgeconnect_jax.models.inception import FEATURES, SIDE
from edgeconnect_jax.models.network import variable_shapes

Backbone = Literal["alex", "vgg"]
Checkpoints = PathLike | Sequence[PathLike] | None

_CONVERT = "python scripts/convert_torch_ckpt.py --output CKPT"
# Network -> the options of _CONVERT that convert its published weights.
_FLAGS = {
    "inception": "--inception pt_inception-2015-12-05-6726825d.pth",
    "inception_torchvision": "--inception inception_v3_google-0cc3c7bd.pth",
    "lpips_alex": "--lpips_alex alex.pth alexnet-owt-7be5be79.pth",
    "lpips_vgg": "--lpips_vgg vgg.pth vgg16-397923af.pth",
}
_LPIPS_NAMES = {"alex": "AlexNet", "vgg": "VGG16"}


class Features(NamedTuple):
    """How the features of a FID are computed.

    Attributes:
        name: of the FID that they give, in options and files.
        text: the definition, in one sentence.
        needed_by: the metrics that are computed from them, for messages: "FID and clean-FID need".
        network: of `models.backbones.BACKBONES`, an Inception.
        prepare: from a picture uint8 [H, W, 3] to the input of the network, float32 [SIDE, SIDE, 3].
        multiple: size of a batch; the pictures that do not fill one are not used.
    """

    name: str
    text: str
    needed_by: str
    network: str
    prepare: Callable[[np.ndarray], np.ndarray]
    multiple: int = 1


def unit_bilinear(picture: np.ndarray) -> np.ndarray:
    """A picture uint8 [H, W, 3] in [0, 1], resized bilinearly to the side of Inception: float32 [SIDE, SIDE, 3]."""
    return resizing.bilinear(picture.astype(np.float32) / 255, SIDE)


_TENSORFLOW_NEEDED_BY = "FID, clean-FID, P-IDS and U-IDS need"
FID = Features(
    "fid",
    "features as in pytorch-fid: TF-ported Inception (pt_inception-2015-12-05), 2048 pooled, pictures resized to "
    "299 x 299 bilinearly without antialiasing",
    _TENSORFLOW_NEEDED_BY,
    "inception",
    lambda picture: 2 * unit_bilinear(picture) - 1,
)
CLEAN_FID = Features(
    "clean_fid",
    "features as in clean-fid: TF-ported Inception (pt_inception-2015-12-05), 2048 pooled, pictures resized to "
    "299 x 299 with Pillow's antialiased bicubic in float",
    _TENSORFLOW_NEEDED_BY,
    "inception",
    lambda picture: (resizing.bicubic(picture, SIDE) - 128) / 128,
)


# One for all metrics, so that two that use the same network compile it once.
_apply = functools.partial(jax.jit, static_argnums=0)(lambda module, *arguments: module.apply(*arguments))


class _Program(NamedTuple):
    """A network with its weights, and the number of pictures that it is compiled for."""

    module: nn.Module
    variables: Any
    batch: int

    def __call__(self, *inputs: np.ndarray) -> np.ndarray:
        """The output for arrays of at most `batch` rows, which are padded to it."""
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

    def __init__(self, features: Features, variables: dict[str, Any], batch: int):
        self._features = features
        self.definition = features.text
        self.weights_hash = checkpoints.fingerprint(variables)
        self._program = _program(features.network, variables, batch)

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
        for start in range(0, len(pictures), self._program.batch):
            chunk = [self._prepare(picture) for picture in pictures[start : start + self._program.batch]]
            found.append(self._program(np.stack(chunk)))
        return np.concatenate(found)

    def used(self, count: int) -> int:
        """How many of `count` pictures, the first ones, enter the distance: all, or all whole batches."""
        multiple = self._features.multiple
        return count if count < multiple else count - count % multiple

    def _prepare(self, picture: np.ndarray) -> np.ndarray:
        _check_pictures(picture, 3)
        return self._features.prepare(picture)


class Lpips:
    """Learned perceptual distance of pairs of pictures (Zhang et al. 2018, arXiv 1801.03924).

    0 for equal ones, but for rounding.

    Attributes:
        definition: in one sentence.
        weights_hash: SHA-256 of the weights.
        smallest_side: of the pictures that it takes, in pixels.
    """

    def __init__(self, backbone: Backbone, variables: dict[str, Any], batch: int):
        name = f"lpips_{backbone}"
        self.definition = (
            f"LPIPS 0.1 ({_LPIPS_NAMES[backbone]}): pictures at their own size, in [-1, 1], mean over all places"
        )
        self.weights_hash = checkpoints.fingerprint(variables)
        self.smallest_side = BACKBONES[name].side
        self._program = _program(name, variables, batch)

    def __call__(self, truth: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Distances of pairs.

        Args:
            truth: [B, H, W, 3] uint8 RGB, sides at least 31 (AlexNet) or 16 (VGG16).
            output: the same shape.

        Returns:
            [B] float32. Each H and W is compiled separately.

        Raises:
            ValueError: the shapes differ, the types are not uint8, or the pictures are too small.
        """
        _check_pictures(truth, 4)
        _check_pictures(output, 4)
        if truth.shape != output.shape:
            raise ValueError(f"pictures of different shapes: {truth.shape} and {output.shape}")
        if min(truth.shape[1:3]) < self.smallest_side:
            raise ValueError(
                f"{self.definition.split(':')[0]} takes sides of {self.smallest_side} or more: {truth.shape}"
            )
        found = [np.zeros(0, np.float32)]
        for start in range(0, len(truth), self._program.batch):
            pair = (x[start : start + self._program.batch].astype(np.float32) / 255 for x in (truth, output))
            found.append(self._program(*pair))
        return np.concatenate(found)


def feature_extractor(features: Features, checkpoint: Checkpoints, *, batch: int = 16) -> FeatureExtractor:
    """What computes the features of a FID.

    Args:
        features: FID (of P-IDS and U-IDS, too), CLEAN_FID, or those of a system.
        checkpoint: one or several of the converter's; None or empty if there is none.
        batch: pictures at a time; it changes time and memory, not the features.

    Raises:
        ValueError: the weights are missing, or are not those of the network; says how to convert them.
    """
    return FeatureExtractor(features, _load(features.network, features.needed_by, checkpoint), batch)


def lpips_metric(backbone: Backbone, checkpoint: Checkpoints, *, batch: int = 8) -> Lpips:
    """What computes LPIPS with the backbone "alex" or "vgg". Arguments and errors as for `feature_extractor`."""
    return Lpips(backbone, _load(f"lpips_{backbone}", f"LPIPS ({_LPIPS_NAMES[backbone]}) needs", checkpoint), batch)


def _load(network: str, needed_by: str, checkpoint: Checkpoints) -> dict[str, Any]:
    paths = [checkpoint] if isinstance(checkpoint, PathLike) else list(checkpoint or ())
    weights = checkpoints.load_weights(paths) if paths else None
    if weights is not None and network in weights.networks:
        return weights.networks[network]
    held = f"{', '.join(map(str, paths))}: holds {', '.join(weights.networks)}" if weights else "no weights were named"
    flag = _FLAGS[network]
    remedy = f"make it with {_CONVERT} {flag} (see docs/evaluation.md)"
    raise ValueError(f"{needed_by} the network {network} ({held}); {remedy}")


def _program(name: str, variables: dict[str, Any], batch: int) -> _Program:
    """The network of this name; raises ValueError, listing every difference, if `variables` are not its own."""
    checkpoints.check_shapes(name, variables, _shapes(name), hint="convert the published file again")
    return _Program(BACKBONES[name].module(), jax.device_put(variables), batch)


@functools.lru_cache(maxsize=8)
def _shapes(name: str) -> Any:
    return variable_shapes(BACKBONES[name], {})


def _check_pictures(pictures: np.ndarray, axes: int) -> None:
    if pictures.dtype != np.uint8 or pictures.ndim != axes or pictures.shape[-1] != 3:
        wanted = "[B, H, W, 3]" if axes == 4 else "[H, W, 3]"
        raise ValueError(f"{pictures.dtype} pictures of shape {pictures.shape}; expected uint8, {wanted}")
