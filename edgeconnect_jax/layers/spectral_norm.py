"""Spectral normalisation (Miyato et al. 2018, arXiv 1802.05957) as in torch's `nn.utils.spectral_norm`.

A kernel [kh, kw, I, O] is treated as a matrix W whose rows are the output channels. The collection `spectral` holds the
singular vectors `u` [O] and `v` [kh, kw, I], both of unit length, so that sigma = u^T W v. In training every forward
pass runs one power iteration and stores the result; evaluation uses the stored vectors unchanged.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import traverse_util

COLLECTION = "spectral"
_EPSILON = 1e-12  # torch's default
_HIGHEST = jax.lax.Precision.HIGHEST


def _unit(x: jax.Array) -> jax.Array:
    return x / jnp.maximum(jnp.sqrt(jnp.sum(x * x)), _EPSILON)


def power_iteration(kernel: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array]:
    """One power iteration: v from u, then u from v.

    Args:
        kernel: [kh, kw, I, O].
        u: [O], unit length.

    Returns:
        The new (u [O], v [kh, kw, I]), both of unit length, without gradient.
    """
    kernel, u = jax.lax.stop_gradient((kernel, u))
    v = _unit(jnp.einsum("hwio,o->hwi", kernel, u, precision=_HIGHEST))
    u = _unit(jnp.einsum("hwio,hwi->o", kernel, v, precision=_HIGHEST))
    return u, v


def spectral_scale(kernel: jax.Array, u: jax.Array, v: jax.Array) -> jax.Array:
    """sigma = u^T W v [], differentiable in `kernel` [kh, kw, I, O]; `u` [O] and `v` [kh, kw, I] are constants."""
    u, v = jax.lax.stop_gradient((u, v))
    return jnp.einsum("o,hwio,hwi->", u, kernel, v, precision=_HIGHEST)


class SpectralNorm(nn.Module):
    """Divides a kernel by its largest singular value.

    With `train=True` it updates u and v, which requires the collection `spectral` to be mutable.
    """

    @nn.compact
    def __call__(self, kernel: jax.Array, *, train: bool) -> jax.Array:
        """Returns `kernel` [kh, kw, I, O] divided by sigma, in the same shape and dtype."""

        def gaussian(shape: tuple[int, ...]) -> jax.Array:
            return _unit(jax.random.normal(self.make_rng("params"), shape, kernel.dtype))

        u = self.variable(COLLECTION, "u", gaussian, kernel.shape[-1:])
        v = self.variable(COLLECTION, "v", gaussian, kernel.shape[:-1])
        if train and not self.is_initializing():
            u.value, v.value = power_iteration(kernel, u.value)
        return kernel / spectral_scale(kernel, u.value, v.value)


def iterate_tree(params: Any, spectral: Any) -> Any:
    """Runs one power iteration for every normalised kernel of a network without running the network.

    Moving averages of weights need this: they have singular vectors of their own, which no forward pass updates.

    Args:
        params: parameters of a network in which the layer that holds a `kernel` also holds its `SpectralNorm`.
        spectral: the network's `spectral` collection, or an empty dict.

    Returns:
        The new `spectral` collection.
    """
    kernels: dict[tuple[str, ...], Any] = traverse_util.flatten_dict(params)
    vectors: dict[tuple[str, ...], Any] = traverse_util.flatten_dict(spectral)
    advanced = {}
    for *layer, name, leaf in vectors:
        if leaf == "u":
            path = (*layer, name)
            u, v = power_iteration(kernels[(*layer, "kernel")], vectors[(*path, "u")])
            advanced[(*path, "u")], advanced[(*path, "v")] = u, v
    return traverse_util.unflatten_dict(advanced)
