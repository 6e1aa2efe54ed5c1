"""Accumulates the sums of training steps since the last line of the log, and checks that all values are finite."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.host.errors import NotFiniteError
from edgeconnect_jax.tasks.task import Sums
from edgeconnect_jax.training.totals import Totals, Values

_REMEDY = (
    "Nothing of this step was saved. The same command resumes from the newest checkpoint and reaches the same step: "
    "a smaller optimizer.learning_rate may get past it, and train.debug=True shows the operation that fails"
)


class _Step(NamedTuple):
    number: int
    pictures: np.ndarray  # their indices [B]


class StepLog:
    """The sums of training steps, checked and added in bundles."""

    def __init__(self, name_of: Callable[[int], str], sums: Mapping[str, Sequence[float]]):
        """Continues from earlier sums.

        Args:
            name_of: index of a picture -> its name.
            sums: an earlier result of `state`.
        """
        self._name_of = name_of
        self._totals = Totals(sums, self._check_step)

    def add(self, number: int, pictures: np.ndarray, sums: Sums) -> None:
        """Adds step `number`, taken on `pictures`; raises the same errors as `values`."""
        self._totals.add(sums, _Step(number, pictures))

    def values(self, *, restart: bool) -> Values:
        """Each metric as `Totals` gives it, over the steps since the last restart.

        Raises:
            NotFiniteError: a sum of a step is NaN or infinite; names the first such step, its losses and pictures.
        """
        return self._totals.take() if restart else self._totals.values()

    def state(self) -> dict[str, tuple[float, float]]:
        """The sums for a checkpoint; raises the same errors as `values`."""
        return self._totals.sums()

    def check(self, number: int, state: Mapping[str, Any]) -> None:
        """Raises NotFiniteError if the state after step `number`, the newest, is not finite."""
        flags = jax.device_get(_finite(_floats(state)))
        wrong = [name for name, finite in flags.items() if not finite]
        if wrong:
            found = f"{len(wrong)} arrays of the state, the first {wrong[0]}, are not finite"
            raise NotFiniteError(f"step {number}: {found}, though all losses were. {_REMEDY}")

    def _check_step(self, step: _Step, sums: Sums) -> None:
        wrong = [f"{name} is {value}" for name, (value, _) in sorted(sums.items()) if not math.isfinite(value)]
        if wrong:
            names = ", ".join(map(self._name_of, dict.fromkeys(step.pictures.tolist())))
            raise NotFiniteError(f"step {step.number}: {', '.join(wrong)}, on the pictures {names}. {_REMEDY}")


def _floats(tree: Any) -> dict[str, jax.Array]:
    """The floating-point arrays of a tree, by their paths."""
    paths = jax.tree_util.tree_leaves_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): x
        for path, x in paths
        if jnp.issubdtype(x.dtype, jnp.floating)
    }


@jax.jit
def _finite(arrays: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return {name: jnp.isfinite(x).all() for name, x in arrays.items()}
