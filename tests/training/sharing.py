"""Runs of one process share what they have traced and compiled: tracing takes most of the time of a short run."""

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.tasks.task import Tasks
from edgeconnect_jax.training import loop, validation

# The groups of a configuration that decide what a task computes. A test holds that tasks read no other.
GROUPS = ("task", "losses", "optimizer", "eval", "masks")


def sharing(tasks: Tasks) -> Tasks:
    """Tasks that are made once for each configuration of GROUPS."""
    return {stage: _once(make) for stage, make in tasks.items()}


def _once(make: Callable) -> Callable:
    made: dict[str, Any] = {}

    def task(config: Any) -> Any:
        key = repr([config[group].to_json(sort_keys=True) for group in GROUPS])
        if key not in made:
            made[key] = make(copy.deepcopy(config))  # the caller may change its own
        return made[key]

    return task


class Known:
    """A function whose results are kept. Arguments without a hash are told apart by identity, and kept as well."""

    def __init__(self, function: Callable):
        self._function, self._results = function, {}

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        key = tuple(_key(x) for x in (*arguments, *options, *options.values()))
        if key not in self._results:
            self._results[key] = self._function(*arguments, **options), arguments
        return self._results[key][0]


def _key(x: Any) -> Any:
    if isinstance(x, list | tuple) and not hasattr(x, "_fields"):
        return tuple(_key(item) for item in x)
    return x if isinstance(x, str | float | int | type | None) else id(x)


_STEPS = {(loop, "train_step"): loop.train_step, (validation, "evaluation_step"): validation.evaluation_step}
_MAPPED = {(parallel, name): getattr(parallel, name) for name in ("mapped_step", "mapped_evaluation")}
_KNOWN: Mapping = {place: Known(function) for place, function in (_STEPS | _MAPPED).items()}


@contextlib.contextmanager
def shared_programs() -> Iterator[None]:
    """Within the context the same step of the same task on the same devices is one compiled function."""
    with contextlib.ExitStack() as stack:
        for (module, name), known in _KNOWN.items():
            stack.enter_context(mock.patch.object(module, name, known))
        yield
