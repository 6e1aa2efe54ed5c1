"""Reads a network out of what one of the original's files holds, in all the forms that such files are found in.

NumPy only: torch_files.py reads the file.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.importers import backbones
from edgeconnect_jax.importers import shapes as network_sizes
from edgeconnect_jax.importers.layouts import Array, Entry, to_variables
from edgeconnect_jax.importers.old_spectral_norm import solve_v

State = dict[str, Array]

_ITERATION = "iteration"


class Row(NamedTuple):
    """What became of one entry of a file.

    Attributes:
        tensor: its key.
        shape: in the file.
        destination: where it went, or why nowhere.
        norm: L2 norm of what went there; None for nowhere.
    """

    tensor: str
    shape: tuple[int, ...]
    destination: str
    norm: float | None


class Reading(NamedTuple):
    """A network as read.

    Attributes:
        variables: collection -> nested dicts of float32 arrays, as the module takes them.
        sizes: of the module, told from the tensors.
        iteration: of the original's training; None where the file does not say.
        rows: one for each entry of the file and each tensor made of them.
        notes: what was changed on the way.
    """

    variables: dict[str, Any]
    sizes: dict[str, int]
    iteration: int | None
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


class StateDictError(ValueError):
    """Attributes: problems, everything that is wrong with a state dict."""

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems = problems


class _Draft:
    """A state dict on its way, and what is to be said about it."""

    def __init__(self, network: str):
        self.network = network
        self.state: State = {}
        self.iteration: int | None = None
        self.rows: list[Row] = []
        self.notes: list[str] = []
        self.problems: list[str] = []

    def put_aside(self, key: str, why: str) -> None:
        """Takes an entry out, to be listed as one that goes nowhere."""
        self.rows.append(Row(key, self.state.pop(key).shape, why, None))


def read_network(network: str, content: Any, residual_blocks: int | None = None) -> Reading:
    """Reads one network.

    Args:
        network: key of `torch.ENTRIES`.
        content: of the file: a state dict of NumPy arrays, by itself or under "generator" or "discriminator" beside
            "iteration".
        residual_blocks: of a generator; None = the original's number at the original's width, where fewer would mean
            a file without its end, and at another width as many as there are.

    Raises:
        StateDictError: lists every tensor that is missing, unexpected or of a wrong shape or kind, or holds NaN.
    """
    draft = _Draft(network)
    _unwrap(draft, content)
    _put_aside_unused(draft)
    _unite_repeated(draft)
    _to_float32(draft)
    draft.problems += backbones.wrong_version(network, draft.state)
    shapes = {key: array.shape for key, array in draft.state.items()}
    sizes = network_sizes.infer(network, shapes, residual_blocks)
    expected, entries = network_sizes.tensor_shapes(network, sizes), network_sizes.entries_of(network, sizes)
    solved = _solve_old(draft, expected, entries)
    _check(draft, expected)
    blocks = network_sizes.count_residual_blocks(shapes)
    if draft.problems and blocks != sizes.get("residual_blocks", blocks):
        remedy = f"if it was made so, give --residual_blocks {blocks}"
        draft.problems.append(f"({blocks} residual blocks are here, not {sizes['residual_blocks']}; {remedy})")
    if draft.problems:
        raise StateDictError(draft.problems)
    for key, (path, _) in entries.items():
        array = draft.state[key]
        where = "/".join((network, *path)) + (" (solved from weight_u and weight)" if key in solved else "")
        draft.rows.append(Row(key, array.shape, where, norm(array)))
    rows = sorted(draft.rows, key=_place_in(list(entries)))
    return Reading(to_variables(draft.state, entries), sizes, draft.iteration, tuple(rows), tuple(draft.notes))


def norm(array: Array) -> float:
    """L2 norm, summed in float64."""
    return float(np.sqrt(np.sum(np.square(array, dtype=np.float64))))


def _place_in(keys: list[str]) -> Any:
    """Sorts rows as in the file: what goes nowhere behind the rest."""
    places = {key: place for place, key in enumerate(keys)}
    return lambda row: places.get(row.tensor, len(places))


def _unwrap(draft: _Draft, content: Any) -> None:
    """Finds the state dict in the content of a file, and the iteration."""
    wrapper = {"generator": "generator", "discriminator": "discriminator"}.get(draft.network.split("_")[-1], "")
    if not isinstance(content, Mapping):
        raise StateDictError([f"holds a {_kind(content)}, not a state dict"])
    around = dict(content)
    inner = around.pop(wrapper) if isinstance(around.get(wrapper), Mapping) else around
    if inner is around:
        around = {_ITERATION: inner.pop(_ITERATION)} if _ITERATION in inner else {}
    if _ITERATION in around:
        draft.iteration = _iteration(around.pop(_ITERATION), draft.problems)
    for key, value in around.items():
        if isinstance(value, Mapping | np.ndarray | list):
            draft.problems.append(f"unexpected {key!r} ({_kind(value)}) beside {wrapper!r}")
        else:
            draft.notes.append(f"{key} = {value!r} is not read")
    _take_arrays(draft, inner, wrapper)


def _take_arrays(draft: _Draft, inner: Mapping[Any, Any], wrapper: str) -> None:
    if not any(isinstance(value, np.ndarray) for value in inner.values()):
        held = ", ".join(map(str, inner)) or "nothing"
        wanted = f"neither {wrapper!r} nor tensors" if wrapper else "no tensors"
        raise StateDictError([f"has {wanted} in it; it holds {held}"])
    renamed = []
    for name, value in inner.items():
        plain = backbones.without_prefix(str(name))
        key = backbones.usual_name(draft.network, plain)
        renamed += [f"{plain} is {key} here"] * (key != plain)
        if not isinstance(value, np.ndarray):
            draft.problems.append(f"{name} is a {_kind(value)}, not a tensor")
        elif key in draft.state:
            how = f"also as {plain}" if key != plain else "with and without the prefix module."
            draft.problems.append(f"{key} is there twice, {how}")
        else:
            draft.state[key] = value
    draft.notes += [f"{len(renamed)} tensors have the names of a whole LPIPS: {renamed[0]}"] if renamed else []


def _iteration(value: Any, problems: list[str]) -> int:
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float) or not (value >= 0 and float(value).is_integer()):
        problems.append(f"iteration is {value!r}, expected a whole number of 0 or more")
        return 0
    return int(value)


def _kind(value: Any) -> str:
    return f"tensor {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


def _put_aside_unused(draft: _Draft) -> None:
    """What is known to be there at times and never used."""
    for key, array in list(draft.state.items()):
        why = backbones.unused(draft.network, key)
        wanted = backbones.constant(draft.network, key)
        if why is not None:
            draft.put_aside(key, why)
        elif wanted is not None and np.array_equal(array.reshape(-1), wanted):
            draft.put_aside(key, "the same here, as a constant")
        elif wanted is not None:
            draft.problems.append(f"{key} is {array.reshape(-1).tolist()}, expected {wanted.tolist()}")
            del draft.state[key]


def _unite_repeated(draft: _Draft) -> None:
    """Some tensors are there under two names; one of them is enough."""
    for key in list(draft.state):
        twin = backbones.twin(draft.network, key)
        if twin is None:
            continue
        if twin not in draft.state:
            draft.notes.append(f"{twin} was there as {key} only")
            draft.state[twin] = draft.state.pop(key)
        elif np.array_equal(draft.state[key], draft.state[twin], equal_nan=draft.state[key].dtype.kind == "f"):
            draft.put_aside(key, f"the same as {twin}")
        else:
            draft.problems.append(f"{key} differs from {twin}, which it should repeat")
            del draft.state[key]


def _to_float32(draft: _Draft) -> None:
    changed: dict[str, int] = {}
    for key, array in draft.state.items():
        kind = array.dtype.name
        if kind == "float32":
            continue
        if array.dtype.kind == "f" or kind == "bfloat16":
            with np.errstate(over="ignore"):  # what becomes infinite is a problem further down
                draft.state[key] = array.astype(np.float32)
            changed[kind] = changed.get(kind, 0) + 1
        else:
            draft.problems.append(f"{key} holds {kind}, expected float32")
    draft.notes += [f"{count} tensors of {kind} became float32" for kind, count in changed.items()]


def _solve_old(draft: _Draft, expected: Mapping[str, Any], entries: Mapping[str, Entry]) -> list[str]:
    """Gives layers that were saved before PyTorch 1.0 their `weight_v`; returns the keys of those."""
    solved = []
    for key in [key for key in expected if key.endswith("weight_v")]:
        layer = key.removesuffix("weight_v")
        plain, kernel, u = layer + "weight", layer + "weight_orig", layer + "weight_u"
        if plain not in draft.state or key in draft.state:
            continue
        parts = {kernel: expected[kernel], plain: expected[kernel], u: expected[u]}
        if any(name not in draft.state or draft.state[name].shape != shape for name, shape in parts.items()):
            shape = draft.state.pop(plain).shape
            if shape != expected[kernel]:
                draft.problems.append(f"{plain} is {shape}, expected {expected[kernel]}")
            continue  # `_check` names what is missing or misshapen beside it
        to_ours = entries[kernel].layout.to_ours
        v = solve_v(to_ours(draft.state[kernel]), to_ours(draft.state[plain]), draft.state[u])
        draft.state[key] = np.ascontiguousarray(entries[key].layout.to_torch(v))
        draft.put_aside(plain, f"read for {key}")
        solved.append(key)
    if solved:
        draft.notes.append(f"written before PyTorch 1.0: weight_v of {len(solved)} layers solved from the others")
    return solved


def _check(draft: _Draft, expected: Mapping[str, tuple[int, ...]]) -> None:
    """Adds every tensor that is missing, unexpected, misshapen or not finite."""
    state, problems = draft.state, draft.problems
    problems += [f"missing {key} {shape}" for key, shape in expected.items() if key not in state]
    problems += [f"unexpected {key} {array.shape}" for key, array in state.items() if key not in expected]
    both = [(key, state[key]) for key in expected if key in state]
    problems += [f"{key} is {a.shape}, expected {expected[key]}" for key, a in both if a.shape != expected[key]]
    problems += [f"{key} has NaN or infinite elements" for key, a in both if a.dtype.kind == "f" and not _finite(a)]


def _finite(array: Array) -> bool:
    return bool(np.isfinite(array).all())
