"""Reads and writes the files of `torch.save`. The only module that imports PyTorch, and only when called.

PyTorch is an extra that nothing else needs.
"""

import contextlib
import io
import pathlib
import pickle
import re
import warnings
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.host.files import replaced
from edgeconnect_jax.importers import starts

# Before it, a file could get past weights_only=True.
_OLDEST = (2, 10)
_REMEDY = "install it with pip install -e '.[convert]'"

# A zip archive, or a pickle: what torch.save has written since 1.6, and before.
_FORMATS = (b"PK\x03\x04", b"\x80")
_WHAT = "PyTorch (torch.save)"


def load(path: pathlib.Path) -> Any:
    """What a file of `torch.save` holds, its tensors as NumPy arrays, without running code that it contains.

    Args:
        path: the file, in the current format or that before PyTorch 1.6; tensors on a GPU are moved to the host.

    Returns:
        Nested dicts and lists of arrays, numbers and strings. Arrays have the dtypes of the tensors.

    Raises:
        ValueError: there is no such file, PyTorch did not write it, it is corrupted, or it holds more than tensors.
        ModuleNotFoundError: PyTorch is not installed, or is too old to read files safely.
    """
    starts.check_file(path, _FORMATS, _WHAT)
    return _load(path, str(path))


def loads(content: bytes, name: str) -> Any:
    """`load` for the content of a file, which errors call `name`."""
    starts.check(content, name, _FORMATS, _WHAT)
    return _load(io.BytesIO(content), name)


def _load(source: pathlib.Path | io.BytesIO, name: str) -> Any:
    torch = _torch()
    try:
        with warnings.catch_warnings():  # errors are more precise
            warnings.simplefilter("ignore")
            content = torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(f"{name}: {_refusal(str(error))}") from error
    except MemoryError:
        raise
    except Exception as error:  # whatever torch's readers raise
        reason = (str(error) or type(error).__name__).splitlines()[0][:100]
        raise ValueError(f"{name}: corrupted or truncated; get it again ({reason})") from error
    try:
        return _to_numpy(content, torch)
    except (TypeError, RuntimeError) as error:
        raise ValueError(f"{name}: it holds a tensor that NumPy cannot represent: {error}") from error


def _torch() -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise ModuleNotFoundError(f".pth files need PyTorch: {_REMEDY} ({error})") from error
    version = tuple(int(number) for number in torch.__version__.split(".")[:2])
    if version < _OLDEST:
        wanted = ".".join(map(str, _OLDEST))
        raise ModuleNotFoundError(
            f"PyTorch {torch.__version__} does not read files safely; {wanted} or newer is needed: {_REMEDY}"
        )
    return torch


def _refusal(message: str) -> str:
    """Why PyTorch refused a pickle; its message may name what the pickle would build or call."""
    found = re.search(r"GLOBAL (\w+(\.\w+)*)(?![.\w])", message)
    if found is None:
        return "refused, because it holds something other than tensors, or is corrupted"
    return (
        f"refused, because it holds more than tensors ({found[1]}), and reading it could run foreign code (or it is "
        "corrupted). If you trust it, load it where it was made and save only its state dict"
    )


def _to_numpy(value: Any, torch: ModuleType) -> Any:
    if torch.is_tensor(value):
        value = value.detach()
        if value.dtype == torch.bfloat16:  # which NumPy lacks
            return value.contiguous().view(torch.uint16).numpy().view(jnp.bfloat16)
        return value.numpy()
    if isinstance(value, Mapping):
        return {key: _to_numpy(item, torch) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_numpy(item, torch) for item in value]
    return value


def save(contents: Mapping[pathlib.Path, Any], *, overwrite: bool = False) -> None:
    """Writes files as `torch.save` did before PyTorch 1.6, which every version reads: all of them or none.

    Args:
        contents: path -> nested dicts of NumPy arrays, numbers and strings. An array that occurs twice is saved
            once; dicts keep their type, order and attributes.
        overwrite: replace files that exist.

    Raises:
        FileExistsError: names the files that exist, unless `overwrite`.
        ValueError: a folder is in the place of a file, or a file in the place of a folder.
        ModuleNotFoundError: PyTorch is not installed.
    """
    blocked = [f"{path}: not a file" for path in contents if path.exists() and not path.is_file()]
    folders = {path.parent for path in contents}
    blocked += [f"{folder}: a file, not a folder" for folder in folders if folder.exists() and not folder.is_dir()]
    if blocked:
        raise ValueError("; ".join(blocked))
    existing = [str(path) for path in contents if path.exists()]
    if existing and not overwrite:
        raise FileExistsError(f"{', '.join(existing)}: it already exists")
    torch = _torch()
    with contextlib.ExitStack() as stack:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = stack.enter_context(replaced(path))
            torch.save(_to_torch(content, torch, {}), part, _use_new_zipfile_serialization=False)


def _to_torch(value: Any, torch: ModuleType, known: dict[int, Any]) -> Any:
    """`value` with tensors for arrays; `known` maps the identity of arrays to tensors that exist already."""
    if isinstance(value, np.ndarray):
        if id(value) not in known:
            known[id(value)] = torch.from_numpy(value.copy())
        return known[id(value)]
    if isinstance(value, dict):
        copy = type(value)((key, _to_torch(item, torch, known)) for key, item in value.items())
        if hasattr(value, "__dict__"):  # an OrderedDict can have attributes
            copy.__dict__.update(value.__dict__)
        return copy
    return value
