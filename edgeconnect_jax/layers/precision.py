"""In which precision results are handed on."""

import jax
import jax.numpy as jnp


def at_least_float32(x: jax.Array) -> jax.Array:
    """`x` in its own dtype, but float32 instead of anything narrower."""
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
