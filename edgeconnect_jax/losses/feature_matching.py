"""Feature matching on the feature maps of a discriminator (Wang et al. 2018, arXiv 1711.11585)."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp


def feature_matching(fake: Sequence[jax.Array], real: Sequence[jax.Array]) -> jax.Array:
    """Sum over the layers of the mean absolute difference; no gradient flows into `real`.

    Args:
        fake: maps of the generated pictures, [B, h, w, C] each.
        real: maps of the real pictures, with the same shapes.
    """
    distances = [jnp.abs(f - jax.lax.stop_gradient(r)).mean() for f, r in zip(fake, real, strict=True)]
    return jnp.stack(distances).sum()
