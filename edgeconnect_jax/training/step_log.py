"""What the steps since the last line of the log add up to, and a watch for what is not finite."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.host.errors import NotFiniteError
from edgeconnect_jax.tasks.task import Sums
from edgeconnect_jax.training.summaries import Totals, Values

# Steps whose sums may wait on the device before they are fetched.
_MOST_PENDING = 100

_REMEDY = (
    "Nothing was saved of it. The same command goes on from the newest checkpoint, and comes to the same step: "
    "a smaller optimizer.learning_rate may pass it, and train.debug=True shows the operation that fails"
)


class _Step(NamedTuple):
    number: int
    pictures: np.ndarray  # their indices [B]
    sums: Sums


class StepLog:
    """The sums of training steps. Fetching them waits for the device, so that is done for many at once."""

    def __init__(self, open_names: Callable[[], Callable[[int], str]], sums: Mapping[str, Sequence[float]]):
        """Goes on from `sums`, what `state` returned.

        `open_names` is called where pictures are to be named, and returns a function from an index to a name.
        """
        self._open_names = open_names
        self._totals = Totals(sums)
        self._pending: list[_Step] = []

    def add(self, number: int, pictures: np.ndarray, sums: Sums) -> None:
        """Adds step `number`, made on `pictures`; raises as `values`."""
        self._pending.append(_Step(number, pictures, sums))
        if len(self._pending) >= _MOST_PENDING:
            self._fetch()

    def values(self, *, restart: bool) -> Values:
        """Each metric as `Totals` gives it, over the steps since the last restart.

        Raises:
            NotFiniteError: a sum of a step is NaN or infinite; names the first such step, its losses and pictures.
        """
        self._fetch()
        return self._totals.take() if restart else self._totals.values()

    def state(self) -> dict[str, tuple[float, float]]:
        """The sums for a checkpoint; raises as `values`."""
        self._fetch()
        return self._totals.sums()

    def check(self, number: int, state: Mapping[str, Any]) -> None:
        """Raises NotFiniteError when the state after step `number`, which is the newest, is not finite."""
        flags = jax.device_get(_finite(_floats(state)))
        wrong = [name for name, finite in flags.items() if not finite]
        if wrong:
            found = f"{len(wrong)} arrays of the state, the first {wrong[0]}, are not finite"
            raise NotFiniteError(f"step {number}: {found}, though all losses were. {_REMEDY}")

    def _fetch(self) -> None:
        pending, self._pending = self._pending, []
        for step, sums in zip(pending, jax.device_get([step.sums for step in pending]), strict=True):
            wrong = [f"{name} is {value}" for name, (value, _) in sorted(sums.items()) if not math.isfinite(value)]
            if wrong:
                names = ", ".join(map(self._open_names(), dict.fromkeys(step.pictures.tolist())))
                raise NotFiniteError(f"step {step.number}: {', '.join(wrong)}, on the pictures {names}. {_REMEDY}")
            self._totals.add(sums)


def _floats(tree: Any) -> dict[str, jax.Array]:
    """The arrays of floats of a tree, by their paths."""
    paths = jax.tree_util.tree_leaves_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): x
        for path, x in paths
        if jnp.issubdtype(x.dtype, jnp.floating)
    }


@jax.jit
def _finite(arrays: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return {name: jnp.isfinite(x).all() for name, x in arrays.items()}
