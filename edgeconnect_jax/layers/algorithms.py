"""Which algorithm computes a convolution: the one place that decides, by backend, use and shape.

The networks do not know. What is chosen changes the time and the last digits of a result, nothing else.
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

# Channels from which fewer multiplications outweigh the transforms, measured on x86-64 with AVX-512: on both sides
# where a kernel is transformed once and for all; in training on the narrower and on the wider side.
_WIDE = 256
_WIDE_IN_TRAINING = (64, 128)
# In training a kernel is transformed in every step: its narrower side may be so many times the number of tiles.
_CHANNELS_PER_TILE = 4

_DIRECT_ONLY = contextvars.ContextVar("direct_only", default=False)

Shape = tuple[int, ...]


class Algorithm(NamedTuple):
    """A way to compute a convolution whose kernel does not change.

    Attributes:
        prepare: what is done to a kernel once: (kernel [kh, kw, I, O], geometry) -> an array.
        compute: (x [B, H, W, I], what `prepare` made, geometry) -> [B, H', W', O].
    """

    prepare: Callable[[jax.Array, Geometry], jax.Array]
    compute: Callable[[jax.Array, jax.Array, Geometry], jax.Array]


_DIRECT = Algorithm(lambda kernel, _: kernel, direct.compute)
_ON_CPU = Algorithm(lambda kernel, _: kernel, cpu.compute)
_WINOGRAD = Algorithm(winograd.transform, winograd.compute)


@contextlib.contextmanager
def direct_only() -> Iterator[None]:
    """While a program is traced in it, every convolution is XLA's own and nothing is looped: fair to count."""
    token = _DIRECT_ONLY.set(True)
    try:
        yield
    finally:
        _DIRECT_ONLY.reset(token)


def for_inference(kernel: Shape, dtype: jnp.dtype, geometry: Geometry) -> Algorithm:
    """The fastest one for a kernel that is used many times.

    GPUs and TPUs have libraries that choose by themselves.

    Args:
        kernel: its shape, (kh, kw, I, O).
        dtype: of the arithmetic.
        geometry: of the convolution.
    """
    if not _on_cpu():
        return _DIRECT
    suits = dtype == jnp.float32 and winograd.supports(kernel[0], geometry)
    return _WINOGRAD if suits and _is_wide(kernel, geometry) else _ON_CPU


def convolve(x: jax.Array, kernel: jax.Array, *, stride: int = 1, padding: int | tuple[int, int] = 0) -> jax.Array:
    """`direct.convolve` as the backend does it best, without regard to the widths."""
    return (cpu if _on_cpu() else direct).convolve(x, kernel, stride=stride, padding=padding)


def for_training(
    x: Shape, kernel: Shape, dtype: jnp.dtype, geometry: Geometry
) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """The fastest one for a convolution that is differentiated.

    Args:
        x: shape of the pictures, [B, H, W, I].
        kernel: its shape, (kh, kw, I, O).
        dtype: of the arithmetic.
        geometry: of the convolution.

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
    """The smaller and the larger side of the matrix products of Winograd's algorithm."""
    _, _, channels, features = kernel
    inner = 4 * channels if geometry.stride == 2 else channels
    outer = 4 * features if geometry.doubles else features
    return min(inner, outer), max(inner, outer)


def _is_wide(kernel: Shape, geometry: Geometry) -> bool:
    return _sides(kernel, geometry)[0] >= _WIDE


def _pays_in_training(x: Shape, kernel: Shape, geometry: Geometry) -> bool:
    """Whether Winograd's algorithm saves more than the transforms, that of the kernel in every step, cost."""
    narrow, wide = _sides(kernel, geometry)
    tiles = x[0] * x[1] * x[2] // (geometry.stride * winograd.STEP) ** 2
    suits = narrow >= _WIDE_IN_TRAINING[0] and wide >= _WIDE_IN_TRAINING[1]
    return suits and tiles * _CHANNELS_PER_TILE >= narrow


def over_examples(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, each of whose arrays has a leading axis over the examples, for inference.

    On a CPU it is called for one example after another, whose arrays stay in the caches; it must then do as it would
    for all at once.
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
