"""What the commands that convert weights print."""

from collections.abc import Iterable

from edgeconnect_jax.host import tables
from edgeconnect_jax.importers.drafts import Row
from edgeconnect_jax.importers.published import Published


def licences(formats: Iterable[Published]) -> list[str]:
    """The licences of published weights, each once."""
    return list(dict.fromkeys(published.licence for published in formats if published.licence))


def table(rows: Iterable[Row]) -> str:
    """Rows as text: tensor, shape, destination and norm of each, with a heading."""
    cells = [("tensor", "shape", "destination", "norm")]
    cells += [(row.tensor, _shape(row), row.destination, "" if row.norm is None else f"{row.norm:.6g}") for row in rows]
    return tables.aligned(cells)


def _shape(row: Row) -> str:
    return " x ".join(map(str, row.shape)) or "scalar"
