"""Preparing a set: records are computed once, in parallel, and stored for training to read (see `prepared`).

The work is cut into shards, files of consecutive records. A shard appears when it is complete, and a run
started again leaves those that are there: at most the shards in work are lost when a run is killed.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import hashlib
import itertools
import math
import multiprocessing
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NamedTuple

from tqdm import tqdm

from edgeconnect_jax.data.prepared import format as prepared
from edgeconnect_jax.data.prepared import notes
from edgeconnect_jax.data.reader import Field
from edgeconnect_jax.data.records import ComputedRecords, PoolFiles
from edgeconnect_jax.host import workers as host_workers
from edgeconnect_jax.host.files import PART, replaced

# Pictures in a shard unless the number of shards is given: some seconds of work.
SHARD_LENGTH = 500
# What an engine is told and answers, beside the datasets until a run ends.
EXCHANGE = ".exchange"
# Asking for the size of a file takes a network's file system a millisecond, in which others can be asked for, too.
STAT_THREADS = 16


class Shard(NamedTuple):
    """A file of a dataset and the examples `start` to `stop` that belong into it."""

    dataset: str
    path: pathlib.Path
    start: int
    stop: int


class Inputs(NamedTuple):
    """What a worker process computes from.

    Attributes:
        images: the records.
        pools: dataset -> files to draw from.
        skip_bad: how many bad files a shard may leave out.
    """

    images: ComputedRecords
    pools: Mapping[str, PoolFiles] = {}
    skip_bad: int = 0


# Has shards written; yields each with what is wrong with its examples, a sentence each, none if it was written.
Run = Callable[[Inputs, Sequence[Shard]], Iterator[tuple[Shard, list[str]]]]


def prepare(
    records: ComputedRecords,
    pools: Sequence[PoolFiles],
    folder: str | os.PathLike,
    workers: int = 0,
    shards: int = 0,
    progress: bool = True,
    run: Run | None = None,
    skip_bad: int = 0,
) -> prepared.Manifest:
    """Computes all records and writes them, or what is missing of them, to a folder.

    Args:
        records: what to prepare.
        pools: sets of files to draw from, to store beside them.
        folder: where to; new, or left by a run with the same arguments.
        workers: processes; 0 works in this one.
        shards: files to write; 0 chooses their number.
        progress: whether to show a progress bar.
        run: what has the shards written in place of processes on this machine, such as `beam.write_shards`.
        skip_bad: how many pictures and masks that cannot be used are left out, and named in the description.

    Returns:
        The finished set's description.

    Raises:
        ValueError: the folder holds another set or other files, or some pictures cannot be used; names all of them, and
            what is done stays.
        RuntimeError: a worker process died, or the engine failed.
    """
    run = run or functools.partial(_run, workers=workers)
    by_dataset = {prepared.dataset_of(pool.field): pool for pool in pools}
    inputs, folder = Inputs(records, by_dataset, skip_bad), pathlib.Path(folder)
    manifest = _start(inputs, folder, workers, shards)
    plan = plan_shards(folder, manifest)
    todo = [shard for shard in plan if not shard.path.exists()]
    total = sum(shard.stop - shard.start for shard in plan)
    done = total - sum(shard.stop - shard.start for shard in todo)
    problems, count = [], sum(len(notes.read(shard.path)) for shard in plan)
    with tqdm(total=total, initial=done, unit="picture", disable=not progress, smoothing=0.05) as bar:
        for shard, found in run(inputs, todo):
            problems += found
            bar.update(shard.stop - shard.start)
            count += len(found) + len(notes.read(shard.path))
            if skip_bad and count > skip_bad:
                break
    lacking = {shard.path: notes.read(shard.path) for shard in plan}
    _refuse([*problems, *(itertools.chain(*lacking.values()) if count > skip_bad else ())], skip_bad)
    if not manifest.finished:
        lengths = {shard: shard.stop - shard.start - len(lacking[shard.path]) for shard in plan}
        datasets = sorted({shard.dataset for shard in plan})
        empty = [name for name in datasets if not sum(n for shard, n in lengths.items() if shard.dataset == name)]
        if empty:
            listed = "\n".join(itertools.chain(*lacking.values()))
            raise ValueError(f"no file of {' and '.join(empty)} can be used; mend or replace them:\n{listed}")
        for name in datasets:
            mine = {shard.path: n for shard, n in lengths.items() if shard.dataset == name}
            prepared.write_metadata(folder / name, name, mine, _fields(inputs, name))
        manifest = dataclasses.replace(manifest, finished=True, left_out=list(itertools.chain(*lacking.values())))
        manifest.write(folder)
    notes.clear(folder)
    return manifest


def _refuse(problems: Sequence[str], skip_bad: int) -> None:
    """Raises ValueError with all of them, if there are any."""
    allowed = f", more than --skip_bad={skip_bad}" if skip_bad else ""
    if problems:
        raise ValueError(
            f"{len(problems)} files cannot be used{allowed}; mend or replace them (under the same names), or allow "
            "more with --skip_bad, run this again, and it does what is left:\n" + "\n".join(problems)
        )


def fingerprint(inputs: Inputs, shard: Shard) -> str:
    """A hash of the names and sizes of all files that a shard is made from."""
    digest = hashlib.sha256()
    files = inputs.pools.get(shard.dataset, inputs.images)
    for index in range(shard.start, shard.stop):
        digest.update(os.fsencode(files.identity(index) + "\n"))
    return digest.hexdigest()


def _describe(inputs: Inputs, workers: int, shards: int) -> prepared.Manifest:
    images, pool_fields = len(inputs.images), inputs.images.reader.pool_fields
    return prepared.Manifest(
        options=inputs.images.options._asdict(),
        images=images,
        pools={name: len(inputs.pools.get(name, ())) for name in map(prepared.dataset_of, pool_fields)},
        # A few shards a worker, that none has to wait long for the others at the end.
        shards=min(images, shards or max(math.ceil(images / SHARD_LENGTH), 4 * workers, 1)),
    )


def _start(inputs: Inputs, folder: pathlib.Path, workers: int, shards: int) -> prepared.Manifest:
    """Begins a set, or takes up the one that is there if it is the same."""
    manifest, there = _describe(inputs, workers, shards), None
    if prepared.is_prepared(folder):
        there = prepared.read_manifest(folder)
        # Without a number of shards asked for, that of the earlier run stands.
        manifest = dataclasses.replace(manifest, shards=manifest.shards if shards else there.shards)
    elif folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder}: holds other files; name a new folder")
    plan = plan_shards(folder, manifest)
    with concurrent.futures.ThreadPoolExecutor(STAT_THREADS) as pool:
        hashes = pool.map(functools.partial(fingerprint, inputs), plan)
        fingerprints = {shard.path.name: line for shard, line in zip(plan, hashes, strict=True)}
    manifest = dataclasses.replace(manifest, fingerprints=fingerprints, finished=bool(there and there.finished))
    if there:
        _check_same_kind(folder, there, manifest)
    if there and there.finished:
        notes.clear(folder)
        manifest = dataclasses.replace(manifest, left_out=there.left_out)
    elif there:
        notes.forget(_mended(plan, there, manifest, inputs.skip_bad))
    if there:
        _check_same_files(folder, plan, there, manifest)
    folder.mkdir(parents=True, exist_ok=True)
    manifest.write(folder)  # first: without it what a killed run leaves would be other files
    shutil.rmtree(folder / EXCHANGE, ignore_errors=True)
    for dataset in {shard.dataset for shard in plan}:
        (folder / dataset).mkdir(exist_ok=True)
        for part in (folder / dataset).glob(PART):
            part.unlink()
    return manifest


def _mended(
    plan: Sequence[Shard], there: prepared.Manifest, wanted: prepared.Manifest, skip_bad: int
) -> Iterator[pathlib.Path]:
    """The files that lack something and are to be made anew: those with a changed input, or all without `skip_bad`."""
    for shard in plan:
        name = shard.path.name
        if not skip_bad or there.fingerprints.get(name) != wanted.fingerprints[name]:
            yield shard.path


def _check_same_kind(folder: pathlib.Path, there: prepared.Manifest, wanted: prepared.Manifest) -> None:
    """Refuses to go on with a set of another kind."""
    different = [key for key in ("images", "shards") if getattr(there, key) != getattr(wanted, key)]
    different += [name for name, length in wanted.pools.items() if there.pools.get(name, 0) != length]
    different += [key for key, value in wanted.options.items() if there.options.get(key) != value]
    if different:
        raise ValueError(
            f"{folder}: holds a set that differs in {', '.join(different)}; name another folder, or remove this one"
        )


def _check_same_files(
    folder: pathlib.Path, plan: Sequence[Shard], there: prepared.Manifest, wanted: prepared.Manifest
) -> None:
    """Refuses to go on with a set whose finished shards were made from other files."""
    changed = [
        str(shard.path)
        for shard in plan
        if (shard.path.exists() or there.finished)
        and there.fingerprints.get(shard.path.name) != wanted.fingerprints[shard.path.name]
    ]
    if changed:
        raise ValueError(
            f"{folder}: some pictures are not those that these parts were made from; name another folder, or "
            "remove this one:\n" + "\n".join(changed)
        )


def plan_shards(folder: pathlib.Path, manifest: prepared.Manifest) -> list[Shard]:
    """All files of a set, named as TFDS expects, with examples as evenly as can be."""
    plan = []
    for dataset, length in {prepared.IMAGES: manifest.images, **manifest.pools}.items():
        count = min(manifest.shards, length)
        bounds = [length * k // count for k in range(count + 1)] if count else []
        for k, (start, stop) in enumerate(itertools.pairwise(bounds)):
            name = f"{dataset}-{prepared.SPLIT}.array_record-{k:05d}-of-{count:05d}"
            plan.append(Shard(dataset, folder / dataset / name, start, stop))
    return plan


def _run(inputs: Inputs, todo: Sequence[Shard], workers: int) -> Iterator[tuple[Shard, list[str]]]:
    """Writes shards; yields each with the problems of its examples as it is done."""
    if workers == 0 or not todo:
        for shard in todo:
            yield shard, write_shard(inputs, shard)
        return
    pool = concurrent.futures.ProcessPoolExecutor(
        min(workers, len(todo)), multiprocessing.get_context("spawn"), _set_inputs, (inputs,)
    )
    with _stopping(pool):
        futures = {pool.submit(_write_shard_in_worker, shard): shard for shard in todo}
        for future in concurrent.futures.as_completed(futures):
            try:
                yield futures[future], future.result()
            except BrokenProcessPool as error:
                raise RuntimeError(
                    "a worker process died, perhaps for want of memory; run this again, with fewer workers, "
                    "and it does what is left"
                ) from error


@contextlib.contextmanager
def _stopping(pool: concurrent.futures.ProcessPoolExecutor) -> Iterator[None]:
    """Drops what has not begun when the run is interrupted, instead of finishing it first."""
    try:
        yield
    finally:
        pool.shutdown(cancel_futures=True)


_inputs: Inputs | None = None


def _set_inputs(inputs: Inputs) -> None:
    """Gives a worker process its inputs once, since a list of a million files is slow to send."""
    global _inputs
    _inputs = inputs
    host_workers.end_with_parent()


def _write_shard_in_worker(shard: Shard) -> list[str]:
    assert _inputs is not None
    return write_shard(_inputs, shard)


def write_shard(inputs: Inputs, shard: Shard) -> list[str]:
    """Computes a shard's examples and writes its file, unless more cannot be used than may be left out.

    Returns:
        What is wrong, a sentence for each example; empty when the file was written, perhaps with a note of what it
        lacks.

    Raises:
        OSError: the file could not be written.
    """
    from array_record.python.array_record_module import ArrayRecordWriter

    serialize = prepared.features(_fields(inputs, shard.dataset)).serialize_example
    problems = []
    # No two tries share a name, on whatever machines they run.
    with contextlib.suppress(_TooManyBad), replaced(shard.path) as part:
        writer = ArrayRecordWriter(str(part), "group_size:1")  # one record a chunk: they are read one by one
        for index in range(shard.start, shard.stop):
            try:
                example = _example(inputs, shard.dataset, index)
            except (ValueError, OSError) as error:
                problems.append(str(error))
                continue
            # Outside: a full disk is no fault of the picture.
            writer.write(serialize(example))
        writer.close()
        if len(problems) > inputs.skip_bad:
            raise _TooManyBad
        notes.write(shard.path, problems)
        problems = []
    return problems


class _TooManyBad(Exception):
    """More files of a shard cannot be used than may be left out."""


def _fields(inputs: Inputs, dataset: str) -> Mapping[str, Field]:
    """The fields of a dataset's examples."""
    reader, options = inputs.images.reader, inputs.images.options
    if dataset == prepared.IMAGES:
        return reader.fields(options)
    field = inputs.pools[dataset].field
    return {field: reader.pool_fields[field].stored}


def _example(inputs: Inputs, dataset: str, index: int) -> dict[str, Any]:
    """An example with the fields of a dataset and its name."""
    if dataset != prepared.IMAGES:
        pool = inputs.pools[dataset]
        return {pool.field: pool[index], "name": _as_text(pool.name(index))}
    record = inputs.images[index]
    stored = {field: record[field] for field in _fields(inputs, dataset)}
    return stored | {"name": _as_text(inputs.images.name(index))}


def _as_text(name: str) -> str:
    """A name that UTF-8 can hold: bytes of a file's name that are no UTF-8 become escapes."""
    return name.encode("utf-8", "backslashreplace").decode()
