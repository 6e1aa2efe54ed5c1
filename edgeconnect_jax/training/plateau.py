"""Lowers the learning rate when validation stops improving, with optax's `reduce_on_plateau`."""

from typing import Any

import jax.numpy as jnp
import optax

from edgeconnect_jax.configuration.types import Config


class Plateau:
    """Tracks a validation metric and returns the factor of the learning rates.

    The state consists of plain numbers, which a checkpoint can store.
    """

    def __init__(self, options: Config, *, higher_is_better: bool):
        """`options` is config.optimizer."""
        self._sign = -1.0 if higher_is_better else 1.0
        self._transform = optax.contrib.reduce_on_plateau(
            factor=options.factor,
            patience=options.patience,
            rtol=0.0,
            atol=options.min_delta,
            min_scale=options.min_scale,
        )
        self._state: Any = self._transform.init(jnp.zeros(()))

    def update(self, value: float) -> float:
        """Takes a new value of the metric and returns the new factor."""
        _, self._state = self._transform.update({}, self._state, value=jnp.asarray(self._sign * value, jnp.float32))
        return float(self._state.scale)

    def state(self) -> dict[str, float]:
        """The state for `restore`."""
        return {name: float(value) for name, value in self._state._asdict().items()}

    def restore(self, state: dict[str, float]) -> None:
        """Continues from a result of `state`."""
        fields = self._state._asdict()
        self._state = self._state._replace(**{k: jnp.asarray(v, fields[k].dtype) for k, v in state.items()})
