"""Precision of the results of a layer."""

import jax
import jax.numpy as jnp


def at_least_float32(x: jax.Array) -> jax.Array:
    """Casts `x` to float32 if its dtype is narrower."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
