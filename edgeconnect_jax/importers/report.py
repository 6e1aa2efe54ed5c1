"""What the commands that convert weights print."""

from collections.abc import Iterable, Sequence

from edgeconnect_jax.importers.drafts import Row
from edgeconnect_jax.importers.published import Published


def licences(formats: Iterable[Published]) -> list[str]:
    """The licences of published weights, each once."""
    return list(dict.fromkeys(published.licence for published in formats if published.licence))


def table(rows: Iterable[Row]) -> str:
    """Rows as text: tensor, shape, destination and norm of each, with a heading."""
    cells = [("tensor", "shape", "destination", "norm")]
    cells += [(row.tensor, _shape(row), row.destination, "" if row.norm is None else f"{row.norm:.6g}") for row in rows]
    return aligned(cells)


def _shape(row: Row) -> str:
    return " x ".join(map(str, row.shape)) or "scalar"


def aligned(cells: Sequence[tuple[str, ...]]) -> str:
    """Lines of cells, every column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    return "\n".join(line.rstrip() for line in lines)
