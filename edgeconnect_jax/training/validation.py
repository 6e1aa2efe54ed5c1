"""Measures and shows the results of a task on the validation set."""

import copy
import functools
from collections.abc import Iterator

import jax
import numpy as np

from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.data.reader import Reader
from edgeconnect_jax.images.grid import labelled_grid
from edgeconnect_jax.layers.pixels import to_float
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.tasks.task import Task
from edgeconnect_jax.training.state import SHARDED_FIELDS, TrainState, evaluation_variables
from edgeconnect_jax.training.step import VALID, evaluation_step
from edgeconnect_jax.training.totals import Totals, Values

Batch = dict[str, np.ndarray]


class Validation:
    """The validation set (or the training set if a run has none), with the programs that measure on it.

    Attributes:
        task: the task to measure.
    """

    def __init__(self, config: Config, task: Task, reader: Reader, devices: list[parallel.Device]):
        """`config` is the configuration of one stage; its evaluation batches are split over `devices`."""
        self._config, self._reader = config, reader
        self._devices = devices
        self.task = task
        step = evaluation_step(task, axis=parallel.AXIS)
        self._measure = parallel.mapped_evaluation(step, TrainState, SHARDED_FIELDS, devices)
        self._predict = jax.jit(task.predict)

    @functools.cached_property
    def batches(self) -> pipeline.ValidationBatches:
        """This process's share of the set, the same in every iteration.

        Raises:
            ValueError: the set is missing, or conflicts with the files that belong to it.
        """
        return self._open(self._config, parallel.process_index(), parallel.process_count())

    @functools.cached_property
    def _whole(self) -> pipeline.ValidationBatches:
        """The whole set in one process, in batches as small as those of its share."""
        if parallel.process_count() == 1:
            return self.batches
        config = copy.deepcopy(self._config)
        config.eval.batch_size //= parallel.process_count()
        return self._open(config, 0, 1)

    def _open(self, config: Config, process_index: int, process_count: int) -> pipeline.ValidationBatches:
        role = "validation" if config.data.validation else "train"
        return pipeline.validation_batches(
            config, self._reader, process_index=process_index, process_count=process_count, role=role
        )

    def measure(self, state: TrainState) -> Values:
        """The task's metrics over the whole set."""
        totals = Totals()
        for batch in self.batches:
            filled = _filled_up(batch, parallel.local_count(self._devices))
            totals.add(self._measure(state, parallel.place_batch(filled, self._devices)))
        return totals.take()

    def predictions(self, state: TrainState) -> Iterator[tuple[Batch, Batch]]:
        """Yields each batch, without padding, with the task's labelled pictures, on this process's first device.

        Covers the whole set for any number of processes; a single process may call it alone.
        """
        variables = parallel.first_copy(evaluation_variables(state))
        for batch in self._whole:
            count = int(batch.pop(VALID).sum())
            predicted = jax.device_get(self._predict(variables, jax.tree.map(to_float, batch)))
            yield jax.tree.map(lambda x, count=count: x[:count], (batch, predicted))

    def grid(self, state: TrainState, count: int) -> np.ndarray:
        """A labelled grid of the pictures of the first `count` examples, or of all if fewer, [H, W, 3] uint8."""
        columns: dict[str, list[np.ndarray]] = {}
        shown = 0
        for _, pictures in self.predictions(state):
            for label, batch in pictures.items():
                columns.setdefault(label, []).extend(batch[: count - shown])
            shown = len(next(iter(columns.values())))
            if shown >= count:
                break
        return labelled_grid(columns)


def _filled_up(batch: Batch, devices: int) -> Batch:
    """Pads `batch` with copies of its last example, marked as invalid, until `devices` can share it.

    Needed because pictures that keep their own size come one by one.
    """
    missing = -len(batch[VALID]) % devices
    filled = {name: np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]) for name, x in batch.items()}
    filled[VALID][len(filled[VALID]) - missing :] = 0
    return filled
