"""A state dict while it is read: what the content of a file holds, and what is reported about it."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.importers.layouts import Array
from edgeconnect_jax.importers.published import Published, Shape


class Row(NamedTuple):
    """What became of one array of a file.

    Attributes:
        tensor: its key.
        shape: in the file.
        destination: its path here, or why it has none.
        norm: L2 norm of what is stored there; None where nothing is.
    """

    tensor: str
    shape: Shape
    destination: str
    norm: float | None


class StateDictError(ValueError):
    """A state dict cannot be read. Attributes: problems, everything that is wrong with it."""

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems = problems


class Draft:
    """A state dict while it is read.

    Attributes:
        published: the format.
        network: its name.
        state: arrays by key.
        iteration: of the original's training; None where the file does not hold it.
        rows: arrays that are not used.
        notes: what was changed.
        problems: everything that is wrong.
    """

    def __init__(self, published: Published, network: str):
        self.published = published
        self.network = network
        self.state: dict[str, Array] = {}
        self.iteration: int | None = None
        self.rows: list[Row] = []
        self.notes: list[str] = []
        self.problems: list[str] = []

    @property
    def shapes(self) -> dict[str, Shape]:
        """Shapes by key."""
        return {key: array.shape for key, array in self.state.items()}

    def drop(self, key: str, why: str) -> None:
        """Removes an array, and lists it as unused."""
        self.rows.append(Row(key, self.state.pop(key).shape, why, None))


def unwrap(draft: Draft, content: Any) -> None:
    """Finds the state dict and the iteration in the content of a file.

    Raises:
        StateDictError: there is no state dict.
    """
    wrapper, iteration = draft.published.wrappers.get(draft.network, ""), draft.published.iteration
    if not isinstance(content, Mapping):
        raise StateDictError([f"holds a {_kind(content)}, not a state dict"])
    around = dict(content)
    inner = around.pop(wrapper) if isinstance(around.get(wrapper), Mapping) else around
    if inner is around:
        around = {iteration: inner.pop(iteration)} if iteration in inner else {}
    if iteration in around:
        draft.iteration = _iteration(around.pop(iteration), draft.problems)
    for key, value in around.items():
        if isinstance(value, Mapping | np.ndarray | list):
            draft.problems.append(f"unexpected {key!r} ({_kind(value)}) beside {wrapper!r}")
        else:
            draft.notes.append(f"{key} = {value!r} is not read")
    _take_arrays(draft, inner, wrapper)


def _take_arrays(draft: Draft, inner: Mapping[Any, Any], wrapper: str) -> None:
    if not any(isinstance(value, np.ndarray) for value in inner.values()):
        held = ", ".join(map(str, inner)) or "nothing"
        wanted = f"neither {wrapper!r} nor tensors" if wrapper else "no tensors"
        raise StateDictError([f"has {wanted} in it; it holds {held}"])
    renamed = []
    for name, value in inner.items():
        plain = _without_prefix(str(name))
        key = draft.published.rename(plain)
        renamed += [f"{plain} is {key} here"] * (key != plain)
        if not isinstance(value, np.ndarray):
            draft.problems.append(f"{name} is a {_kind(value)}, not a tensor")
        elif key in draft.state:
            how = f"also as {plain}" if key != plain else "with and without the prefix module."
            draft.problems.append(f"{key} is there twice, {how}")
        else:
            draft.state[key] = value
    draft.notes += [f"{len(renamed)} tensors have other names: {renamed[0]}"] if renamed else []


def _without_prefix(key: str) -> str:
    """A key without what PyTorch's DataParallel puts before it, perhaps several times."""
    return re.sub(r"^(module\.)+", "", key)


def _iteration(value: Any, problems: list[str]) -> int:
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float) or not (value >= 0 and float(value).is_integer()):
        problems.append(f"iteration is {value!r}, expected a whole number of 0 or more")
        return 0
    return int(value)


def _kind(value: Any) -> str:
    return f"tensor {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
