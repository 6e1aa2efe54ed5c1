"""EdgeConnect's networks in PyTorch, stated from the description of the original, to compare and to time ours against.

The state dicts have the original's keys and shapes. Layouts are PyTorch's: pictures [B, 3, H, W], edges and masks
[B, 1, H, W], all float in [0, 1]; edge 1 = edge, mask 1 = hole. Needs PyTorch, which is an extra.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

SIDE_MULTIPLE = 4  # two strided convolutions
SMALLEST_SIDE = 16

_WEIGHT_DEVIATION = 0.02
_LUMA = (0.2125, 0.7154, 0.0721)


def _convolution(layer: nn.Module, spectral: bool) -> nn.Module:
    """`layer` with weights N(0, 0.02) and biases 0; with `spectral`, under spectral normalisation."""
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    nn.init.normal_(layer.weight, 0, _WEIGHT_DEVIATION)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    # Torch takes output channels as rows: axis 0, and axis 1 of a transposed convolution.
    return nn.utils.spectral_norm(layer) if spectral else layer


def _normalised(layer: nn.Module, spectral: bool, channels: int) -> list[nn.Module]:
    return [_convolution(layer, spectral), nn.InstanceNorm2d(channels), nn.ReLU(inplace=True)]


class ResidualBlock(nn.Module):
    """x + the block [B, C, H, W], without ReLU after the sum; with `spectral` the convolutions have no bias."""

    def __init__(self, channels: int, spectral: bool):
        super().__init__()
        first = nn.Conv2d(channels, channels, 3, dilation=2, bias=not spectral)
        second = nn.Conv2d(channels, channels, 3, bias=not spectral)
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(2),
            *_normalised(first, spectral, channels),
            nn.ReflectionPad2d(1),
            _convolution(second, spectral),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class _Generator(nn.Module):
    """The body of both generators, up to what comes before the output's nonlinearity."""

    def __init__(self, channels_in: int, channels_out: int, spectral: bool, features: int, residual_blocks: int):
        super().__init__()
        narrow, middle, wide = features, 2 * features, 4 * features
        self.encoder = nn.Sequential(
            nn.ReflectionPad2d(3),
            *_normalised(nn.Conv2d(channels_in, narrow, 7), spectral, narrow),
            *_normalised(nn.Conv2d(narrow, middle, 4, stride=2, padding=1), spectral, middle),
            *_normalised(nn.Conv2d(middle, wide, 4, stride=2, padding=1), spectral, wide),
        )
        self.middle = nn.Sequential(*(ResidualBlock(wide, spectral) for _ in range(residual_blocks)))
        self.decoder = nn.Sequential(
            *_normalised(nn.ConvTranspose2d(wide, middle, 4, stride=2, padding=1), spectral, middle),
            *_normalised(nn.ConvTranspose2d(middle, narrow, 4, stride=2, padding=1), spectral, narrow),
            nn.ReflectionPad2d(3),
            _convolution(nn.Conv2d(narrow, channels_out, 7), spectral=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.middle(self.encoder(x)))


class EdgeGenerator(_Generator):
    """Luminance, edges and mask [B, 3, H, W] -> edges [B, 1, H, W] in [0, 1]; H and W multiples of 4."""

    def __init__(self, features: int = 64, residual_blocks: int = 8):
        super().__init__(3, 1, True, features, residual_blocks)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(super().forward(x))


class InpaintGenerator(_Generator):
    """Picture and edges [B, 4, H, W] -> picture [B, 3, H, W] in [0, 1]; H and W multiples of 4."""

    def __init__(self, features: int = 64, residual_blocks: int = 8):
        super().__init__(4, 3, False, features, residual_blocks)

    def forward(self, x: Tensor) -> Tensor:
        return (torch.tanh(super().forward(x)) + 1) / 2


class Discriminator(nn.Module):
    """The 70 x 70 PatchGAN; `sigmoid` on the output, which the hinge loss does without."""

    def __init__(self, channels_in: int, sigmoid: bool = True, features: int = 64):
        super().__init__()
        self.sigmoid = sigmoid
        widths = [features << i for i in range(4)]
        # Under two names, as in the original, whose state dicts hold the first layer twice.
        self.conv1 = self.features = self._layer(channels_in, widths[0], stride=2)
        self.conv2 = self._layer(widths[0], widths[1], stride=2)
        self.conv3 = self._layer(widths[1], widths[2], stride=2)
        self.conv4 = self._layer(widths[2], widths[3], stride=1)
        self.conv5 = nn.Sequential(_convolution(nn.Conv2d(widths[3], 1, 4, padding=1, bias=False), spectral=True))

    @staticmethod
    def _layer(channels_in: int, channels_out: int, stride: int) -> nn.Sequential:
        layer = nn.Conv2d(channels_in, channels_out, 4, stride=stride, padding=1, bias=False)
        return nn.Sequential(_convolution(layer, spectral=True), nn.LeakyReLU(0.2, inplace=True))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """[B, C, H, W] -> output [B, 1, h, w], and the maps of the five layers, the last one before any sigmoid."""
        maps = []
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4, self.conv5):
            x = layer(x)
            maps.append(x)
        return torch.sigmoid(x) if self.sigmoid else x, maps


class VGG19(nn.Module):
    """The convolutional part of VGG19 (arXiv 1409.1556) with torchvision's keys, frozen."""

    STAGES = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))  # convolutions and channels

    def __init__(self):
        super().__init__()
        layers: list[nn.Module] = []
        self._names: list[str] = []  # of each layer's output, "" where no loss can ask for it
        channels_in = 3
        for stage, (depth, width) in enumerate(self.STAGES, start=1):
            for i in range(1, depth + 1):
                layers += [nn.Conv2d(channels_in, width, 3, padding=1), nn.ReLU(inplace=True)]
                self._names += ["", f"relu{stage}_{i}"]
                channels_in = width
            layers.append(nn.MaxPool2d(2))
            self._names.append("")
        self.features = nn.Sequential(*layers)
        self.requires_grad_(False)

    def forward(self, x: Tensor, last: str = "relu5_4") -> dict[str, Tensor]:
        """[B, 3, H, W] in [0, 1], without ImageNet's normalisation -> maps by name, "relu1_1" to `last`."""
        maps = {}
        for layer, name in zip(self.features, self._names, strict=True):
            x = layer(x)
            if name:
                maps[name] = x
            if name == last:
                break
        return maps


def load_arrays(network: nn.Module, state: Mapping[str, np.ndarray]) -> None:
    """Gives a network the arrays of a state dict, all of them and no others; torch lists what does not fit."""
    network.load_state_dict({key: torch.from_numpy(np.array(array)) for key, array in state.items()})


def gray_of(image: Tensor) -> Tensor:
    """The luminance [B, 1, H, W] of [B, 3, H, W]."""
    return (image * image.new_tensor(_LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def imagine(generator: nn.Module, gray: Tensor, edge: Tensor, mask: Tensor) -> Tensor:
    """Runs the edge generator: its edges [B, 1, H, W], everywhere."""
    return generator(torch.cat([gray * (1 - mask) + mask, edge * (1 - mask), mask], dim=1))


def paint(generator: nn.Module, image: Tensor, edge: Tensor, mask: Tensor) -> Tensor:
    """Runs the completion network on the whole edge map: its picture [B, 3, H, W], everywhere."""
    return generator(torch.cat([image * (1 - mask) + mask, edge], dim=1))


class Filled(NamedTuple):
    """Attributes: `edges` [B, 1, H, W], those that the completion network saw; `output` [B, 3, H, W], what it painted;
    `merged` [B, 3, H, W], that inside the hole only."""

    edges: Tensor
    output: Tensor
    merged: Tensor


@torch.no_grad()
def fill(
    image: Tensor,
    edge: Tensor,
    mask: Tensor,
    edge_generator: nn.Module,
    inpaint_generator: nn.Module,
    composite: bool,
) -> Filled:
    """Fills holes as the original's test mode does, on pictures of any size.

    Sides that are not multiples of 4 are continued by reflection on the right and at the bottom, and what is painted
    there is cut off. The networks run in their current mode: call `eval()` on them first.

    Args:
        image: [B, 3, H, W], H and W at least 16.
        edge: known edges [B, 1, H, W], read outside the hole only.
        mask: [B, 1, H, W].
        edge_generator: an `EdgeGenerator`.
        inpaint_generator: an `InpaintGenerator`.
        composite: whether the completion network sees known edges outside the hole, as in training; else it sees
            the generated ones everywhere, as in the original's test mode.

    Raises:
        ValueError: a side is under 16.
    """
    height, width = image.shape[-2:]
    if min(height, width) < SMALLEST_SIDE:
        raise ValueError(f"a picture must have sides of at least {SMALLEST_SIDE} pixels, not {height} x {width}")
    beyond = (0, -width % SIDE_MULTIPLE, 0, -height % SIDE_MULTIPLE)
    image, edge, mask = (pad(x, beyond, mode="reflect") for x in (image, edge, mask))
    edges = imagine(edge_generator, gray_of(image), edge, mask)
    if composite:
        edges = edges * mask + edge * (1 - mask)
    output = paint(inpaint_generator, image, edges, mask)
    merged = output * mask + image * (1 - mask)
    return Filled(*(x[..., :height, :width] for x in (edges, output, merged)))
