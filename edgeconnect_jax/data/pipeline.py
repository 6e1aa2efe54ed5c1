"""Batches for training and validation, with grain.

A seed fixes one global order of examples, and every process takes its block of each global batch. The blocks, in the
order of the processes, form that batch, and a position counts global batches; neither depends on the number of
processes.
"""

import dataclasses
import math
import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeconnect_jax.data import records, skipping, sources
from edgeconnect_jax.data.prepared import format
from edgeconnect_jax.data.reader import Example, Options, Partner, Pools, Reader, Record, Role
from edgeconnect_jax.host import workers

if TYPE_CHECKING:
    import grain

# Computed records are cached in memory up to this size, so that a small set is computed once.
CACHE_BYTES = 256 * 2**20


class CachedRecords(Sequence[Record]):
    """Caches computed records in up to `capacity` bytes of memory."""

    def __init__(self, computed: records.ComputedRecords, capacity: int = CACHE_BYTES):
        self._computed = computed
        self._capacity = capacity
        self._kept: dict[int, Record] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._computed)

    def __getitem__(self, index: int) -> Record:  # pyright: ignore[reportIncompatibleMethodOverride]
        record = self._kept.get(index)
        if record is None:
            record = self._computed[index]
            size = sum(array.nbytes for array in record.values())
            if self._size + size <= self._capacity:
                self._size += size
                self._kept[index] = record
        return record

    def name(self, index: int) -> str:
        """The name of the picture in error messages."""
        return self._computed.name(index)

    def __reduce__(self) -> tuple:
        # Each worker process fills its own cache.
        return CachedRecords, (self._computed, self._capacity)


@dataclasses.dataclass(frozen=True)
class Opened:
    """The data from which the examples of one split are drawn; picklable, for worker processes.

    Attributes:
        reader: draws the examples.
        records: a sequence of records with a name for each.
        pools: sets to draw from.
        drawing: result of `reader.drawing`.
        left_out: names of skipped files.
    """

    reader: Reader
    records: Any
    pools: Pools
    drawing: Any
    left_out: Sequence[str] = ()

    def example(self, index: int, rng: np.random.Generator) -> Example:
        """Draws an example from record `index`, which its field "id" (int32 []) holds."""
        example = self.reader.draw(rng, self.records[index], self.pools, self.drawing)
        return example | {"id": np.array(index, np.int32)}

    def batch(self, examples: Sequence[Example]) -> Example:
        """Stacks examples; raises ValueError where their sizes differ."""
        first = examples[0]
        for other in examples[1:]:
            if any(other[key].shape != array.shape for key, array in first.items()):
                pair = [
                    "{} ({} x {} pixels)".format(self.records.name(int(x["id"])), *x["image"].shape[1::-1])
                    for x in (first, other)
                ]
                raise ValueError(
                    f"pictures of different sizes cannot share a batch: {pair[0]} and {pair[1]}; with "
                    "data.image_size=0 make the batch size 1 for each process, or all pictures one size"
                )
        return {key: np.stack([example[key] for example in examples]) for key in first}


def _open(config: Any, reader: Reader, role: Role, *, training: bool) -> Opened:
    """Opens the pictures of a role and everything that belongs to them."""
    spec, options = config.data[role], reader.options(config)
    try:
        opened, bad = _open_records(config, reader, role, options)
        pools = {pool.field: _open_pool(config, reader, role, options, pool) for pool in reader.pools(config, role)}
    except ValueError as error:
        raise ValueError(f"data.{role}={spec!r}: {error}") from error
    left_out = [*bad, *(item.name for _, bad_files in pools.values() for item in bad_files)]
    return Opened(
        reader,
        opened,
        {field: pool for field, (pool, _) in pools.items()},
        reader.drawing(config, training),
        left_out,
    )


def _open_records(config: Any, reader: Reader, role: Role, options: Options) -> tuple[Any, list[str]]:
    """The records, and the names of the skipped files."""
    spec, partners = config.data[role], reader.partners(config, role)
    if format.is_prepared(spec):
        for partner in partners:
            _check_comes_with(spec, partner)
        return format.open_records(spec, reader, options), format.left_out(spec)
    computed, limit, bad = open_files(config, reader, role), config.data.skip_bad, []
    if limit:
        computed, bad = skipping.without_bad(computed, limit, "data.skip_bad", (reader.read, options))
    return CachedRecords(computed, CACHE_BYTES), [item.name for item in bad]


def open_files(config: Any, reader: Reader, role: Role) -> records.ComputedRecords:
    """The records of a split that is not prepared, computed on demand.

    Raises:
        ValueError: files are missing or too small, unless data.skip_bad allows such.
    """
    source = sources.open_source(config.data[role], config.data.tfds_dir, role)
    partners, check_sizes = reader.partners(config, role), not config.data.skip_bad
    return records.compute_records(reader, reader.options(config), source, partners, check_sizes=check_sizes)


def _check_comes_with(prepared_set: str, partner: Partner) -> None:
    """Raises ValueError if an option names files that the prepared set contains: they would not be read."""
    if partner.files not in ("", prepared_set):
        raise ValueError(
            f"a prepared set contains its own {partner.what}s, so {partner.option}={partner.files!r} would not be "
            "read; set it to ''"
        )


def _open_pool(
    config: Any, reader: Reader, role: Role, options: Options, pool: Partner
) -> tuple[Sequence[np.ndarray], list[skipping.Bad]]:
    spec = pool.files or config.data[role]
    if format.is_prepared(spec):
        return format.open_pool(spec, reader, options, pool), []
    files, limit = records.pool_files(reader, options, pool), config.data.skip_bad
    return skipping.without_bad(files, limit, "data.skip_bad", (reader.read_pool, options)) if limit else (files, [])


def _share(name: str, size: int, process_count: int) -> int:
    if size <= 0 or size % process_count:
        raise ValueError(f"{name}={size} cannot be divided among {process_count} processes")
    return size // process_count


def open_train(config: Any, reader: Reader) -> Opened:
    """Opens the training set. Opening a large set takes time, so pass the result on instead of opening it again.

    Raises:
        ValueError: options conflict, or data is missing.
    """
    return _open(config, reader, "train", training=True)


def train_dataset(
    config: Any, reader: Reader, opened: Opened | None = None, *, process_index: int = 0, process_count: int = 1
) -> "grain.IterDataset[Example]":
    """An infinite, shuffled dataset of this process's share of the training batches.

    The position of its iterators can be saved and restored (`get_state`, `set_state`). Close them (`close()`) if
    `data.workers` is not 0.

    Args:
        config: the configuration; train.seed fixes the order and all random draws.
        reader: reader of the system.
        opened: result of `open_train`; None = open the training set.
        process_index: index of the share, from 0.
        process_count: number of processes that share the batches of train.batch_size.

    Returns:
        Batches of B = train.batch_size / process_count examples: the fields that the reader draws, [B, H, W, C], and
        "id" int32 [B], each picture's index in its source.

    Raises:
        ValueError: options conflict, or data is missing.
    """
    import grain  # here because importing the package must not import it

    batch_size = _share("train.batch_size", config.train.batch_size, process_count)
    data = opened or open_train(config, reader)
    dataset = (
        grain.MapDataset.range(len(data.records))
        .seed(config.train.seed)
        .shuffle()
        .repeat()
        .random_map(data.example)
        .batch(batch_size, drop_remainder=True, batch_fn=data.batch)[process_index::process_count]
    )
    iterable = dataset.to_iter_dataset(_read_options(config))
    if config.data.workers:
        iterable = iterable.mp_prefetch(
            grain.MultiprocessingOptions(
                num_workers=config.data.workers, per_worker_buffer_size=max(1, config.data.prefetch)
            ),
            workers.begin,
        )
    return iterable


def train_iterator(
    config: Any, reader: Reader, opened: Opened | None = None, *, process_index: int = 0, process_count: int = 1
) -> "grain.DatasetIterator[Example]":
    """An iterator over `train_dataset`, with the same arguments and errors."""
    return iter(train_dataset(config, reader, opened, process_index=process_index, process_count=process_count))


def _read_options(config: Any) -> "grain.ReadOptions":
    import grain

    return grain.ReadOptions(num_threads=config.data.threads, prefetch_buffer_size=config.data.prefetch)


@dataclasses.dataclass(frozen=True)
class ValidationBatches:
    """Batches over a whole set, identical in every iteration; see `validation_batches`."""

    data: Opened
    seed: int
    examples: int
    batch_size: int
    process_index: int
    process_count: int
    read_options: "grain.ReadOptions"

    def __len__(self) -> int:
        return math.ceil(self.examples / (self.batch_size * self.process_count))

    def __iter__(self) -> Iterator[Example]:
        import grain

        padded = len(self) * self.batch_size * self.process_count
        dataset = (
            grain.MapDataset.range(padded)
            .map(self._example)
            .batch(self.batch_size, batch_fn=self.data.batch)[self.process_index :: self.process_count]
        )
        return iter(dataset.to_iter_dataset(self.read_options))

    def _example(self, position: int) -> Example:
        source_position = min(position, self.examples - 1)
        rng = np.random.default_rng([self.seed, source_position])
        example = self.data.example(source_position % len(self.data.records), rng)
        return example | {"valid": np.array(position < self.examples, np.uint8)}


def validation_batches(
    config: Any, reader: Reader, *, process_index: int = 0, process_count: int = 1, role: str = "validation"
) -> ValidationBatches:
    """This process's share of the validation batches, in the order of the pictures.

    train.seed and the example's position determine all random draws. There are eval.repeats passes over the pictures,
    each with different draws.

    Args:
        config: the configuration.
        reader: reader of the system.
        process_index: index of the share, from 0.
        process_count: number of processes that share the batches of eval.batch_size. Examples of different sizes come
            in batches of 1 per process.
        role: which pictures: "validation", "train" or "test".

    Returns:
        The batches, which can be iterated repeatedly and have a length. Their fields are those of `train_iterator` and
        "valid" uint8 [B], which is 0 for repeats of the last example that pad the last batch. All processes have the
        same number of batches.

    Raises:
        ValueError: options conflict, or data is missing.
    """
    one_size = reader.one_size(reader.options(config))
    batch_size = _share("eval.batch_size", config.eval.batch_size, process_count) if one_size else 1
    data = _open(config, reader, role, training=False)
    examples = len(data.records) * config.eval.repeats
    return ValidationBatches(
        data, config.train.seed, examples, batch_size, process_index, process_count, _read_options(config)
    )


def describe_train(config: Any, reader: Reader, opened: Opened | None = None) -> str:
    """The number of examples and the skipped files, which determine the order of the examples besides train.seed."""
    data = opened or open_train(config, reader)
    bad = ", ".join(pathlib.PurePath(name).name for name in data.left_out)
    drawn = "".join(f", {len(pool)} {format.dataset_of(field)}" for field, pool in data.pools.items())
    return f"{len(data.records)} pictures{drawn}" + (f", without {bad}" if bad else "")


def element_spec(opened: Opened) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Field -> (shape, dtype) of an example, including "id", taken from an example drawn from the first record.

    Raises:
        ValueError: the files of the first record, or those drawn for it, cannot be used.
    """
    example = opened.example(0, np.random.default_rng(0))
    return {field: (array.shape, array.dtype) for field, array in example.items()}
