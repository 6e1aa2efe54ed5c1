"""Which algorithm computes a convolution: the one place that decides, by backend, use and shape.

The networks do not know. What is chosen changes the time and the last digits of a result, nothing else.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp

from edgeconnect_jax.layers import direct, winograd
from edgeconnect_jax.layers.direct import Geometry

# Channels from which fewer multiplications outweigh the transforms; measured on x86-64 with AVX-512.
_WIDE = 256

_DIRECT_ONLY = contextvars.ContextVar("direct_only", default=False)


class Algorithm(NamedTuple):
    """A way to compute a convolution whose kernel does not change.

    Attributes:
        prepare: what is done to a kernel once: (kernel [kh, kw, I, O], geometry) -> an array.
        compute: (x [B, H, W, I], what `prepare` made, geometry) -> [B, H', W', O].
    """

    prepare: Callable[[jax.Array, Geometry], jax.Array]
    compute: Callable[[jax.Array, jax.Array, Geometry], jax.Array]


_DIRECT = Algorithm(lambda kernel, _: kernel, direct.compute)
_WINOGRAD = Algorithm(winograd.transform, winograd.compute)


@contextlib.contextmanager
def direct_only() -> Iterator[None]:
    """While a program is traced in it, every convolution is XLA's own and nothing is looped: fair to count."""
    token = _DIRECT_ONLY.set(True)
    try:
        yield
    finally:
        _DIRECT_ONLY.reset(token)


def for_inference(shape: tuple[int, ...], dtype: jnp.dtype, geometry: Geometry) -> Algorithm:
    """The fastest one for a kernel of `shape` (kh, kw, I, O) and `dtype` that is used many times.

    GPUs and TPUs have libraries that choose by themselves.
    """
    if not _on_cpu() or dtype != jnp.float32 or not winograd.supports(shape[0], geometry):
        return _DIRECT
    return _WINOGRAD if _pays(*shape[2:], geometry) else _DIRECT


def _pays(channels: int, features: int, geometry: Geometry) -> bool:
    """Whether the matrix products of Winograd's algorithm are wide enough on both sides."""
    wide_in = 4 * channels if geometry.stride == 2 else channels
    wide_out = 4 * features if geometry.doubles else features
    return min(wide_in, wide_out) >= _WIDE


def loops_blocks() -> bool:
    """Whether equal blocks of an inference program are looped over, which compiles one of them instead of all.

    On GPUs and TPUs a loop costs more time than its shorter compilation is worth.
    """
    return _on_cpu()


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu" and not _DIRECT_ONLY.get()
