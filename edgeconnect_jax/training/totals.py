"""Running sums of metrics over steps, kept on the host."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from edgeconnect_jax.tasks.task import Sums

Values = dict[str, float | None]

# Maximum number of sums that wait on the device before they are fetched.
_MOST_PENDING = 100


def _accept(label: Any, sums: Sums) -> None:
    """Accepts any sums."""


class Totals:
    """Adds sums and counts over steps in float64 on the host, so that small terms are not lost.

    Fetching waits for the device, so sums are fetched in bundles while the device keeps working.
    """

    def __init__(
        self,
        sums: Mapping[str, Sequence[float]] | None = None,
        check: Callable[[Any, Sums], None] = _accept,
    ) -> None:
        """Starts empty or from earlier sums.

        Args:
            sums: an earlier result of the method of this name.
            check: (label, sums) -> None, called with the sums of each step as soon as they are on the host. The method
                that fetched them propagates its errors and then drops later steps.
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
        """Each metric as sum / count; None if undefined because nothing was counted."""
        return {name: value / count if count else None for name, (value, count) in sorted(self.sums().items())}

    def take(self) -> Values:
        """Returns `values` and resets the sums."""
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
