"""Convolutions with fewer multiplications: Winograd's F(4x4, r x r) (Lavin & Gray 2015, arXiv 1509.09308).

The picture is cut into overlapping tiles of t = 4 + r - 1 rows and columns, each of which yields 4 x 4 values of the
result. With the matrices of `_matrices` and U = G kernel G^T, the result is A^T (U * (B^T tile B)) A; summed over
channels, the product in the middle is a matrix product for each of the t^2 positions in a tile. This takes a quarter of
the multiplications of the direct convolution for r = 3 and two fifths for r = 2, to which strided and transposed 4x4
convolutions reduce. In float32 the result differs by less than 2e-5 of its largest value.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.layers.direct import Geometry

STEP = 4  # rows and columns of the result per tile
_POINTS = (0, 1, -1, 2, -2)  # where the polynomials of a tile are evaluated, besides infinity


def supports(size: int, geometry: Geometry) -> bool:
    """Whether `compute` supports a kernel of `size` rows and columns."""
    return (size == 3 and geometry.stride == 1) or (size == 4 and (geometry.doubles or geometry[::2] == (2, 1)))


def transform(kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """Transforms a kernel [k, k, I, O] for `compute`: [t, t, I', O'], I' = 4 I for stride 2, O' = 4 O for doubling."""
    return _transform(_dense(kernel, geometry))


def compute(x: jax.Array, transformed: jax.Array, geometry: Geometry) -> jax.Array:
    """The convolution of `x` [B, H, W, I] with a kernel transformed by `transform`, same as `direct.compute`."""
    return _in_dense_parts(x, lambda x: _convolve(x, transformed), geometry)


def compute_in_training(x: jax.Array, kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """The convolution of `x` [B, H, W, I] with `kernel` [k, k, I, O], to be differentiated with respect to both.

    The gradients differentiate each step of the algorithm: three matrix products in all, with every transform computed
    once.
    """
    dense = _dense(kernel, geometry)
    return _in_dense_parts(x, lambda x: _differentiable(x, dense), geometry)


def _dense(kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """[k, k, I, O] -> the kernel of the equivalent convolution with stride 1 and without dilation."""
    if geometry.stride == 1 and not geometry.doubles:
        return kernel
    # Tap 2 i + p belongs to phase p of the picture (stride 2) or of the result (doubling).
    channels, features = kernel.shape[2:]
    taps = kernel.reshape(2, 2, 2, 2, channels, features)
    if geometry.doubles:
        return taps.transpose(0, 2, 4, 1, 3, 5).reshape(2, 2, channels, 4 * features)
    return taps.transpose(0, 2, 1, 3, 4, 5).reshape(2, 2, 4 * channels, features)


def _in_dense_parts(x: jax.Array, convolve: Callable[[jax.Array], jax.Array], geometry: Geometry) -> jax.Array:
    """Computes a convolution of `geometry` with `convolve`, the convolution with the `_dense` kernel."""
    if geometry.doubles:
        return _doubling(x, convolve)
    x = _pad(x, geometry.padding, geometry.padding)
    return _halving(x, convolve) if geometry.stride == 2 else _dilated(x, convolve, geometry.dilation)


def _pad(x: jax.Array, before: int, after: int | tuple[int, int]) -> jax.Array:
    """Adds rows and columns of zeros."""
    rows, columns = (after, after) if isinstance(after, int) else after
    return jnp.pad(x, ((0, 0), (before, rows), (before, columns), (0, 0)))


def _doubling(x: jax.Array, convolve: Callable[[jax.Array], jax.Array]) -> jax.Array:
    batch, height, width, _ = x.shape
    y = convolve(_pad(x, 1, 1)).reshape(batch, height + 1, width + 1, 2, 2, -1)
    # Row 2 r + p of the result sees the rows r + p - 1 and r + p of the picture.
    rows = [
        jnp.stack([y[:, row : row + height, column : column + width, row, column] for column in (0, 1)], axis=3)
        for row in (0, 1)
    ]
    return jnp.stack(rows, axis=2).reshape(batch, 2 * height, 2 * width, -1)


def _halving(x: jax.Array, convolve: Callable[[jax.Array], jax.Array]) -> jax.Array:
    batch, height, width, channels = x.shape
    # Drop an odd last row or column, which no tap reaches.
    rows, columns = height // 2, width // 2
    phases = x[:, : 2 * rows, : 2 * columns].reshape(batch, rows, 2, columns, 2, channels).transpose(0, 1, 3, 2, 4, 5)
    return convolve(phases.reshape(batch, rows, columns, 4 * channels))


def _dilated(x: jax.Array, convolve: Callable[[jax.Array], jax.Array], dilation: int) -> jax.Array:
    """Applies a dense kernel to each of the dilation^2 phases of the picture."""
    height, width = (side - 2 * dilation for side in x.shape[1:3])
    x = _pad(x, 0, (-height % dilation, -width % dilation))
    return _join_phases(convolve(_split_phases(x, dilation)), dilation)[:, :height, :width]


def _split_phases(x: jax.Array, count: int) -> jax.Array:
    """[B, H, W, C] -> [count^2 B, H / count, W / count, C]."""
    if count == 1:
        return x
    batch, height, width, channels = x.shape
    parted = x.reshape(batch, height // count, count, width // count, count, channels)
    return parted.transpose(2, 4, 0, 1, 3, 5).reshape(-1, height // count, width // count, channels)


def _join_phases(x: jax.Array, count: int) -> jax.Array:
    """The inverse of `_split_phases`."""
    if count == 1:
        return x
    batch, height, width, channels = x.shape
    parted = x.reshape(count, count, batch // count**2, height, width, channels)
    return parted.transpose(2, 3, 0, 4, 1, 5).reshape(-1, height * count, width * count, channels)


@functools.cache
def _matrices(taps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A^T [4, t], G [t, taps] and B^T [t, t] by the Toom-Cook construction."""
    points = np.array(_POINTS[: STEP + taps - 2], dtype=float)
    others = [np.delete(points, i) for i in range(len(points))]
    scales = np.array([np.prod(point - rest) for point, rest in zip(points, others, strict=True)])
    output = np.vander(points, STEP, increasing=True).T
    kernel = np.vander(points, taps, increasing=True) / scales[:, None]
    polynomials = [np.append(np.poly(rest)[::-1], 0) for rest in others] + [np.poly(points)[::-1]]
    # Evaluation at infinity gives the leading coefficients.
    return np.hstack([output, np.eye(STEP)[:, -1:]]), np.vstack([kernel, np.eye(taps)[-1:]]), np.array(polynomials)


def _combine(matrix: np.ndarray, parts: list[jax.Array]) -> list[jax.Array]:
    """The sums of `parts` weighted by each row of `matrix`."""

    def weighted(row: np.ndarray) -> jax.Array:
        pairs = zip(row, parts, strict=True)
        return functools.reduce(jnp.add, [part if factor == 1 else part * factor for factor, part in pairs if factor])

    return [weighted(row.tolist()) for row in matrix]


# This and the functions below are jitted so that identical layers are traced and lowered once.
@jax.jit
def _transform(kernel: jax.Array) -> jax.Array:
    """G kernel G^T: [r, r, I, O] -> [t, t, I, O]."""
    taps = kernel.shape[0]
    _, matrix, _ = _matrices(taps)
    in_rows = jnp.stack(_combine(matrix, [kernel[i] for i in range(taps)]))
    return jnp.stack(_combine(matrix, [in_rows[:, i] for i in range(taps)]), axis=1)


def _adjoint_transform(gradient: jax.Array) -> jax.Array:
    """G^T gradient G: [t, t, I, O] -> [r, r, I, O]."""
    tile = gradient.shape[0]
    _, matrix, _ = _matrices(tile - STEP + 1)
    in_rows = jnp.stack(_combine(matrix.T, [gradient[i] for i in range(tile)]))
    return jnp.stack(_combine(matrix.T, [in_rows[:, i] for i in range(tile)]), axis=1)


@jax.jit
def _convolve(x: jax.Array, transformed: jax.Array) -> jax.Array:
    """Without stride, padding and dilation: [B, H, W, I] -> [B, H - r + 1, W - r + 1, O]."""
    return _picture(_multiply(_input_tiles(x, len(transformed)), transformed), _result_shape(x, len(transformed)))


@jax.custom_vjp
def _differentiable(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """`_convolve` with a kernel [r, r, I, O]."""
    return _convolve(x, _transform(kernel))


@jax.jit
def _forward(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple]:
    transformed = _transform(kernel)
    tiles = _input_tiles(x, len(transformed))
    result = _picture(_multiply(tiles, transformed), _result_shape(x, len(transformed)))
    return result, (tiles, transformed)


@jax.jit
def _backward(kept: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array, jax.Array]:
    tiles, transformed = kept
    tile = len(transformed)
    products = _adjoint_picture(gradient, tile)
    to_tiles = jnp.einsum("pqno,pqio->pqni", products, transformed)
    to_transformed = jnp.einsum("pqni,pqno->pqio", tiles, products)
    to_x = _adjoint_input_tiles(jax.lax.optimization_barrier(to_tiles), gradient.shape)
    return to_x, _adjoint_transform(to_transformed)


_differentiable.defvjp(_forward, _backward)


def _multiply(tiles: jax.Array, transformed: jax.Array) -> jax.Array:
    """[t, t, N, I], [t, t, I, O] -> [t, t, N, O]."""
    return jax.lax.optimization_barrier(jnp.einsum("pqni,pqio->pqno", tiles, transformed))


def _result_shape(x: jax.Array, tile: int) -> tuple[int, int, int]:
    """The shape (B, H', W') of `_convolve`'s result for `x`."""
    taps = tile - STEP + 1
    return x.shape[0], x.shape[1] - taps + 1, x.shape[2] - taps + 1


def _counts(height: int, width: int) -> tuple[int, int]:
    """The rows and columns of tiles that a result of this size needs."""
    return -(-height // STEP), -(-width // STEP)


def _input_tiles(x: jax.Array, tile: int) -> jax.Array:
    """B^T tile B for each tile: [B, H, W, C] -> [t, t, N, C]."""
    _, _, matrix = _matrices(tile - STEP + 1)
    rows, columns = _counts(*_result_shape(x, tile)[1:])
    padded = _pad_to(x, STEP * (rows - 1) + tile, STEP * (columns - 1) + tile)
    # Without the barriers XLA recomputes the preceding operation (normalisation, padding) for every slice.
    return _tiles(jax.lax.optimization_barrier(padded), matrix, rows, columns)


def _adjoint_input_tiles(tiles: jax.Array, result: tuple[int, ...]) -> jax.Array:
    """The adjoint of `_input_tiles`, [t, t, N, C] -> [B, H, W, C], for a `result` of [B, H - r + 1, W - r + 1, ...]."""
    tile, batch, height, width = len(tiles), *result[:3]
    _, _, matrix = _matrices(tile - STEP + 1)
    rows, columns = _counts(height, width)
    parted = tiles.reshape(tile, tile, batch, rows, columns, -1)
    in_rows = _combine(matrix.T, [parted[i] for i in range(tile)])
    lines = [_overlap(_combine(matrix.T, [row[i] for i in range(tile)]), axis=2) for row in in_rows]
    taps = tile - STEP + 1
    return _overlap(jax.lax.optimization_barrier(lines), axis=1)[:, : height + taps - 1, : width + taps - 1]


def _overlap(parts: list[jax.Array], axis: int) -> jax.Array:
    """Sums overlapping tiles spaced 4 lines apart along `axis`, given line i of every tile as `parts[i]`."""

    def shifted(part: jax.Array, lines: int) -> jax.Array:
        return jnp.pad(part, [(lines, 1 - lines) if i == axis else (0, 0) for i in range(part.ndim)])

    sums = [shifted(part, 0) for part in parts[:STEP]]
    for i, part in enumerate(parts[STEP:]):
        sums[i] += shifted(part, 1)
    stacked = jnp.stack(sums, axis=axis + 1)
    return stacked.reshape(*stacked.shape[:axis], -1, *stacked.shape[axis + 2 :])


def _pad_to(x: jax.Array, height: int, width: int) -> jax.Array:
    return _pad(x, 0, (height - x.shape[1], width - x.shape[2]))


def _tiles(x: jax.Array, matrix: np.ndarray, rows: int, columns: int) -> jax.Array:
    """matrix tile matrix^T for each tile of `x`, spaced 4 rows and columns apart: -> [m, m, B rows columns, C].

    Args:
        x: [B, 4 (rows - 1) + n, 4 (columns - 1) + n, C].
        matrix: [m, n].
        rows, columns: number of rows and columns of tiles.
    """
    last_row, last_column = STEP * (rows - 1) + 1, STEP * (columns - 1) + 1
    in_rows = jnp.stack(_combine(matrix, [x[:, i : i + last_row : STEP] for i in range(matrix.shape[1])]))
    in_rows = jax.lax.optimization_barrier(in_rows)
    parts = [in_rows[:, :, :, i : i + last_column : STEP] for i in range(matrix.shape[1])]
    both = jnp.stack(_combine(matrix, parts), axis=1)
    return jax.lax.optimization_barrier(both.reshape(*both.shape[:2], -1, x.shape[-1]))


def _picture(products: jax.Array, result: tuple[int, int, int]) -> jax.Array:
    """A^T product A: [t, t, N, C] -> [B, H', W', C]; `result` is (B, H', W')."""
    tile, batch, height, width = len(products), *result
    matrix, _, _ = _matrices(tile - STEP + 1)
    rows, columns = _counts(height, width)
    parted = products.reshape(tile, tile, batch, rows, columns, -1)
    in_rows = _combine(matrix, [parted[i] for i in range(tile)])
    in_both = [jnp.stack(_combine(matrix, [row[i] for i in range(tile)]), axis=3) for row in in_rows]
    stacked = jnp.stack(in_both, axis=2).reshape(batch, STEP * rows, STEP * columns, -1)
    return stacked[:, :height, :width]


def _adjoint_picture(gradient: jax.Array, tile: int) -> jax.Array:
    """The adjoint of `_picture`: [B, H', W', C] -> [t, t, N, C]."""
    matrix, _, _ = _matrices(tile - STEP + 1)
    rows, columns = _counts(*gradient.shape[1:3])
    padded = _pad_to(gradient, STEP * rows, STEP * columns)
    return _tiles(jax.lax.optimization_barrier(padded), matrix.T, rows, columns)
