"""Prepares a set: computes its records once, in parallel, and stores them for training to read.

The work is split into shards (see `shards`). A resumed run keeps the complete ones.
"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import itertools
import math
import multiprocessing
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool

from tqdm import tqdm

from edgeconnect_jax.data.prepared import format, notes
from edgeconnect_jax.data.prepared.shards import (
    Inputs,
    Shard,
    count_examples,
    fields_of,
    fingerprint,
    plan_shards,
    write_shard,
)
from edgeconnect_jax.data.records import ComputedRecords, PoolFiles
from edgeconnect_jax.host import workers as host_workers
from edgeconnect_jax.host.files import PART

# Pictures per shard unless the number of shards is given: a few seconds of work.
SHARD_LENGTH = 500
# Folder, beside the datasets, in which an engine exchanges messages with its workers during a run.
EXCHANGE = ".exchange"
# On a network file system, reading the size of a file takes a millisecond, so several are read at a time.
STAT_THREADS = 16

# Writes shards; yields each with the problems of its examples, one sentence each; none if the shard was written.
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
) -> format.Manifest:
    """Computes all records that a folder lacks and writes them to it.

    Args:
        records: the records to prepare.
        pools: sets of files to draw from, stored beside the records.
        folder: the output; new, or from an earlier run with the same arguments.
        workers: number of worker processes; 0 = work in this process.
        shards: number of files to write; 0 = automatic.
        progress: whether to show a progress bar.
        run: writes the shards, such as `beam.write_shards`; None = processes on this machine.
        skip_bad: maximum number of unusable files to skip and list in the description.

    Returns:
        The finished set's description.

    Raises:
        ValueError: the folder holds another set or other files, or some files are unusable; names all of them. Shards
            written so far are kept.
        RuntimeError: a worker process died, or the engine failed.
    """
    run = run or functools.partial(_run, workers=workers)
    by_dataset = {format.dataset_of(pool.field): pool for pool in pools}
    inputs, folder = Inputs(records, by_dataset, skip_bad), pathlib.Path(folder)
    manifest = _start(inputs, folder, workers, shards)
    plan = plan_shards(folder, manifest)
    problems, bad = _write_missing(run, inputs, plan, progress)
    lacking = {shard: notes.read(shard.path) for shard in plan}
    _refuse([*problems, *(itertools.chain(*lacking.values()) if bad > skip_bad else ())], skip_bad)
    if not manifest.finished:
        manifest = _finish(inputs, folder, manifest, lacking)
    notes.clear(folder)
    return manifest


def _write_missing(run: Run, inputs: Inputs, plan: Sequence[Shard], progress: bool) -> tuple[list[str], int]:
    """Writes the missing shards, until too many files are unusable.

    Returns:
        The problems of the shards that were not written, and the number of unusable files in the whole set.
    """
    todo = [shard for shard in plan if not shard.path.exists()]
    problems, bad = [], sum(len(notes.read(shard.path)) for shard in plan)
    total, missing = count_examples(plan), count_examples(todo)
    with tqdm(total=total, initial=total - missing, unit="picture", disable=not progress, smoothing=0.05) as bar:
        for shard, found in run(inputs, todo):
            problems += found
            bar.update(shard.length)
            bad += len(found) + len(notes.read(shard.path))
            if inputs.skip_bad and bad > inputs.skip_bad:
                break
    return problems, bad


def _refuse(problems: Sequence[str], skip_bad: int) -> None:
    """Raises ValueError with all problems, if there are any."""
    allowed = f", more than --skip_bad={skip_bad}" if skip_bad else ""
    if problems:
        raise ValueError(
            f"{len(problems)} files cannot be used{allowed}; repair or replace them (under the same names), or allow "
            "more with --skip_bad, and run this again to complete the set:\n" + "\n".join(problems)
        )


def _finish(
    inputs: Inputs, folder: pathlib.Path, manifest: format.Manifest, lacking: Mapping[Shard, list[str]]
) -> format.Manifest:
    """Writes the description of a set with all its shards, including the files they lack."""
    left_out = list(itertools.chain(*lacking.values()))
    lengths = {shard: shard.length - len(problems) for shard, problems in lacking.items()}
    datasets = sorted({shard.dataset for shard in lengths})
    empty = [name for name in datasets if not sum(n for shard, n in lengths.items() if shard.dataset == name)]
    if empty:
        listed = "\n".join(left_out)
        raise ValueError(f"no file of {' and '.join(empty)} can be used; repair or replace them:\n{listed}")
    for name in datasets:
        mine = {shard.path: length for shard, length in lengths.items() if shard.dataset == name}
        format.write_metadata(folder / name, name, mine, fields_of(inputs, name))
    manifest = dataclasses.replace(manifest, finished=True, left_out=left_out)
    manifest.write(folder)
    return manifest


def _describe(inputs: Inputs, workers: int, shards: int) -> format.Manifest:
    images, pool_fields = len(inputs.images), inputs.images.reader.pool_fields
    return format.Manifest(
        options=inputs.images.reader.stored(inputs.images.options),
        images=images,
        pools={name: len(inputs.pools.get(name, ())) for name in map(format.dataset_of, pool_fields)},
        # A few shards per worker, so that no worker idles for long at the end.
        shards=min(images, shards or max(math.ceil(images / SHARD_LENGTH), 4 * workers, 1)),
    )


def _start(inputs: Inputs, folder: pathlib.Path, workers: int, shards: int) -> format.Manifest:
    """Starts a set, or resumes the one in the folder if it is the same."""
    manifest, there = _describe(inputs, workers, shards), None
    if format.is_prepared(folder):
        there = format.read_manifest(folder)
        # Without an explicit number of shards, keep that of the earlier run.
        manifest = dataclasses.replace(manifest, shards=manifest.shards if shards else there.shards)
    elif folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder}: holds other files; name a new folder")
    plan = plan_shards(folder, manifest)
    manifest = dataclasses.replace(manifest, fingerprints=_fingerprints(inputs, plan))
    if there:
        manifest = _resume(inputs, folder, plan, there, manifest)
    folder.mkdir(parents=True, exist_ok=True)
    manifest.write(folder)  # first, so that the files of a killed run are recognized as those of a set
    _clear_up(folder, plan)
    return manifest


def _fingerprints(inputs: Inputs, plan: Sequence[Shard]) -> dict[str, str]:
    """Name of each shard -> the hash of its input."""
    with concurrent.futures.ThreadPoolExecutor(STAT_THREADS) as pool:
        hashes = pool.map(functools.partial(fingerprint, inputs), plan)
        return {shard.path.name: line for shard, line in zip(plan, hashes, strict=True)}


def _resume(
    inputs: Inputs, folder: pathlib.Path, plan: Sequence[Shard], there: format.Manifest, wanted: format.Manifest
) -> format.Manifest:
    """The description of an existing set, finished or not, after checking that it matches the requested one."""
    _check_same_kind(folder, there, wanted)
    if there.finished:
        notes.clear(folder)
        wanted = dataclasses.replace(wanted, finished=True, left_out=there.left_out)
    else:
        notes.forget(_outdated(plan, there, wanted, inputs.skip_bad))
    _check_same_files(folder, plan, there, wanted)
    return wanted


def _clear_up(folder: pathlib.Path, plan: Sequence[Shard]) -> None:
    """Creates the datasets' folders and removes unfinished files of a killed run."""
    shutil.rmtree(folder / EXCHANGE, ignore_errors=True)
    for dataset in {shard.dataset for shard in plan}:
        (folder / dataset).mkdir(exist_ok=True)
        for part in (folder / dataset).glob(PART):
            part.unlink()


def _outdated(
    plan: Sequence[Shard], there: format.Manifest, wanted: format.Manifest, skip_bad: int
) -> Iterator[pathlib.Path]:
    """Incomplete shards to write again: those whose files changed, or all of them without `skip_bad`."""
    for shard in plan:
        name = shard.path.name
        if not skip_bad or there.fingerprints.get(name) != wanted.fingerprints[name]:
            yield shard.path


def _check_same_kind(folder: pathlib.Path, there: format.Manifest, wanted: format.Manifest) -> None:
    """Raises ValueError if the folder holds a set of another kind."""
    different = [key for key in ("images", "shards") if getattr(there, key) != getattr(wanted, key)]
    different += [name for name, length in wanted.pools.items() if there.pools.get(name, 0) != length]
    different += [key for key, value in wanted.options.items() if there.options.get(key) != value]
    if different:
        raise ValueError(
            f"{folder}: holds a set that differs in {', '.join(different)}; name another folder, or remove this one"
        )


def _check_same_files(
    folder: pathlib.Path, plan: Sequence[Shard], there: format.Manifest, wanted: format.Manifest
) -> None:
    """Raises ValueError if existing shards were made from different files."""
    changed = [
        str(shard.path)
        for shard in plan
        if (shard.path.exists() or there.finished)
        and there.fingerprints.get(shard.path.name) != wanted.fingerprints[shard.path.name]
    ]
    if changed:
        raise ValueError(
            f"{folder}: the pictures of these parts have changed since they were prepared; name another folder, or "
            "remove this one:\n" + "\n".join(changed)
        )


def _run(inputs: Inputs, todo: Sequence[Shard], workers: int) -> Iterator[tuple[Shard, list[str]]]:
    """Writes shards; yields each, when done, with the problems of its examples."""
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
                    "a worker process died, possibly out of memory; run this again with fewer workers to "
                    "complete the set"
                ) from error


@contextlib.contextmanager
def _stopping(pool: concurrent.futures.ProcessPoolExecutor) -> Iterator[None]:
    """Cancels queued work if the run is interrupted, instead of finishing it first."""
    try:
        yield
    finally:
        pool.shutdown(cancel_futures=True)


_inputs: Inputs | None = None


def _set_inputs(inputs: Inputs) -> None:
    """Sends a worker process its inputs once, because a list of a million files is slow to send."""
    global _inputs
    _inputs = inputs
    host_workers.end_with_parent()


def _write_shard_in_worker(shard: Shard) -> list[str]:
    assert _inputs is not None
    return write_shard(_inputs, shard)
