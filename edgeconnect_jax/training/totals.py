"""Running sums of metrics over steps, on the host."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from edgeconnect_jax.tasks.task import Sums

Values = dict[str, float | None]

# Sums that may wait on the device before they are fetched.
_MOST_PENDING = 100


def _accept(label: Any, sums: Sums) -> None:
    """Accepts any sums."""


class Totals:
    """Adds up sums and counts over steps, in float64 on the host, where small terms do not get lost.

    Fetching waits for the device, so sums are fetched in bundles while the device keeps working.
    """

    def __init__(
        self,
        sums: Mapping[str, Sequence[float]] | None = None,
        check: Callable[[Any, Sums], None] = _accept,
    ) -> None:
        """Starts from nothing, or from earlier sums.

        Args:
            sums: what the method of this name returned.
            check: (label, sums) -> None, called with the sums of each step as soon as they are on the host; what it
                raises, the method that fetched them raises. Later steps are then forgotten.
        """
        self._check = check
        self._pending: list[tuple[Any, Sums]] = []
        self._sums: dict[str, tuple[float, float]] = {name: (x, count) for name, (x, count) in (sums or {}).items()}

    def add(self, sums: Sums, label: Any = None) -> None:
        """Adds the sums of one step; `label` names the step to `check`."""
        self._pending.append((label, sums))
        if len(self._pending) >= _MOST_PENDING:
            self._fetch()

    def sums(self) -> dict[str, tuple[float, float]]:
        """Metric -> (sum, count) so far."""
        self._fetch()
        return dict(self._sums)

    def values(self) -> Values:
        """Each metric as sum / count, None where nothing was counted and it is undefined."""
        return {name: value / count if count else None for name, (value, count) in sorted(self.sums().items())}

    def take(self) -> Values:
        """`values`, and starts again from nothing."""
        values = self.values()
        self._sums = {}
        return values

    def _fetch(self) -> None:
        pending, self._pending = self._pending, []
        fetched = jax.device_get([sums for _, sums in pending])
        for (label, _), sums in zip(pending, fetched, strict=True):
            self._check(label, sums)
            for name, (value, count) in sums.items():
                total, number = self._sums.get(name, (0.0, 0.0))
                self._sums[name] = total + float(value), number + float(count)
