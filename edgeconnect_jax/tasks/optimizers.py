"""Optimizers of players, from the options of a configuration."""

import optax

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.tasks.task import Player


def player(options: Config, *, discriminates: bool = False) -> Player:
    """A player with Adam.

    Args:
        options: config.optimizer.
        discriminates: whether the player is a discriminator: `d2g_ratio` times the learning rate, no moving average.
    """
    rate = options.learning_rate * (options.d2g_ratio if discriminates else 1.0)
    adam = optax.scale_by_adam(b1=options.beta1, b2=options.beta2, eps=options.epsilon)
    return Player(adam, _schedule(rate, options), averaged=not discriminates)


def _schedule(rate: float, options: Config) -> optax.Schedule:
    """step -> learning rate. Plateaus depend on validation; the training step applies their factor."""
    if options.schedule == "steps":
        return optax.piecewise_constant_schedule(rate, {step: options.factor for step in options.boundaries})
    if options.schedule == "linear":
        start, end = options.decay_start, options.decay_end
        return optax.linear_schedule(rate, 0.0, transition_steps=end - start, transition_begin=start)
    return optax.constant_schedule(rate)
