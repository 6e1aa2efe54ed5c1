"""Adversarial losses on patch logits: nsgan, lsgan, hinge.

A discriminator minimises (real + fake) / 2; the caller decides which examples are real.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

_LOG_FLOOR = -100.0  # where torch's binary_cross_entropy clamps its logarithms


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
    """log(sigmoid(x)), clamped to at least -100.

    Computed from the logits, it stays exact where a float32 sigmoid saturates at 0 or 1 and the original's gradient
    vanishes.
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
    """Squared error on the sigmoid, as in the original; Mao et al. 2016 (arXiv 1611.04076) have no sigmoid."""

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
    """Returns the loss named "nsgan", "lsgan" or "hinge".

    Raises:
        ValueError: there is no loss of this name.
    """
    if name not in _LOSSES:
        raise ValueError(f"unknown adversarial loss {name!r}: choose one of {', '.join(_LOSSES)}")
    return _LOSSES[name]()
