"""Adversarial losses on patch logits: nsgan, lsgan, hinge.

A discriminator minimises (real + fake) / 2; which examples are real is said by the caller.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

_LOG_FLOOR = -100.0  # torch's binary_cross_entropy clamps its logarithms here


class Adversarial(NamedTuple):
    """An adversarial loss; each function takes logits [B, h, w, 1] and returns a scalar.

    Attributes:
        real: the discriminator's loss on real pictures.
        fake: the discriminator's loss on generated pictures.
        generator: the generator's loss on its pictures.
    """

    real: Callable[[jax.Array], jax.Array]
    fake: Callable[[jax.Array], jax.Array]
    generator: Callable[[jax.Array], jax.Array]


def _log_sigmoid(x: jax.Array) -> jax.Array:
    """log(sigmoid(x)), not below -100.

    From the logits it stays exact where a float32 sigmoid has become 0 or 1 and the original's gradient has died.
    """
    return jnp.maximum(jax.nn.log_sigmoid(x), _LOG_FLOOR)


def _nsgan() -> Adversarial:
    """Binary cross-entropy on the sigmoid, non-saturating (Goodfellow et al. 2014, arXiv 1406.2661)."""

    def real(logits: jax.Array) -> jax.Array:
        return -_log_sigmoid(logits).mean()

    def fake(logits: jax.Array) -> jax.Array:
        return -_log_sigmoid(-logits).mean()

    return Adversarial(real, fake, real)


def _lsgan() -> Adversarial:
    """Squared error on the sigmoid, as the original does (Mao et al. 2016, arXiv 1611.04076, has none)."""

    def real(logits: jax.Array) -> jax.Array:
        return jnp.square(jax.nn.sigmoid(logits) - 1).mean()

    def fake(logits: jax.Array) -> jax.Array:
        return jnp.square(jax.nn.sigmoid(logits)).mean()

    return Adversarial(real, fake, real)


def _hinge() -> Adversarial:
    """Hinge on the logits (Lim & Ye 2017, arXiv 1705.02894)."""

    def real(logits: jax.Array) -> jax.Array:
        return jax.nn.relu(1 - logits).mean()

    def fake(logits: jax.Array) -> jax.Array:
        return jax.nn.relu(1 + logits).mean()

    def generator(logits: jax.Array) -> jax.Array:
        return -logits.mean()

    return Adversarial(real, fake, generator)


_LOSSES = {"nsgan": _nsgan, "lsgan": _lsgan, "hinge": _hinge}


def adversarial(name: str) -> Adversarial:
    """The loss called "nsgan", "lsgan" or "hinge".

    Raises:
        ValueError: the name is none of these.
    """
    if name not in _LOSSES:
        raise ValueError(f"unknown adversarial loss {name!r}: choose one of {', '.join(_LOSSES)}")
    return _LOSSES[name]()
