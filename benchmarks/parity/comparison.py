"""Comparisons of numbers with a reference: each has a name, an error and the bound that the error may reach."""

import pathlib
import zipfile
import zlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np


class Comparison(NamedTuple):
    """One comparison.

    Attributes:
        name: what was compared, as a path: "stage1_nsgan/step1/l_fm".
        error: how far apart the two are, 0 or more; NaN never passes.
        bound: the largest error without an explanation.
        allowance: the largest error that may come from a kink (see `KINKS`); 0 where none may.
    """

    name: str
    error: float
    bound: float
    allowance: float = 0.0

    @property
    def within_bound(self) -> bool:
        """Whether the error is within the bound."""
        return bool(self.error <= self.bound)

    @property
    def passed(self) -> bool:
        """Whether the error is within the bound or the allowance."""
        return bool(self.error <= max(self.bound, self.allowance))


KINKS = """\
kink: further than the bound, and no further than units at a kink move it. The gradient of a ReLU, a maximum or an
absolute value jumps at 0. Of millions of inputs a few lie within float32's rounding of it and may round to another side
elsewhere; everything upstream of such a unit then moves by up to a few percent. PyTorch differs as much from itself, on
another machine or in float64. Without rounding there is no such difference: see the comparisons named float64."""


def read_arrays(path: str | pathlib.Path) -> dict[str, np.ndarray]:
    """The arrays of a .npz file; raises a ValueError that names it if it is corrupted."""
    try:
        # A file of its own: NumPy leaves one open that it cannot read.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: not an archive of arrays (.npz), or corrupted: {error}") from None


def relative_error(ours: np.ndarray, theirs: np.ndarray) -> float:
    """L2 norm of the difference over that of `theirs`, which have equal shapes."""
    ours, theirs = _equal_shapes(ours, theirs)
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def largest_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest absolute difference of two arrays of equal shapes."""
    ours, theirs = _equal_shapes(ours, theirs)
    return float(np.abs(ours - theirs).max())


def share_unequal(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The share of elements that are not equal, in [0, 1]."""
    ours, theirs = _equal_shapes(ours, theirs)
    return float(np.mean(ours != theirs))


def cosine_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """1 - the cosine of the angle between two vectors; 1 when one of them is 0."""
    ours, theirs = _equal_shapes(ours, theirs)
    norms = np.linalg.norm(ours) * np.linalg.norm(theirs)
    return float(1 - np.vdot(ours, theirs) / norms) if norms else 1.0


def _equal_shapes(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both in float64, so that taking differences adds no error."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if ours.shape != theirs.shape:
        raise ValueError(f"{ours.shape} cannot be compared with {theirs.shape}")
    return ours, theirs


def worst(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """All that failed, and of those whose names differ in the last part only, the one furthest for its bound."""
    comparisons = list(comparisons)
    groups: dict[str, Comparison] = {}
    for comparison in comparisons:
        group = comparison.name.rpartition("/")[0]
        if group not in groups or _margin(comparison) > _margin(groups[group]):
            groups[group] = comparison
    shown = {c.name for c in groups.values()}
    return [c for c in comparisons if c.name in shown or not c.passed]


def _margin(comparison: Comparison) -> float:
    """How many times its bound an error is; infinite for NaN and for any error that must not be."""
    error, bound = comparison.error, comparison.bound
    if np.isnan(error) or (error and not bound):
        return np.inf
    return error / bound if bound else 0.0


def report(comparisons: Iterable[Comparison], say: Callable[[str], None] = print) -> bool:
    """Says one line a comparison, and returns whether all passed."""
    comparisons = list(comparisons)
    width = max((len(c.name) for c in comparisons), default=0)
    for c in comparisons:
        status = "ok" if c.within_bound else "kink" if c.passed else "FAIL"
        allowance = f", {c.allowance:.1e} with a kink" if c.allowance else ""
        say(f"{status:4}  {c.name:{width}}  {c.error:.1e}  (bound {c.bound:.1e}{allowance})")
    return all(c.passed for c in comparisons)
