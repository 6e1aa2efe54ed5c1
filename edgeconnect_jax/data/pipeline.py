"""Batches for training and validation, with grain.

Examples come in one global order that a seed fixes; every process takes its block of each global batch. Put together
in the order of the processes the blocks are that batch, and a position counts global batches: neither depends on
the number of processes.
"""

import dataclasses
import math
import pathlib
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeconnect_jax.data import masks, records, skipping, sources
from edgeconnect_jax.data.augmentation import Example, draw_example
from edgeconnect_jax.data.prepared import format
from edgeconnect_jax.data.records import Record, RecordOptions
from edgeconnect_jax.host import workers

if TYPE_CHECKING:
    import grain

# Records that are computed are kept in memory until they take this much: a small set is computed once.
CACHE_BYTES = 256 * 2**20


class CachedRecords(Sequence[Record]):
    """Records that are computed once as long as they fit into `capacity` bytes of memory."""

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
            size = sum(array.nbytes for array in record if array is not None)
            if self._size + size <= self._capacity:
                self._size += size
                self._kept[index] = record
        return record

    def name(self, index: int) -> str:
        """What errors call the picture."""
        return self._computed.name(index)

    def __reduce__(self) -> tuple:
        # Each worker process fills a cache of its own.
        return CachedRecords, (self._computed, self._capacity)


@dataclasses.dataclass(frozen=True)
class _Data:
    """What examples of one split are drawn from; picklable, for worker processes."""

    records: Any
    external_masks: Sequence[np.ndarray] | None
    mask_options: Any
    crop_size: int
    flip: bool
    color_jitter: float
    left_out: Sequence[str] = ()  # names of files

    def example(self, index: int, rng: np.random.Generator) -> Example:
        return draw_example(
            rng,
            self.records[index],
            index,
            self.crop_size,
            self.mask_options,
            self.external_masks,
            self.flip,
            self.color_jitter,
        )

    def batch(self, examples: Sequence[Example]) -> Example:
        """Stacks examples; raises ValueError where their sizes differ."""
        first = examples[0]
        for other in examples[1:]:
            if other["image"].shape != first["image"].shape:
                pair = [
                    "{} ({} x {} pixels)".format(self.records.name(int(x["id"])), *x["image"].shape[1::-1])
                    for x in (first, other)
                ]
                raise ValueError(
                    f"pictures of different sizes cannot share a batch: {pair[0]} and {pair[1]}; with "
                    "data.image_size=0 make the batch size 1 for each process, or all pictures one size"
                )
        return {key: np.stack([example[key] for example in examples]) for key in first}


def _open(config: Any, role: str) -> _Data:
    """Opens the pictures, edge maps and masks of "train", "validation" or "test"."""
    options = RecordOptions.from_config(config)
    spec = config.data[role]
    try:
        opened, bad = _open_records(config, role, options)
        external, bad_masks = _open_external_masks(config, role, options)
    except ValueError as error:
        raise ValueError(f"data.{role}={spec!r}: {error}") from error
    crop_size = options.image_size if options.crop == "random" else 0
    return _Data(
        opened,
        external,
        _plain(config.masks.copy_and_resolve_references().to_dict()),
        crop_size,
        config.data.flip,
        config.data.color_jitter,
        (*bad, *(item.name for item in bad_masks)),
    )


def _plain(options: dict[str, Any]) -> SimpleNamespace:
    """Options with their groups as plain attributes: those of a configuration are looked up ten times as slowly."""
    return SimpleNamespace(**{key: _plain(x) if isinstance(x, dict) else x for key, x in options.items()})


def _open_records(config: Any, role: str, options: RecordOptions) -> tuple[Any, list[str]]:
    """The records, and the names of the files that are left out of them."""
    spec = config.data[role]
    if format.is_prepared(spec):
        for group in ("edges", "masks"):
            _check_comes_with_the_set(config, role, group, options)
        return format.open_records(spec, options), format.left_out(spec)
    source, limit = sources.open_source(spec, config.data.tfds_dir, role), config.data.skip_bad
    partners = config.edges[role], config.masks[role]
    computed, bad = records.compute_records(options, source, *partners, check_sizes=not limit), []
    if limit:
        computed, bad = skipping.without_bad(computed, limit, "data.skip_bad", options)
    return CachedRecords(computed, CACHE_BYTES), [item.name for item in bad]


def _check_comes_with_the_set(config: Any, role: str, group: str, options: RecordOptions) -> None:
    """A prepared set holds edge maps and paired masks: refuses others, which would not be read."""
    used = options.edges == "external" if group == "edges" else options.paired_masks
    spec = config[group][role]
    if used and spec not in ("", config.data[role]):
        raise ValueError(
            f"a prepared set brings its own {group}: {group}.{role}={spec!r} would not be read; set it to ''"
        )


def _open_external_masks(
    config: Any, role: str, options: RecordOptions
) -> tuple[Sequence[np.ndarray] | None, list[skipping.Bad]]:
    if not masks.needs_external(config.masks.kind):
        return None, []
    spec = config.masks[role] or config.data[role]
    if format.is_prepared(spec):
        return format.open_masks(spec, options), []
    if not config.masks[role]:
        raise ValueError(f"masks.kind={config.masks.kind!r} needs masks; set masks.{role} to a folder or a file list")
    external = records.ExternalMasks(sources.list_files(spec), options.image_size)
    limit = config.data.skip_bad
    return skipping.without_bad(external, limit, "data.skip_bad") if limit else (external, [])


def _share(name: str, size: int, process_count: int) -> int:
    if size <= 0 or size % process_count:
        raise ValueError(f"{name}={size} cannot be divided among {process_count} processes")
    return size // process_count


def open_train(config: Any) -> _Data:
    """The training set. Opening a large one takes time: who needs it more than once hands it on.

    Raises:
      ValueError: the options do not go together, or the data is not there.
    """
    return _open(config, "train")


def train_iterator(
    config: Any, opened: _Data | None = None, *, process_index: int = 0, process_count: int = 1
) -> "grain.DatasetIterator[Example]":
    """An endless, shuffled iterator over this process's share of the training batches.

    Its position can be saved and restored (`get_state`, `set_state`, `grain.checkpoint`). Close it
    (`close()`) when `data.workers` is not 0.

    Args:
      config: the configuration; train.seed fixes the order and everything that is random.
      opened: what `open_train` returned; None = opened here.
      process_index: which share, from 0.
      process_count: how many processes share the batches of train.batch_size.

    Returns:
      Batches with B = train.batch_size / process_count: image uint8 [B, H, W, 3], edge uint8 [B, H, W, 1]
      (255 = edge), mask uint8 [B, H, W, 1] (255 = hole), id int32 [B], the picture's index in its source.

    Raises:
      ValueError: the options do not go together, or the data is not there.
    """
    import grain  # here, because the package is imported without it

    batch_size = _share("train.batch_size", config.train.batch_size, process_count)
    data = opened or open_train(config)
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
    return iter(iterable)


def train_names(config: Any) -> Callable[[int], str]:
    """A function from the `id` of a training picture to what errors call it."""
    return open_train(config).records.name


def _read_options(config: Any) -> "grain.ReadOptions":
    import grain

    return grain.ReadOptions(num_threads=config.data.threads, prefetch_buffer_size=config.data.prefetch)


@dataclasses.dataclass(frozen=True)
class ValidationBatches:
    """Batches over a whole set, the same whenever they are iterated; see `validation_batches`."""

    data: _Data
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
    config: Any, *, process_index: int = 0, process_count: int = 1, role: str = "validation"
) -> ValidationBatches:
    """This process's share of the validation batches, in the pictures' order and never flipped.

    Masks, and the crop and sigma where those are random, are fixed by train.seed and the example's position;
    eval.repeats passes are made over the pictures, with other draws in each.

    Args:
      config: the configuration.
      process_index: which share, from 0.
      process_count: how many processes share the batches of eval.batch_size. With data.image_size 0 the
        batch size is 1 for each.
      role: which pictures: "validation", "train" or "test".

    Returns:
      Something to iterate, as often as wanted, with a length. Its batches are as in `train_iterator`, with
      "valid" uint8 [B]: 0 for what only fills the last batch, repeats of the last example. All processes have
      the same number of batches.

    Raises:
      ValueError: the options do not go together, or the data is not there.
    """
    size = config.eval.batch_size if config.data.image_size else process_count
    batch_size = _share("eval.batch_size", size, process_count)
    data = dataclasses.replace(_open(config, role), flip=False, color_jitter=0.0)
    examples = len(data.records) * config.eval.repeats
    return ValidationBatches(
        data, config.train.seed, examples, batch_size, process_index, process_count, _read_options(config)
    )


def describe_train(config: Any, opened: _Data | None = None) -> str:
    """How many pictures are trained on, and which are left out: what their order depends on besides train.seed."""
    data = opened or open_train(config)
    bad = ", ".join(pathlib.PurePath(name).name for name in data.left_out)
    masks_drawn = "" if data.external_masks is None else f", {len(data.external_masks)} masks"
    return f"{len(data.records)} pictures{masks_drawn}" + (f", without {bad}" if bad else "")


def train_element_spec(config: Any, opened: _Data | None = None) -> tuple[int, int]:
    """Height and width of the training pictures in pixels; those of the first with data.image_size 0."""
    if config.data.image_size:
        return config.data.image_size, config.data.image_size
    height, width = (opened or open_train(config)).records[0].image.shape[:2]
    return height, width
