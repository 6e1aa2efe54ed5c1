"""Convolutions whose gradients are written as explicit convolutions.

Autodiff's gradients of strided and transposed convolutions run over pictures that are mostly zeros, and XLA's CPU
backend does not skip the zeros.
"""

import functools

import jax
import jax.numpy as jnp

from edgeconnect_jax.layers import cpu
from edgeconnect_jax.layers.direct import DOUBLING, HALVING, Geometry


def supports(shape: tuple[int, ...], size: int, geometry: Geometry) -> bool:
    """Whether `compute` supports an input of `shape` [B, H, W, I] and a kernel of `size` rows and columns."""
    if geometry == HALVING:
        return size == 4 and shape[1] % 2 == shape[2] % 2 == 0
    return geometry.doubles or geometry.stride == 1


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def compute(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The convolution of `x` [B, H, W, I] with `kernel` [kh, kw, I, O], same as `direct.compute`.

    Supports reverse-mode differentiation of any order, but not forward mode (`jax.jvp`).
    """
    return cpu.compute(x, kernel, geometry)


def _forward(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> tuple[jax.Array, tuple]:
    return cpu.compute(x, kernel, geometry), (x, kernel)


def _backward(geometry: Geometry, kept: tuple, gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, kernel = kept
    adjoint, reverse = _adjoint(kernel), _reverse(geometry, kernel.shape[0])
    to_input = cpu.compute(gradient, adjoint, reverse)
    if geometry.doubles:
        # The same sums as for the adjoint convolution, with the roles of the two pictures exchanged.
        return to_input, _adjoint(_to_kernel(gradient, adjoint, x, reverse))
    return to_input, _to_kernel(x, kernel, gradient, geometry)


compute.defvjp(_forward, _backward)


def _to_kernel(x: jax.Array, kernel: jax.Array, gradient: jax.Array, geometry: Geometry) -> jax.Array:
    _, transposed = jax.vjp(lambda kernel: cpu.compute(x, kernel, geometry), kernel)
    return transposed(gradient)[0]


def _reverse(geometry: Geometry, size: int) -> Geometry:
    """The geometry of the convolution that computes the gradient with respect to the input."""
    if geometry.doubles:
        return HALVING
    if geometry == HALVING:
        return DOUBLING
    return geometry._replace(padding=geometry.dilation * (size - 1) - geometry.padding)


def _adjoint(kernel: jax.Array) -> jax.Array:
    """[kh, kw, I, O] -> [kh, kw, O, I], flipped along both spatial axes."""
    return jnp.flip(kernel, (0, 1)).swapaxes(2, 3)
