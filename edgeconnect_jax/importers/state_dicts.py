"""Reads a network from the content of a file of published weights, in all the forms in which such files are found."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.checkpoints.weights import fingerprint
from edgeconnect_jax.importers.drafts import Draft, Row, StateDictError, unwrap
from edgeconnect_jax.importers.layouts import Array, Entries, to_variables, twins
from edgeconnect_jax.importers.old_spectral_norm import solve_v
from edgeconnect_jax.importers.published import Published, Shapes, key_shapes
from edgeconnect_jax.models.network import Network, Sizes


class Reading(NamedTuple):
    """A network as read.

    Attributes:
        variables: collection -> nested dicts of float32 arrays, as the module takes them.
        sizes: of the module, inferred from the arrays.
        iteration: of the original's training; None where the file does not hold it.
        rows: one for each array of the file and each array computed from them.
        notes: what was changed.
    """

    variables: dict[str, Any]
    sizes: Sizes
    iteration: int | None
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def networks_in(published: Published, candidates: Sequence[str], content: Any) -> tuple[str, ...]:
    """Those of the candidates that the content of a file holds; a single one is taken for granted.

    Raises:
        StateDictError: it holds none of them.
    """
    if len(candidates) == 1:
        return tuple(candidates)
    draft = Draft(published, candidates[0])
    unwrap(draft, content)
    found = [network for network in candidates if _own_keys(published, network, draft.shapes)]
    if not found:
        raise StateDictError([f"holds none of {', '.join(candidates)}"])
    return tuple(found)


def _own_keys(published: Published, network: str, shapes: Shapes) -> set[str]:
    try:
        return set(published.keys(network, shapes))
    except ValueError as error:
        raise StateDictError([str(error)]) from error


def read_network(
    published: Published,
    name: str,
    network: Network,
    content: Any,
    given: Mapping[str, Any] | None = None,
    among: Sequence[str] = (),
) -> Reading:
    """Reads one network.

    Args:
        published: the format of the file.
        name: of the network.
        network: what is to be read.
        content: of the file, its tensors as NumPy arrays.
        given: sizes that the user gave, of any format's options; None stands for those not given.
        among: all networks of the file, where it holds several.

    Raises:
        StateDictError: lists every tensor that is missing, unexpected or of a wrong shape or kind, or holds NaN.
    """
    draft = Draft(published, name)
    unwrap(draft, content)
    _keep_own(draft, among)
    _drop_unused(draft)
    chosen = {size: value for size, value in (given or {}).items() if size in published.options and value is not None}
    sizes = published.sizes(name, draft.shapes, **chosen)
    entries = published.entries(name, sizes)
    repeated = twins(entries)
    entries = {key: entry for key, entry in entries.items() if key not in repeated}
    _unite_twins(draft, repeated)
    _to_float32(draft)
    expected = key_shapes(entries, network, sizes)
    solved = _solve_old(draft, expected, entries)
    _check(draft, expected)
    draft.problems += published.check(name, draft.state, sizes)
    if draft.problems:
        raise StateDictError(draft.problems)
    _list_used(draft, entries, solved)
    variables = to_variables(draft.state, entries)
    _compare_hash(draft, variables)
    return Reading(variables, sizes, draft.iteration, tuple(draft.rows), tuple(draft.notes))


def _compare_hash(draft: Draft, variables: dict[str, Any]) -> None:
    """Notes that the weights are not the published ones, where these are known."""
    known, found = draft.published.sha256.get(draft.network), fingerprint(variables)
    if known and found != known:
        draft.notes.append(
            f"not the published weights: their SHA-256 is {found[:8]}..., that of the published ones {known[:8]}.... "
            f"If they should be, get the file again ({draft.published.source})"
        )


def _list_used(draft: Draft, entries: Entries, solved: Sequence[str]) -> None:
    """Lists what is used in the order of the file, before what is not."""
    used = []
    for key, (path, _) in entries.items():
        array = draft.state[key]
        where = "/".join((draft.network, *path)) + (" (solved from weight_u and weight)" if key in solved else "")
        used.append(Row(key, array.shape, where, norm(array)))
    draft.rows[:0] = used


def norm(array: Array) -> float:
    """L2 norm, summed in float64."""
    return float(np.sqrt(np.sum(np.square(array, dtype=np.float64))))


def _keep_own(draft: Draft, among: Sequence[str]) -> None:
    """Leaves what belongs to the other networks of the file to them; what belongs to none goes to the first."""
    if not among:
        return
    owned = {network: _own_keys(draft.published, network, draft.shapes) for network in among}
    own = owned[draft.network]
    if draft.network == among[0]:
        own = own | draft.state.keys() - set().union(*owned.values())
    draft.state = {key: array for key, array in draft.state.items() if key in own}


def _drop_unused(draft: Draft) -> None:
    """Removes what may be there and is never used."""
    unused, constants = draft.published.unused, draft.published.constants
    for key, array in list(draft.state.items()):
        why = next((why for pattern, why in unused.items() if re.fullmatch(pattern, key)), None)
        wanted = constants.get(key)
        if why is not None:
            draft.drop(key, why)
        elif wanted is not None and np.array_equal(array.reshape(-1), wanted):
            draft.drop(key, "the same here, as a constant")
        elif wanted is not None:
            draft.problems.append(f"{key} is {array.reshape(-1).tolist()}, expected {wanted.tolist()}")
            del draft.state[key]


def _unite_twins(draft: Draft, known: Mapping[str, str]) -> None:
    """Some tensors have two keys; one of them is enough."""
    known = {**known, **{_plain(key): _plain(first) for key, first in known.items()}}
    for key in [key for key in draft.state if key in known]:
        twin = known[key]
        if twin not in draft.state:
            draft.notes.append(f"{twin} was there as {key} only")
            draft.state[twin] = draft.state.pop(key)
        elif np.array_equal(draft.state[key], draft.state[twin], equal_nan=draft.state[key].dtype.kind == "f"):
            draft.drop(key, f"the same as {twin}")
        else:
            draft.problems.append(f"{key} differs from {twin}, which it should repeat")
            del draft.state[key]


def _plain(key: str) -> str:
    """The key before PyTorch 1.0 of a kernel with spectral normalization, after the division by its norm."""
    return key.removesuffix("_orig")


def _to_float32(draft: Draft) -> None:
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


def _solve_old(draft: Draft, expected: Shapes, entries: Entries) -> list[str]:
    """Computes `weight_v` of layers that were saved before PyTorch 1.0; returns its keys."""
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
        draft.state[key] = np.ascontiguousarray(entries[key].layout.to_theirs(v))
        draft.drop(plain, f"read for {key}")
        solved.append(key)
    if solved:
        draft.notes.append(f"written before PyTorch 1.0: weight_v of {len(solved)} layers solved from the others")
    return solved


def _check(draft: Draft, expected: Shapes) -> None:
    """Adds every tensor that is missing, unexpected, misshapen or not finite."""
    state, problems = draft.state, draft.problems
    problems += [f"missing {key} {shape}" for key, shape in expected.items() if key not in state]
    problems += [f"unexpected {key} {array.shape}" for key, array in state.items() if key not in expected]
    both = [(key, state[key]) for key in expected if key in state]
    problems += [f"{key} is {a.shape}, expected {expected[key]}" for key, a in both if a.shape != expected[key]]
    problems += [f"{key} has NaN or infinite elements" for key, a in both if a.dtype.kind == "f" and not _finite(a)]


def _finite(array: Array) -> bool:
    return bool(np.isfinite(array).all())
