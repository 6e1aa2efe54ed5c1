"""Networks that systems and metrics share: features of VGG19, Inception, LPIPS and
EfficientNet-lite0, and edges by HED, with published weights."""

import functools

from edgeconnect_jax.layers.initialization import he_normal
from edgeconnect_jax.models import inception, lpips
from edgeconnect_jax.models.efficientnet import EfficientNetLite0
from edgeconnect_jax.models.hed import HED
from edgeconnect_jax.models.inception import Inception
from edgeconnect_jax.models.lpips import LPIPS
from edgeconnect_jax.models.network import Network, takes
from edgeconnect_jax.models.vgg import VGG19

_RGB = 3
_picture, _pair = takes(_RGB), takes(_RGB, _RGB)

BACKBONES: dict[str, Network] = {
    "vgg19": Network(VGG19, _picture, kernel=he_normal),
    "inception": Network(functools.partial(Inception, tensorflow=True), _picture, side=inception.SMALLEST_SIDE),
    "inception_torchvision": Network(
        functools.partial(Inception, tensorflow=False), _picture, side=inception.SMALLEST_SIDE
    ),
    "lpips_alex": Network(functools.partial(LPIPS, "alex"), _pair, side=lpips.SMALLEST_SIDES["alex"]),
    "lpips_vgg": Network(functools.partial(LPIPS, "vgg"), _pair, side=lpips.SMALLEST_SIDES["vgg"]),
    "efficientnet_lite0": Network(EfficientNetLite0, _picture, kernel=he_normal),
    "hed": Network(HED, _picture, kernel=he_normal),
}
