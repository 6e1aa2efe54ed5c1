"""Convolutions with fewer multiplications: Winograd's F(4x4, r x r) (Lavin & Gray 2015, arXiv 1509.09308).

The picture is cut into overlapping tiles of t = 4 + r - 1 rows and columns, each of which gives 4 x 4 values of the
result. With the matrices of `_matrices` and U = G kernel G^T, the result is A^T (U * (B^T tile B)) A; summed over
channels, the product in the middle is a matrix product for each of the t^2 positions in a tile. For r = 3 this takes a
quarter of the multiplications of the direct convolution, for r = 2, to which the strided and the transposed 4x4
convolutions come down, two fifths. In float32 the result differs by less than 1e-5 of its largest value.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.layers.direct import Geometry

STEP = 4  # rows and columns of the result that a tile gives
_POINTS = (0, 1, -1, 2, -2)  # where the polynomials of a tile are evaluated, besides infinity


def supports(size: int, geometry: Geometry) -> bool:
    """Whether `compute` can do a convolution with a kernel of `size` rows and columns."""
    return (size == 3 and geometry.stride == 1) or (size == 4 and (geometry.doubles or geometry[::2] == (2, 1)))


def transform(kernel: jax.Array, geometry: Geometry) -> jax.Array:
    """A kernel [k, k, I, O] as `compute` takes it: [t, t, I', O'], I' = 4 I for stride 2, O' = 4 O for a doubling."""
    if geometry.doubles:  # tap 2 i + p belongs to phase p of the result
        channels, features = kernel.shape[2:]
        taps = kernel.reshape(2, 2, 2, 2, channels, features).transpose(0, 2, 4, 1, 3, 5)
        return _transform(taps.reshape(2, 2, channels, 4 * features))
    if geometry.stride == 2:  # tap 2 i + p belongs to phase p of the picture
        channels, features = kernel.shape[2:]
        taps = kernel.reshape(2, 2, 2, 2, channels, features).transpose(0, 2, 1, 3, 4, 5)
        return _transform(taps.reshape(2, 2, 4 * channels, features))
    return _transform(kernel)


def compute(x: jax.Array, transformed: jax.Array, geometry: Geometry) -> jax.Array:
    """The convolution of `x` [B, H, W, I] with the kernel that `transform` made `transformed` of, as `direct` does."""
    if geometry.doubles:
        return _doubling(x, transformed)
    x = _pad(x, geometry.padding, geometry.padding)
    return _halving(x, transformed) if geometry.stride == 2 else _dilated(x, transformed, geometry.dilation)


def kernel_gradient(x: jax.Array, gradient: jax.Array, geometry: Geometry) -> jax.Array:
    """The gradient with respect to the kernel [3, 3, I, O] of a convolution of stride 1.

    Args:
        x: [B, H, W, I].
        gradient: with respect to the result, [B, H', W', O].
        geometry: of the convolution.
    """
    x, count = _pad(x, geometry.padding, geometry.padding), geometry.dilation
    rows, columns = (-side % count for side in gradient.shape[1:3])
    phases = _split_phases(_pad(x, 0, (rows, columns)), count)
    return _kernel_gradient(phases, _split_phases(_pad(gradient, 0, (rows, columns)), count))


def _pad(x: jax.Array, before: int, after: int | tuple[int, int]) -> jax.Array:
    """Adds rows and columns of zeros."""
    rows, columns = (after, after) if isinstance(after, int) else after
    return jnp.pad(x, ((0, 0), (before, rows), (before, columns), (0, 0)))


def _doubling(x: jax.Array, transformed: jax.Array) -> jax.Array:
    batch, height, width, _ = x.shape
    y = _convolve(_pad(x, 1, 1), transformed).reshape(batch, height + 1, width + 1, 2, 2, -1)
    # Row 2 r + p of the result sees the rows r + p - 1 and r + p of the picture.
    rows = [
        jnp.stack([y[:, row : row + height, column : column + width, row, column] for column in (0, 1)], axis=3)
        for row in (0, 1)
    ]
    return jnp.stack(rows, axis=2).reshape(batch, 2 * height, 2 * width, -1)


def _halving(x: jax.Array, transformed: jax.Array) -> jax.Array:
    batch, height, width, channels = x.shape
    # A last line that no tap reaches is left out.
    rows, columns = height // 2, width // 2
    phases = x[:, : 2 * rows, : 2 * columns].reshape(batch, rows, 2, columns, 2, channels).transpose(0, 1, 3, 2, 4, 5)
    return _convolve(phases.reshape(batch, rows, columns, 4 * channels), transformed)


def _dilated(x: jax.Array, transformed: jax.Array, dilation: int) -> jax.Array:
    """Each of the dilation^2 phases of the picture sees a dense kernel."""
    height, width = (side - 2 * dilation for side in x.shape[1:3])
    x = _pad(x, 0, (-height % dilation, -width % dilation))
    return _join_phases(_convolve(_split_phases(x, dilation), transformed), dilation)[:, :height, :width]


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
    """A^T [4, t], G [t, taps] and B^T [t, t] by Toom and Cook's construction."""
    points = np.array(_POINTS[: STEP + taps - 2], dtype=float)
    others = [np.delete(points, i) for i in range(len(points))]
    scales = np.array([np.prod(point - rest) for point, rest in zip(points, others, strict=True)])
    output = np.vander(points, STEP, increasing=True).T
    kernel = np.vander(points, taps, increasing=True) / scales[:, None]
    polynomials = [np.append(np.poly(rest)[::-1], 0) for rest in others] + [np.poly(points)[::-1]]
    # Infinity sees the leading coefficients.
    return np.hstack([output, np.eye(STEP)[:, -1:]]), np.vstack([kernel, np.eye(taps)[-1:]]), np.array(polynomials)


def _combine(matrix: np.ndarray, parts: list[jax.Array]) -> list[jax.Array]:
    """The sums of `parts` weighted by each row of `matrix`."""

    def weighted(row: np.ndarray) -> jax.Array:
        pairs = zip(row, parts, strict=True)
        return functools.reduce(jnp.add, [part if factor == 1 else part * factor for factor, part in pairs if factor])

    return [weighted(row.tolist()) for row in matrix]


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


def _convolve(x: jax.Array, transformed: jax.Array) -> jax.Array:
    """Without stride, padding and dilation: [B, H, W, I] -> [B, H - r + 1, W - r + 1, O]."""
    tile = transformed.shape[0]
    batch, height, width = x.shape[0], x.shape[1] - tile + STEP, x.shape[2] - tile + STEP
    rows, columns = -(-height // STEP), -(-width // STEP)
    tiles = _input_tiles(x, tile, rows, columns)
    products = jnp.einsum("pni,pio->pno", tiles, transformed.reshape(tile**2, *transformed.shape[2:]))
    products = jax.lax.optimization_barrier(products)
    return _picture(products.reshape(tile, tile, batch, rows, columns, -1))[:, :height, :width]


def _kernel_gradient(x: jax.Array, gradient: jax.Array) -> jax.Array:
    """The gradient of `_convolve` with respect to the kernel [r, r, I, O], given that of its result."""
    taps = x.shape[1] - gradient.shape[1] + 1
    tile, (rows, columns) = taps + STEP - 1, (-(-side // STEP) for side in gradient.shape[1:3])
    matrix, _, _ = _matrices(taps)
    padded = _pad_to(gradient, STEP * rows, STEP * columns)
    of_result = _tiles(jax.lax.optimization_barrier(padded), matrix.T, rows, columns)
    products = jnp.einsum("pni,pno->pio", _input_tiles(x, tile, rows, columns), of_result)
    return _adjoint_transform(products.reshape(tile, tile, *products.shape[1:]))


def _input_tiles(x: jax.Array, tile: int, rows: int, columns: int) -> jax.Array:
    """B^T tile B: [B, H, W, C], H at most 4 rows + r - 1, W at most 4 columns + r - 1 -> [t^2, B rows columns, C]."""
    _, _, matrix = _matrices(tile - STEP + 1)
    padded = _pad_to(x, STEP * (rows - 1) + tile, STEP * (columns - 1) + tile)
    # Without the barriers XLA computes what comes before (a normalisation, a padding) once for every slice of it.
    return _tiles(jax.lax.optimization_barrier(padded), matrix, rows, columns)


def _pad_to(x: jax.Array, height: int, width: int) -> jax.Array:
    return _pad(x, 0, (height - x.shape[1], width - x.shape[2]))


def _tiles(x: jax.Array, matrix: np.ndarray, rows: int, columns: int) -> jax.Array:
    """matrix tile matrix^T for each tile of `x`, as far apart as 4 rows or columns: -> [m^2, B rows columns, C].

    Args:
        x: [B, 4 (rows - 1) + n, 4 (columns - 1) + n, C].
        matrix: [m, n].
        rows, columns: of tiles.
    """
    last_row, last_column = STEP * (rows - 1) + 1, STEP * (columns - 1) + 1
    in_rows = jnp.stack(_combine(matrix, [x[:, i : i + last_row : STEP] for i in range(matrix.shape[1])]))
    in_rows = jax.lax.optimization_barrier(in_rows)
    parts = [in_rows[:, :, :, i : i + last_column : STEP] for i in range(matrix.shape[1])]
    both = jnp.stack(_combine(matrix, parts), axis=1).reshape(matrix.shape[0] ** 2, -1, x.shape[-1])
    return jax.lax.optimization_barrier(both)


def _picture(products: jax.Array) -> jax.Array:
    """A^T product A: [t, t, B, rows, columns, C] -> [B, 4 rows, 4 columns, C]."""
    tile, _, batch, rows, columns, channels = products.shape
    matrix, _, _ = _matrices(tile - STEP + 1)
    in_rows = _combine(matrix, [products[i] for i in range(tile)])
    in_both = [jnp.stack(_combine(matrix, [row[i] for i in range(tile)]), axis=3) for row in in_rows]
    return jnp.stack(in_both, axis=2).reshape(batch, STEP * rows, STEP * columns, channels)
