"""Reads the arrays that Orbax stores with TensorStore alone, which saves a start-up the import of Orbax.

Orbax's format stays the one format: what is laid out in another way than checkpoints of networks are (their arrays in
nested dicts, all of an item in one OCDBT store) is left to Orbax itself.
"""

import ast
import json
import pathlib
from typing import Any

import numpy as np

_METADATA = "_METADATA"  # JSON: how the arrays are stored, and their paths
_DICT_KEY = 2  # Orbax's number for a step of a path that is the key of a dict
_ARRAY_TYPES = ("np.ndarray", "jax.Array")

Path = tuple[str, ...]


def read_tree(item: pathlib.Path) -> dict[str, Any] | None:
    """The nested dicts of arrays of an item, in host memory; None where only Orbax knows how to read it.

    Args:
        item: a folder of a checkpoint.

    Raises:
        DamagedError: the item is damaged.
    """
    metadata = read_object(item / _METADATA)
    try:
        paths = _paths(metadata)
    except (KeyError, TypeError, AttributeError, ValueError, SyntaxError) as error:
        raise damaged(item / _METADATA, f"{type(error).__name__}: {error}") from error
    if paths is None:
        return None
    import tensorstore as ts  # here, because the package is imported without it

    try:
        # All at once: TensorStore reads and decompresses in threads.
        opened = {path: ts.open(_spec(item, path, metadata), open=True, read=True) for path in paths}
        reads = {path: store.result().read() for path, store in opened.items()}
        arrays = {path: np.asarray(read.result()) for path, read in reads.items()}
    except ValueError as error:
        raise damaged(item, str(error).splitlines()[0]) from error
    from flax import traverse_util  # here, as it imports JAX

    return traverse_util.unflatten_dict(arrays)


class DamagedError(ValueError):
    """A checkpoint is not as it was written."""


def damaged(path: pathlib.Path, reason: object) -> DamagedError:
    """The error for a file or folder of a checkpoint that cannot be read."""
    return DamagedError(f"{path}: a damaged checkpoint; use another or make it anew ({reason})")


def read_object(path: pathlib.Path) -> dict[str, Any]:
    """The JSON object in a file of a checkpoint; raises `damaged` where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError) as error:  # no JSON, or no UTF-8
        raise damaged(path, error) from error
    if not isinstance(found, dict):
        raise damaged(path, "no JSON object")
    return found


def _paths(metadata: dict[str, Any]) -> list[Path] | None:
    """The path of every array; None where one is no plain array in nested dicts, or the store is another.

    Raises:
        KeyError, TypeError, AttributeError, ValueError, SyntaxError: the metadata is not of Orbax's form.
    """
    entries = dict(metadata["tree_metadata"].items())
    if not entries:
        raise ValueError("it lists no arrays")
    if not metadata.get("use_ocdbt") or metadata.get("use_zarr3"):
        return None
    for entry in entries.values():
        value = entry["value_metadata"]
        plain = value.get("value_type") in _ARRAY_TYPES and not value.get("skip_deserialize")
        if not plain or any(key["key_type"] != _DICT_KEY for key in entry["key_metadata"]):
            return None
    return [tuple(map(str, ast.literal_eval(path))) for path in entries]


def _spec(item: pathlib.Path, path: Path, metadata: dict[str, Any]) -> dict[str, Any]:
    base = {"driver": "file", "path": f"{item}/"}
    return {
        "driver": "zarr",
        "kvstore": {"driver": "ocdbt", "base": base, "path": ".".join(path) + "/"},
        # A part that should be there and is not must fail, and not read as zeros.
        "fill_missing_data_reads": not metadata.get("store_array_data_equal_to_fill_value"),
        "recheck_cached_data": False,
        "recheck_cached_metadata": False,
    }
