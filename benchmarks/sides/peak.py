"""The rate of matrix products on this machine, with which the rate of a network is compared."""

import time

import jax
import jax.numpy as jnp
import numpy as np

_SIDES = {"cpu": 1536, "other": 8192}  # of the matrices
_CHAIN = 4  # products in a row, so that starting them counts little
_ROUNDS = 10


def matmul_rate(dtype: str, *, precision: str | None = None, side: int = 0) -> float:
    """FLOP/s of products of square matrices, the best of some rounds.

    Args:
        dtype: "float32" or "bfloat16".
        precision: as `jax.default_matmul_precision` takes it; None is the backend's default.
        side: rows of the matrices; 0 chooses by backend.
    """
    side = side or _SIDES.get(jax.default_backend(), _SIDES["other"])
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.standard_normal((side, side), dtype=np.float32), dtype)
    # Each product keeps the variance.
    matrix = (jnp.asarray(rng.standard_normal((side, side), dtype=np.float32)) / np.sqrt(side)).astype(dtype)
    with jax.default_matmul_precision(precision):
        product = jax.jit(jnp.matmul).lower(x, matrix).compile()
    best = min(_seconds(product, x, matrix) for _ in range(1 + _ROUNDS))
    return _CHAIN * 2 * side**3 / best


def _seconds(product: jax.stages.Compiled, x: jax.Array, matrix: jax.Array) -> float:
    begun = time.perf_counter()
    for _ in range(_CHAIN):
        x = product(x, matrix)
    jax.block_until_ready(x)
    return time.perf_counter() - begun
