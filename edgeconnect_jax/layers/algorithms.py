"""Selects the algorithm of each convolution by backend, use and shape.

Networks are unaware of the choice, which affects only the run time and the last digits of a result.
"""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from edgeconnect_jax.layers import cpu, direct, gradients, winograd
from edgeconnect_jax.layers.direct import Geometry

# Channel counts at which fewer multiplications outweigh the cost of the transforms, measured on x86-64 with AVX-512:
# for both sides when a kernel is transformed once, and for the narrower and the wider side in training.
_WIDE = 256
_WIDE_IN_TRAINING = (64, 128)
# Training transforms the kernel at every step: limits its narrower side to this multiple of the number of tiles.
_CHANNELS_PER_TILE = 4

_DIRECT_ONLY = contextvars.ContextVar("direct_only", default=False)

Shape = tuple[int, ...]


class Algorithm(NamedTuple):
    """A way to compute a convolution whose kernel does not change.

    Attributes:
        prepare: applied to a kernel once: (kernel [kh, kw, I, O], geometry) -> prepared array.
        compute: (x [B, H, W, I], prepared array, geometry) -> [B, H', W', O].
    """

    prepare: Callable[[jax.Array, Geometry], jax.Array]
    compute: Callable[[jax.Array, jax.Array, Geometry], jax.Array]


_DIRECT = Algorithm(lambda kernel, _: kernel, direct.compute)
_ON_CPU = Algorithm(lambda kernel, _: kernel, cpu.compute)
_WINOGRAD = Algorithm(winograd.transform, winograd.compute)


@contextlib.contextmanager
def direct_only() -> Iterator[None]:
    """Traces every convolution as XLA's own and without loops, so that XLA's operation counts are comparable."""
    token = _DIRECT_ONLY.set(True)
    try:
        yield
    finally:
        _DIRECT_ONLY.reset(token)


def for_inference(kernel: Shape, dtype: jnp.dtype, geometry: Geometry) -> Algorithm:
    """Returns the fastest algorithm for a kernel that is used many times.

    On GPUs and TPUs the vendor's library selects the algorithm.

    Args:
        kernel: shape of the kernel, (kh, kw, I, O).
        dtype: dtype of the arithmetic.
        geometry: geometry of the convolution.
    """
    if not _on_cpu():
        return _DIRECT
    suits = dtype == jnp.float32 and winograd.supports(kernel[0], geometry)
    return _WINOGRAD if suits and _is_wide(kernel, geometry) else _ON_CPU


def convolve(x: jax.Array, kernel: jax.Array, *, stride: int = 1, padding: int | tuple[int, int] = 0) -> jax.Array:
    """`direct.convolve` in the form that suits the backend, regardless of the number of channels."""
    return (cpu if _on_cpu() else direct).convolve(x, kernel, stride=stride, padding=padding)


def depthwise(x: jax.Array, kernel: jax.Array, *, stride: int = 1) -> jax.Array:
    """`direct.depthwise` in the form that suits the backend."""
    return (cpu if _on_cpu() else direct).depthwise(x, kernel, stride=stride)


def for_training(
    x: Shape, kernel: Shape, dtype: jnp.dtype, geometry: Geometry
) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """Returns the fastest implementation of a convolution that is differentiated.

    Args:
        x: shape of the pictures, [B, H, W, I].
        kernel: shape of the kernel, (kh, kw, I, O).
        dtype: dtype of the arithmetic.
        geometry: geometry of the convolution.

    Returns:
        (x, kernel) -> [B, H', W', O].
    """
    if not _on_cpu():
        return functools.partial(direct.compute, geometry=geometry)
    if dtype == jnp.float32 and winograd.supports(kernel[0], geometry) and _pays_in_training(x, kernel, geometry):
        return functools.partial(winograd.compute_in_training, geometry=geometry)
    if dtype == jnp.float32 and gradients.supports(x, kernel[0], geometry):
        return lambda x, kernel: gradients.compute(x, kernel, geometry)
    return functools.partial(cpu.compute, geometry=geometry)


def _sides(kernel: Shape, geometry: Geometry) -> tuple[int, int]:
    """The smaller and the larger side of the matrices that Winograd's algorithm multiplies."""
    _, _, channels, features = kernel
    inner = 4 * channels if geometry.stride == 2 else channels
    outer = 4 * features if geometry.doubles else features
    return min(inner, outer), max(inner, outer)


def _is_wide(kernel: Shape, geometry: Geometry) -> bool:
    return _sides(kernel, geometry)[0] >= _WIDE


def _pays_in_training(x: Shape, kernel: Shape, geometry: Geometry) -> bool:
    """Whether Winograd's algorithm saves more than its transforms cost, with the kernel transformed at every step."""
    narrow, wide = _sides(kernel, geometry)
    tiles = x[0] * x[1] * x[2] // (geometry.stride * winograd.STEP) ** 2
    suits = narrow >= _WIDE_IN_TRAINING[0] and wide >= _WIDE_IN_TRAINING[1]
    return suits and tiles * _CHANNELS_PER_TILE >= narrow


def over_examples(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps an inference `function` of arrays whose leading axis runs over the examples.

    On a CPU the function is called for one example at a time, which keeps the arrays in the caches. It must therefore
    treat examples independently.
    """

    def one_by_one(*arrays: jax.Array) -> Any:
        def one(example: tuple[jax.Array, ...]) -> Any:
            return jax.tree.map(lambda y: y[0], function(*(x[None] for x in example)))

        return jax.lax.map(one, arrays)

    def called(*arrays: jax.Array) -> Any:
        return (one_by_one if _on_cpu() and len(arrays[0]) > 1 else function)(*arrays)

    return called


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu" and not _DIRECT_ONLY.get()
