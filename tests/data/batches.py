"""Taking batches from a configuration, and comparing them."""

import contextlib
import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np

from edgeconnect_jax.data import pipeline
from edgeconnect_jax.data.reader import Example, Reader


def train(config: Any, reader: Reader, count: int, **process: int) -> list[Example]:
    """The first training batches."""
    iterator = pipeline.train_iterator(config, reader, **process)
    with contextlib.closing(iterator) if config.data.workers else contextlib.nullcontext():
        return list(itertools.islice(iterator, count))


def assert_equal(first: Iterable[Example], second: Iterable[Example]) -> None:
    """Asserts that batches, or records, are the same in number, fields, types and values."""
    for one, other in zip(first, second, strict=True):
        assert one.keys() == other.keys()
        for field, array in one.items():
            assert array.dtype == other[field].dtype
            np.testing.assert_array_equal(array, other[field])
