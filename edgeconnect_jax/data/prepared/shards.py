"""Shards, the files of a prepared set: assigns examples to them and writes them.

A shard appears only when it is complete, so an interrupted run loses at most the shards it was writing.
"""

import contextlib
import hashlib
import itertools
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from edgeconnect_jax.data.prepared import format, notes
from edgeconnect_jax.data.reader import Field
from edgeconnect_jax.data.records import ComputedRecords, PoolFiles
from edgeconnect_jax.host.files import replaced


class Shard(NamedTuple):
    """A file of a dataset, with the examples from `start` up to but excluding `stop`."""

    dataset: str
    path: pathlib.Path
    start: int
    stop: int

    @property
    def length(self) -> int:
        """Number of examples, including unusable ones."""
        return self.stop - self.start


class Inputs(NamedTuple):
    """The input of the shards.

    Attributes:
        images: the records.
        pools: dataset -> files to draw from.
        skip_bad: maximum number of unusable files to skip per shard.
    """

    images: ComputedRecords
    pools: Mapping[str, PoolFiles] = {}
    skip_bad: int = 0

    def of(self, dataset: str) -> ComputedRecords | PoolFiles:
        """The input of the shards of a dataset."""
        return self.images if dataset == format.IMAGES else self.pools[dataset]


def plan_shards(folder: pathlib.Path, manifest: format.Manifest) -> list[Shard]:
    """All files of a set, named as TFDS expects; each dataset's examples are spread over its files evenly."""
    plan = []
    for dataset, length in {format.IMAGES: manifest.images, **manifest.pools}.items():
        count = min(manifest.shards, length)
        bounds = [length * k // count for k in range(count + 1)] if count else []
        for k, (start, stop) in enumerate(itertools.pairwise(bounds)):
            name = f"{dataset}-{format.SPLIT}.array_record-{k:05d}-of-{count:05d}"
            plan.append(Shard(dataset, folder / dataset / name, start, stop))
    return plan


def fingerprint(inputs: Inputs, shard: Shard) -> str:
    """A hash of the names and sizes of all input files of a shard."""
    digest, files = hashlib.sha256(), inputs.of(shard.dataset)
    for index in range(shard.start, shard.stop):
        digest.update(os.fsencode(files.identity(index) + "\n"))
    return digest.hexdigest()


def write_shard(inputs: Inputs, shard: Shard) -> list[str]:
    """Computes a shard's examples and writes its file, unless too many of them are unusable.

    Returns:
        One sentence for each unusable example; empty if the file was written, with a note of any skipped examples.

    Raises:
        OSError: the file could not be written.
    """
    from array_record.python.array_record_module import ArrayRecordWriter

    problems: list[str] = []
    serialize = format.features(fields_of(inputs, shard.dataset)).serialize_example
    with contextlib.suppress(_TooManyBad), replaced(shard.path) as part:
        writer = ArrayRecordWriter(
            str(part), "group_size:1"
        )  # one record per chunk, because records are read one by one
        for example in _usable_examples(inputs, shard, problems):
            writer.write(serialize(example))
        writer.close()
        if len(problems) > inputs.skip_bad:
            raise _TooManyBad
        notes.write(shard.path, problems)
        problems = []
    return problems


class _TooManyBad(Exception):
    """A shard has more unusable files than it may skip."""


def fields_of(inputs: Inputs, dataset: str) -> Mapping[str, Field]:
    """How the examples of a dataset are stored."""
    reader = inputs.images.reader
    if dataset == format.IMAGES:
        return reader.fields(inputs.images.options)
    field = inputs.pools[dataset].field
    return {field: reader.pool_fields[field].stored}


def _usable_examples(inputs: Inputs, shard: Shard, problems: list[str]) -> Iterator[dict[str, Any]]:
    """The usable examples of a shard; adds the problems of the others to `problems`."""
    for index in range(shard.start, shard.stop):
        try:
            example = _example(inputs, shard.dataset, index)
        except (ValueError, OSError) as error:
            problems.append(str(error))
        else:  # outside of `try`: a failure to write is not a problem of the files
            yield example


def _example(inputs: Inputs, dataset: str, index: int) -> dict[str, Any]:
    """An example with the fields of a dataset and the name of its file."""
    name = {"name": _as_text(inputs.of(dataset).name(index))}
    if dataset != format.IMAGES:
        return {inputs.pools[dataset].field: inputs.pools[dataset][index]} | name
    record = inputs.images[index]
    return {field: record[field] for field in fields_of(inputs, dataset)} | name


def _as_text(name: str) -> str:
    """A file name as valid UTF-8, with other bytes escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def count_examples(shards: Sequence[Shard]) -> int:
    """The number of examples in some shards."""
    return sum(shard.length for shard in shards)
