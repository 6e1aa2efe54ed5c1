"""Floating-point operations of the networks and of a training step, counted by hand and as XLA counts them.

By hand: the convolutions and VGG19's Gram matrices. A convolution takes 2 I O operations for every pair of an output
pixel and a tap that falls inside the picture, 2 being a multiplication and an addition; zeros around the picture, and
those that a transposed convolution puts between its pixels, are no arithmetic. The gradient with respect to its kernel
takes as many again, and so does the one with respect to its input. Each is counted only where an optimiser needs it.
What is left out (norms, activations, losses, power iterations, Adam) is 2 to 4% at full width.

XLA counts the same way, and elementwise arithmetic besides. It does not see through loops and rewritten convolutions:
what it counts is the program with `algorithms.direct_only()`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.layers.algorithms import direct_only
from edgeconnect_jax.losses.perceptual import VGG19
from edgeconnect_jax.systems.edgeconnect.networks import CHANNELS

COMPLETING = ("inpaint", "edge_inpaint", "joint")

_VGG19 = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))  # convolutions and channels


class Convolution(NamedTuple):
    """A square convolution of a square picture.

    Attributes:
        side: of the picture, in pixels, with what a reflection adds to it.
        size: of the kernel.
        channels_in, channels_out: of the picture and of the result.
        stride, padding, dilation: as in `layers.convolution.convolve`.
    """

    side: int
    size: int
    channels_in: int
    channels_out: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @property
    def side_out(self) -> int:
        """Side of the result."""
        return (self.side + 2 * self.padding - self.dilation * (self.size - 1) - 1) // self.stride + 1

    @property
    def flops(self) -> int:
        """Operations of the forward pass for one example."""
        firsts = [self.stride * row - self.padding for row in range(self.side_out)]
        rows = [first + self.dilation * tap for first in firsts for tap in range(self.size)]
        inside = sum(0 <= row < self.side for row in rows)
        return 2 * inside**2 * self.channels_in * self.channels_out


def upsampling(side: int, channels_in: int, channels_out: int) -> Convolution:
    """A transposed 4x4 of stride 2 and padding 1 takes what the convolution does whose gradient it is."""
    return Convolution(2 * side, 4, channels_out, channels_in, stride=2, padding=1)


Layers = list[Convolution]


def generator(name: str, side: int, features: int, residual_blocks: int) -> Layers:
    """The convolutions of a generator; `side` is that of the picture."""
    channels_out, wide, small = {"edge_generator": 1, "inpaint_generator": 3}[name], 4 * features, side // 4
    block = [Convolution(small + 4, 3, wide, wide, dilation=2), Convolution(small + 2, 3, wide, wide)]
    return [
        Convolution(side + 6, 7, CHANNELS[name], features),
        Convolution(side, 4, features, 2 * features, stride=2, padding=1),
        Convolution(side // 2, 4, 2 * features, wide, stride=2, padding=1),
        *(residual_blocks * block),
        upsampling(small, wide, 2 * features),
        upsampling(2 * small, 2 * features, features),
        Convolution(side + 6, 7, features, channels_out),
    ]


def discriminator(name: str, side: int, features: int) -> Layers:
    """The convolutions of a discriminator."""
    widths = [CHANNELS[name], *(features << i for i in range(4)), 1]
    layers: Layers = []
    for i, stride in enumerate((2, 2, 2, 1, 1)):
        layers.append(Convolution(side, 4, widths[i], widths[i + 1], stride=stride, padding=1))
        side = layers[-1].side_out
    return layers


def vgg19(side: int, last: str) -> dict[str, Convolution]:
    """The convolutions of VGG19 up to the map `last`, by the name of the map."""
    layers, channels = {}, 3
    for stage, (depth, width) in enumerate(_VGG19, start=1):
        for i in range(1, depth + 1):
            layers[f"relu{stage}_{i}"] = Convolution(side, 3, channels, width, padding=1)
            channels = width
            if f"relu{stage}_{i}" == last:
                return layers
        side //= 2
    raise ValueError(f"VGG19 has no map {last}")


def forward(layers: Layers) -> int:
    """A forward pass of one example."""
    return sum(layer.flops for layer in layers)


def _trained(layers: Layers, *, to_input: bool = False) -> int:
    """Forward pass, the gradients of all kernels, and of all inputs; of the picture itself only with `to_input`."""
    return 3 * forward(layers) - (0 if to_input else layers[0].flops)


def _passed(layers: Layers) -> int:
    """Forward pass, and the gradients of all inputs, of the picture too, through a network that is not trained."""
    return 2 * forward(layers)


def filling(side: int, features: int, residual_blocks: int) -> int:
    """Both generators on one picture."""
    return sum(forward(generator(n, side, features, residual_blocks)) for n in ("edge_generator", "inpaint_generator"))


def training(config: Config, side: int) -> dict[str, int]:
    """The operations of one training step for one example, by network; in "vgg19" its Gram matrices are included."""
    task, parts = config.task, {}
    sizes = (task.features, task.residual_blocks)
    if task.name in ("edge", "joint"):
        parts["edge_generator"] = _trained(generator("edge_generator", side, *sizes))
    if task.name == "edge_inpaint":
        parts["edge_generator"] = forward(generator("edge_generator", side, *sizes))
    if task.name == "edge" or (task.name == "joint" and task.edge_discriminator):
        parts["edge_discriminator"] = _judged(discriminator("edge_discriminator", side, task.features))
    if task.name in COMPLETING:
        to_edges = task.name == "joint"
        parts["inpaint_generator"] = _trained(generator("inpaint_generator", side, *sizes), to_input=to_edges)
        parts["inpaint_discriminator"] = _judged(discriminator("inpaint_discriminator", side, task.features))
        parts["vgg19"] = _perceptual(config, side)
    return parts


def _judged(layers: Layers) -> int:
    """A discriminator's three passes: real and generated for itself, and generated for the generator."""
    return 2 * _trained(layers) + _passed(layers)


def _perceptual(config: Config, side: int) -> int:
    """VGG19 on a generated picture, with the gradient, and on a real one, without; for each of both losses."""
    total = 0
    for weight, last in ((config.losses.content, [*VGG19.content][-1]), (config.losses.style, [*VGG19.style][-1])):
        layers = list(vgg19(side, last).values()) if weight else []
        total += _passed(layers) + forward(layers)
    return total + (_grams(side) if config.losses.style else 0)


def _grams(side: int) -> int:
    """The Gram matrices of a generated and of a real picture, and the gradient with respect to the former."""
    maps = vgg19(side, [*VGG19.style][-1])
    return sum(3 * 2 * maps[name].side_out ** 2 * maps[name].channels_out ** 2 for name in VGG19.style)


def lowered_directly(function: Callable, *arguments: Any) -> jax.stages.Lowered:
    """`function` of `arguments` (arrays or shapes), traced with direct convolutions and without loops."""
    with direct_only():
        # A function of its own: one that was traced outside would be taken from JAX's cache.
        return jax.jit(lambda *xs: function(*xs)).lower(*arguments)


def operations_of(program: jax.stages.Lowered | jax.stages.Compiled) -> float:
    """What XLA reports for a program."""
    analysis: Any = program.cost_analysis()
    return float(analysis["flops"])


def example_of_shapes(side: int) -> dict[str, jax.ShapeDtypeStruct]:
    """The shapes of an example as it is loaded: image, edge and mask [H, W, C]."""
    channels = {"image": 3, "edge": 1, "mask": 1}
    return {name: jax.ShapeDtypeStruct((side, side, c), jnp.uint8) for name, c in channels.items()}


def batch_of_shapes(side: int, count: int) -> dict[str, jax.ShapeDtypeStruct]:
    """The shapes of a batch as a training step takes it: image, edge and mask [1, B, H, W, C]."""
    shapes = example_of_shapes(side)
    return {name: jax.ShapeDtypeStruct((1, count, *x.shape), jnp.float32) for name, x in shapes.items()}
