"""Cross-entropy of maps of lines with the true ones."""

import jax
import jax.numpy as jnp

# Of probabilities: keeps logarithms and gradients finite where a float32 sigmoid has become 0 or 1.
_FLOOR = 1e-6


def line_cross_entropy(
    output: jax.Array, truth: jax.Array, mask: jax.Array, *, inside: float, outside: float, positive: float
) -> jax.Array:
    """Weighted binary cross-entropy, averaged over pixels.

    Adversarial losses alone teach a small network little about lines in thousands of steps: its maps stay at chance.
    This tells it of each pixel whether a line passes there (as Xie and Tu 2015, arXiv 1504.06375, do with a weight for
    the rare class).

    Args:
        output: probabilities [B, H, W, 1].
        truth: [B, H, W, 1], 1 = line.
        mask: [B, H, W, 1], 1 = hole.
        inside: weight of pixels in the hole.
        outside: weight of all others.
        positive: further weight of pixels on a line.

    Returns:
        [].
    """
    output = jnp.clip(output, _FLOOR, 1 - _FLOOR)
    entropy = -(positive * truth * jnp.log(output) + (1 - truth) * jnp.log(1 - output))
    return ((inside * mask + outside * (1 - mask)) * entropy).mean()
