"""Reads weights in files of HDF5, as Keras saves them. The only module that imports h5py, and only when called."""

import io
import pathlib
from typing import Any

import numpy as np

from edgeconnect_jax.importers import starts

_REMEDY = "install it with pip install -e '.[hed]'"
_FORMATS = (b"\x89HDF\r\n\x1a\n",)
_WHAT = "HDF5"


def load(path: pathlib.Path) -> dict[str, np.ndarray]:
    """The arrays of a file by their paths in it, such as "block1/layers/conv2d/vars/0".

    Links are not followed, and data that lie outside the file or are packed are refused, so that a file can neither
    take the content of others nor more memory than its size.

    Raises:
        ValueError: there is no such file, it is not of HDF5, corrupted, or holds more than plain arrays of numbers.
        ModuleNotFoundError: h5py is not installed.
    """
    starts.check_file(path, _FORMATS, _WHAT)
    return loads(path.read_bytes(), str(path))


def loads(content: bytes, name: str) -> dict[str, np.ndarray]:
    """`load` for the content of a file, which errors call `name`."""
    starts.check(content, name, _FORMATS, _WHAT)
    try:
        import h5py
    except ImportError as error:
        raise ModuleNotFoundError(f".h5 files need h5py: {_REMEDY} ({error})") from error
    arrays: dict[str, np.ndarray] = {}

    def take(key: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            _check_plain(item, f"{name}: {key}")
            arrays[key] = np.asarray(item[()])

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            file.visititems(take)
    except (OSError, RuntimeError, KeyError, TypeError) as error:  # what h5py raises for corrupted files
        raise ValueError(f"{name}: corrupted or truncated; get it again ({str(error)[:100]})") from error
    return arrays


def _check_plain(dataset: Any, name: str) -> None:
    """Raises ValueError unless the file itself holds all bytes of an array of numbers."""
    if dataset.dtype.kind not in "fiu":
        raise ValueError(f"{name}: holds {dataset.dtype}, not numbers")
    if dataset.external or dataset.is_virtual or dataset.id.get_storage_size() != dataset.nbytes:
        raise ValueError(f"{name}: packed, or outside the file; only plain arrays are read")
