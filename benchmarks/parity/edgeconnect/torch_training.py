"""The original's four training stages in PyTorch, to compare and to time ours against.

All gradients of a step are taken at the parameters that its forward passes used, then every optimiser steps. In
stage "joint" the edge generator's gradient is that of its own loss plus the completion losses', which reach it through
the edge map. Layouts as in `benchmarks.parity.edgeconnect.torch_networks`. Needs PyTorch, which is an extra.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, l1_loss, mse_loss, relu

from benchmarks.parity.edgeconnect.torch_networks import (
    VGG19,
    Discriminator,
    EdgeGenerator,
    InpaintGenerator,
    imagine,
    paint,
)
from edgeconnect_jax.configuration.types import Config

CONTENT_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STYLE_LAYERS = ("relu2_2", "relu3_4", "relu4_4", "relu5_2")

# The networks of each stage that are trained; those of "edge_inpaint" paint along a frozen edge generator's edges.
PLAYERS = {
    "edge": ("edge_generator", "edge_discriminator"),
    "inpaint": ("inpaint_generator", "inpaint_discriminator"),
    "edge_inpaint": ("inpaint_generator", "inpaint_discriminator"),
    "joint": ("edge_generator", "edge_discriminator", "inpaint_generator", "inpaint_discriminator"),
}
_FROZEN = {"edge_inpaint": ("edge_generator",)}

Networks = Mapping[str, nn.Module]
Batch = Mapping[str, Tensor]


class Adversarial(NamedTuple):
    """An adversarial loss: each function takes a discriminator's output [B, 1, h, w] and returns a scalar."""

    real: Callable[[Tensor], Tensor]
    fake: Callable[[Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]


def _against_labels(criterion: Callable[[Tensor, Tensor], Tensor]) -> Adversarial:
    """Real pictures are labelled 1 and fake ones 0; the generator's loss labels its pictures 1."""

    def real(output: Tensor) -> Tensor:
        return criterion(output, torch.ones_like(output))

    def fake(output: Tensor) -> Tensor:
        return criterion(output, torch.zeros_like(output))

    return Adversarial(real, fake, real)


_ADVERSARIAL = {
    "nsgan": _against_labels(binary_cross_entropy),
    "lsgan": _against_labels(mse_loss),
    "hinge": Adversarial(
        real=lambda output: relu(1 - output).mean(),
        fake=lambda output: relu(1 + output).mean(),
        generator=lambda output: -output.mean(),
    ),
}


def _gram(features: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, C, C], divided by C H W."""
    batch, channels, height, width = features.shape
    flat = features.view(batch, channels, height * width)
    return torch.bmm(flat, flat.transpose(1, 2)) / (channels * height * width)


def _features(vgg: VGG19, output: Tensor, image: Tensor, last: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """VGG19's maps of both pictures, those of `image` without gradient."""
    with torch.no_grad():
        real = vgg(image, last)
    return vgg(output, last), real


def content_loss(vgg: VGG19, output: Tensor, image: Tensor) -> Tensor:
    """Sum over `CONTENT_LAYERS` of the mean absolute difference of the features of two pictures [B, 3, H, W]."""
    fake, real = _features(vgg, output, image, CONTENT_LAYERS[-1])
    return torch.stack([l1_loss(fake[name], real[name]) for name in CONTENT_LAYERS]).sum()


def style_loss(vgg: VGG19, output: Tensor, image: Tensor) -> Tensor:
    """Sum over `STYLE_LAYERS` of the mean absolute difference of the Gram matrices of two pictures [B, 3, H, W]."""
    fake, real = _features(vgg, output, image, STYLE_LAYERS[-1])
    return torch.stack([l1_loss(_gram(fake[name]), _gram(real[name])) for name in STYLE_LAYERS]).sum()


def networks_of(config: Config) -> dict[str, nn.Module]:
    """Fresh networks of the stage `config.task.name`, of the sizes in `config.task`, in training mode."""
    task, sigmoid = config.task, config.losses.gan != "hinge"
    sizes = (task.features, task.residual_blocks)
    build: dict[str, Callable[[], nn.Module]] = {
        "edge_generator": lambda: EdgeGenerator(*sizes),
        "edge_discriminator": lambda: Discriminator(2, sigmoid, task.features),
        "inpaint_generator": lambda: InpaintGenerator(*sizes),
        "inpaint_discriminator": lambda: Discriminator(3, sigmoid, task.features),
    }
    return {name: build[name]() for name in (*_FROZEN.get(task.name, ()), *PLAYERS[task.name])}


class Step(NamedTuple):
    """Attributes: `losses` name -> weighted loss [], named as in our tasks; `output` of the last generator
    [B, C, H, W]. Both without gradient."""

    losses: dict[str, Tensor]
    output: Tensor


class TrainingStep:
    """Trains the networks of one stage, which are changed in place, by one batch a call.

    After a call each trained parameter's `grad` is the gradient that the step used. The discriminators make three
    passes a step: real, generated, and generated again for the generator; the frozen edge generator of stage
    "edge_inpaint" stays in training mode: in each pass the spectral norm advances.
    """

    def __init__(self, config: Config, networks: Networks, vgg: VGG19 | None = None):
        """Makes the optimisers.

        Args:
            config: task.name, losses and optimizer are read; a pool of generated pictures, a falling learning rate
                and a stage "joint" without its edge discriminator are not stated here.
            networks: as from `networks_of(config)`.
            vgg: for the content and style losses; None where the stage has none or their weights are 0.

        Raises:
            ValueError: what the configuration asks for is not stated here, or `vgg` is missing.
        """
        _check(config, vgg)
        self._stage, self._losses = config.task.name, config.losses
        self._gan = _ADVERSARIAL[config.losses.gan]
        self._networks, self._vgg = networks, vgg
        self._parameters = {name: list(networks[name].parameters()) for name in PLAYERS[self._stage]}
        self.optimizers = {name: _adam(name, p, config.optimizer) for name, p in self._parameters.items()}

    def __call__(self, batch: Batch) -> Step:
        """Takes one step.

        Args:
            batch: image [B, 3, H, W], gray, edge and mask [B, 1, H, W], at least one pixel of it hole.
        """
        terms, output = self._forward(batch)
        self._backward(terms)
        for optimizer in self.optimizers.values():
            optimizer.step()
        return Step({name: term.detach() for name, term in terms.items()}, output.detach())

    def _backward(self, terms: dict[str, Tensor]) -> None:
        """A discriminator's gradient is that of its own loss, a generator's that of all other losses together."""
        own = {name: terms[name] for name in self._parameters if name in terms}
        shared = torch.stack([term for name, term in terms.items() if name not in own]).sum()
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()
        shared.backward(inputs=[p for name, ps in self._parameters.items() if name not in own for p in ps])
        for name, term in own.items():
            term.backward(inputs=self._parameters[name])

    def _forward(self, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """The weighted losses, those of a discriminator under its own name, and the last generator's output."""
        if self._stage == "inpaint":
            return self._completion(batch["edge"], batch)
        known = batch["gray"], batch["edge"], batch["mask"]
        if self._stage == "edge_inpaint":
            with torch.no_grad():
                edges = imagine(self._networks["edge_generator"], *known)
            return self._completion(_merged(edges, batch), batch)
        edges = imagine(self._networks["edge_generator"], *known)
        terms = self._edge(edges, batch)
        if self._stage == "edge":
            return terms, edges
        more, output = self._completion(_merged(edges, batch), batch)
        return terms | more, output

    def _edge(self, edges: Tensor, batch: Batch) -> dict[str, Tensor]:
        """The losses of the edges [B, 1, H, W] and of their discriminator."""
        discriminator = self._networks["edge_discriminator"]
        fake = torch.cat([batch["gray"], edges], dim=1)
        on_real, real_maps = discriminator(torch.cat([batch["gray"], batch["edge"]], dim=1))
        on_fake, _ = discriminator(fake.detach())
        for_generator, fake_maps = discriminator(fake)
        distances = [l1_loss(f, r.detach()) for f, r in zip(fake_maps, real_maps, strict=True)]
        return {
            "edge_discriminator": (self._gan.real(on_real) + self._gan.fake(on_fake)) / 2,
            "edge_adversarial": self._gan.generator(for_generator),
            "feature_matching": self._losses.feature_matching * torch.stack(distances).sum(),
        }

    def _completion(self, edges: Tensor, batch: Batch) -> tuple[dict[str, Tensor], Tensor]:
        """The losses of the picture painted along `edges` [B, 1, H, W] and of its discriminator; and the picture."""
        image, mask, weights = batch["image"], batch["mask"], self._losses
        discriminator = self._networks["inpaint_discriminator"]
        output = paint(self._networks["inpaint_generator"], image, edges, mask)
        on_real, _ = discriminator(image)
        on_fake, _ = discriminator(output.detach())
        for_generator, _ = discriminator(output)
        terms = {
            "inpaint_discriminator": (self._gan.real(on_real) + self._gan.fake(on_fake)) / 2,
            "inpaint_adversarial": weights.adversarial * self._gan.generator(for_generator),
            "l1": weights.l1 * l1_loss(output, image) / mask.mean(),
        }
        if self._vgg is not None and weights.content:
            terms["content"] = weights.content * content_loss(self._vgg, output, image)
        if self._vgg is not None and weights.style:
            terms["style"] = weights.style * style_loss(self._vgg, output * mask, image * mask)
        return terms, output


def _merged(edges: Tensor, batch: Batch) -> Tensor:
    """Generated edges inside the hole, true ones outside."""
    return edges * batch["mask"] + batch["edge"] * (1 - batch["mask"])


def _adam(name: str, parameters: list[nn.Parameter], options: Config) -> torch.optim.Adam:
    rate = options.learning_rate * (options.d2g_ratio if name.endswith("discriminator") else 1)
    return torch.optim.Adam(parameters, rate, (options.beta1, options.beta2), options.epsilon)


def _check(config: Config, vgg: VGG19 | None) -> None:
    """Raises ValueError with all that is wrong."""
    wrong = []
    if config.losses.pool_size:
        wrong.append("losses.pool_size must be 0")
    if config.optimizer.schedule != "constant":
        wrong.append('optimizer.schedule must be "constant"')
    if config.task.name == "joint" and not config.task.edge_discriminator:
        wrong.append("task.edge_discriminator must be True")
    if config.task.name != "edge" and vgg is None and (config.losses.content or config.losses.style):
        wrong.append("losses.content and losses.style need `vgg`, or must be 0")
    if wrong:
        raise ValueError(f"the PyTorch training step cannot do this: {'; '.join(wrong)}")
