"""Convolutions whose gradients are written as convolutions of their own.

What autodiff makes of a strided or a transposed convolution runs over pictures that are mostly zeros, which XLA's CPU
backend does not skip.
"""

import functools

import jax
import jax.numpy as jnp

from edgeconnect_jax.layers import cpu
from edgeconnect_jax.layers.direct import DOUBLING, HALVING, Geometry


def supports(shape: tuple[int, ...], size: int, geometry: Geometry) -> bool:
    """Whether `compute` can do a convolution of x of `shape` [B, H, W, I] with a kernel of `size` rows and columns."""
    if geometry == HALVING:
        return size == 4 and shape[1] % 2 == shape[2] % 2 == 0
    return geometry.doubles or geometry.stride == 1


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def compute(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The convolution of `x` [B, H, W, I] with `kernel` [kh, kw, I, O], as `direct.compute`.

    It can be differentiated in reverse mode, more than once too, but not in forward mode (`jax.jvp`).
    """
    return cpu.compute(x, kernel, geometry)


def _forward(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> tuple[jax.Array, tuple]:
    return cpu.compute(x, kernel, geometry), (x, kernel)


def _backward(geometry: Geometry, kept: tuple, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, kernel = kept
    adjoint, reverse = _adjoint(kernel), _reverse(geometry, kernel.shape[0])
    to_input = cpu.compute(gradient, adjoint, reverse)
    if geometry.doubles:
        # The same sums as for the convolution that is its gradient, with the roles of both pictures exchanged.
        return to_input, _adjoint(_to_kernel(gradient, adjoint, x, reverse))
    return to_input, _to_kernel(x, kernel, gradient, geometry)


compute.defvjp(_forward, _backward)


def _to_kernel(x: jax.Array, kernel: jax.Array, gradient: jax.Array, geometry: Geometry) -> jax.Array:
    _, transposed = jax.vjp(lambda kernel: cpu.compute(x, kernel, geometry), kernel)
    return transposed(gradient)[0]


def _reverse(geometry: Geometry, size: int) -> Geometry:
    """Of the convolution that is the gradient with respect to the input."""
    if geometry.doubles:
        return HALVING
    if geometry == HALVING:
        return DOUBLING
    return geometry._replace(padding=geometry.dilation * (size - 1) - geometry.padding)


def _adjoint(kernel: jax.Array) -> jax.Array:
    """[kh, kw, I, O] -> [kh, kw, O, I], upside down and right to left."""
    return jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
