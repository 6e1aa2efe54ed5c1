"""Preparing a set: records are computed once, in parallel, and stored for training to read (see `prepared`).

The work is cut into shards, files of consecutive records. A shard appears when it is complete, and a run
started again leaves those that are there: at most the shards in work are lost when a run is killed.
"""

import concurrent.futures
import contextlib
import hashlib
import itertools
import math
import multiprocessing
import os
import pathlib
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NamedTuple

from tqdm import tqdm

from edgeconnect_jax.data import prepared
from edgeconnect_jax.data.records import ComputedRecords, ExternalMasks, Record

# Pictures in a shard unless the number of shards is given: some seconds of work.
SHARD_LENGTH = 500


class Shard(NamedTuple):
    """A file of a dataset and the examples `start` to `stop` that belong into it."""

    dataset: str
    path: pathlib.Path
    start: int
    stop: int


class Inputs(NamedTuple):
    """What a worker process computes from, by name of the dataset."""

    images: ComputedRecords
    masks: ExternalMasks | None


def prepare(
    records: ComputedRecords,
    external_masks: ExternalMasks | None,
    folder: str | os.PathLike,
    workers: int = 0,
    shards: int = 0,
    progress: bool = True,
) -> prepared.Manifest:
    """Computes all records and writes them, or what is missing of them, to a folder.

    Args:
      records: what to prepare.
      external_masks: masks to store beside them, or None.
      folder: where to; new, or left by a run with the same arguments.
      workers: processes; 0 works in this one.
      shards: files to write; 0 chooses their number.
      progress: whether to show a progress bar.

    Returns:
      The finished set's description.

    Raises:
      ValueError: the folder holds another set or other files, or some pictures cannot be used; names all of
        them, and what is done stays.
      RuntimeError: a worker process died.
    """
    folder = pathlib.Path(folder)
    manifest = _start(folder, _describe(records, external_masks, workers, shards))
    if manifest.finished:
        return manifest
    plan = plan_shards(folder, manifest)
    todo = [shard for shard in plan if not shard.path.exists()]
    total = sum(shard.stop - shard.start for shard in plan)
    done = total - sum(shard.stop - shard.start for shard in todo)
    problems = []
    with tqdm(total=total, initial=done, unit="picture", disable=not progress, smoothing=0.05) as bar:
        for shard, found in _run(Inputs(records, external_masks), todo, workers):
            problems += found
            bar.update(shard.stop - shard.start)
    if problems:
        raise ValueError(
            f"{len(problems)} files cannot be used; mend or replace them (under the same names), run this "
            "again, and it does what is left:\n" + "\n".join(problems)
        )
    _write_metadata(folder, plan, records.options.paired_masks)
    manifest = prepared.Manifest(**{**vars(manifest), "finished": True})
    manifest.write(folder)
    return manifest


def fingerprint(records: ComputedRecords, external_masks: ExternalMasks | None) -> str:
    """A hash of the names and sizes of all files that are read."""
    digest = hashlib.sha256()
    paths = [
        records.edge_paths or (),
        records.mask_paths or (),
        external_masks.paths if external_masks else (),
    ]
    for line in records.source.identity():
        digest.update(f"image {line}\n".encode())
    for kind, group in zip(("edges", "mask", "external"), paths, strict=True):
        for path in group:
            digest.update(f"{kind} {path.name} {path.stat().st_size}\n".encode())
    return digest.hexdigest()


def _describe(
    records: ComputedRecords, external_masks: ExternalMasks | None, workers: int, shards: int
) -> prepared.Manifest:
    images = len(records)
    return prepared.Manifest(
        options=records.options._asdict(),
        fingerprint=fingerprint(records, external_masks),
        images=images,
        masks=len(external_masks) if external_masks else 0,
        shards=min(images, shards or max(math.ceil(images / SHARD_LENGTH), 4 * workers, 1)),
    )


def _start(folder: pathlib.Path, manifest: prepared.Manifest) -> prepared.Manifest:
    """Begins a set, or takes up the one that is there if it is the same."""
    if prepared.is_prepared(folder):
        found = prepared.read_manifest(folder)
        # How many files an earlier run chose is no difference; it is gone on with.
        wanted = prepared.Manifest(**{**vars(manifest), "shards": found.shards, "finished": found.finished})
        different = [name for name, value in vars(wanted).items() if value != getattr(found, name)]
        if different:
            raise ValueError(
                f"{folder}: holds a set prepared from something else ({', '.join(different)} differ); "
                "name another folder, or remove this one"
            )
        manifest = found
    elif folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder}: holds other files; name a new folder")
    for dataset in (prepared.IMAGES, prepared.MASKS):
        if _length(manifest, dataset):
            (folder / dataset).mkdir(parents=True, exist_ok=True)
        for part in (folder / dataset).glob(".*.part"):
            part.unlink()
    manifest.write(folder)
    return manifest


def _length(manifest: prepared.Manifest, dataset: str) -> int:
    return manifest.images if dataset == prepared.IMAGES else manifest.masks


def plan_shards(folder: pathlib.Path, manifest: prepared.Manifest) -> list[Shard]:
    """All files of a set, named as TFDS expects, with examples as evenly as can be."""
    plan = []
    for dataset in (prepared.IMAGES, prepared.MASKS):
        length = _length(manifest, dataset)
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


def _write_shard_in_worker(shard: Shard) -> list[str]:
    assert _inputs is not None
    return write_shard(_inputs, shard)


def write_shard(inputs: Inputs, shard: Shard) -> list[str]:
    """Computes a shard's examples and writes its file, unless some cannot be used.

    Returns:
      What is wrong, a sentence for each example; empty when the file was written.
    """
    from array_record.python.array_record_module import ArrayRecordWriter

    paired = inputs.images.options.paired_masks
    serialize = prepared.features(shard.dataset, paired).serialize_example
    part = shard.path.with_name(f".{shard.path.name}.{os.getpid()}.part")
    writer = ArrayRecordWriter(str(part), "group_size:1")  # one record a chunk: they are read one by one
    problems = []
    try:
        for index in range(shard.start, shard.stop):
            try:
                writer.write(serialize(_example(inputs, shard.dataset, index)))
            except (ValueError, OSError) as error:
                problems.append(str(error))
        writer.close()
        if not problems:
            os.replace(part, shard.path)
    finally:
        part.unlink(missing_ok=True)
    return problems


def _example(inputs: Inputs, dataset: str, index: int) -> dict[str, Any]:
    """An example with the features of `prepared.features`."""
    if dataset == prepared.MASKS:
        assert inputs.masks is not None
        return {"mask": inputs.masks[index][..., None], "name": inputs.masks.name(index)}
    record: Record = inputs.images[index]
    example: dict[str, Any] = {
        "image": record.image,
        "edges": record.edges,
        "name": inputs.images.name(index),
    }
    return example if record.mask is None else example | {"mask": record.mask[..., None]}


def _write_metadata(folder: pathlib.Path, plan: Sequence[Shard], paired_masks: bool) -> None:
    """Writes what TFDS needs to read the datasets: features.json and dataset_info.json."""
    import tensorflow_datasets as tfds

    for dataset in sorted({shard.dataset for shard in plan}):
        shards = [shard for shard in plan if shard.dataset == dataset]
        split = tfds.core.SplitInfo(
            name=prepared.SPLIT,
            shard_lengths=[shard.stop - shard.start for shard in shards],
            num_bytes=sum(shard.path.stat().st_size for shard in shards),
        )
        with _scratch(folder / dataset) as scratch:
            for shard in shards:  # TFDS takes the dataset's name from those of its files
                (scratch / shard.path.name).touch()
            tfds.folder_dataset.write_metadata(
                data_dir=scratch,
                features=prepared.features(dataset, paired_masks),
                split_infos=[split],
                version="1.0.0",
                check_data=False,  # it would read with TensorFlow
                description=f"{dataset}, prepared by edgeconnect_jax",
            )


@contextlib.contextmanager
def _scratch(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """A sub-folder to write JSON files in, which are moved into the folder when they are whole."""
    scratch = folder / ".metadata"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    yield scratch
    for path in scratch.glob("*.json"):
        os.replace(path, folder / path.name)
    shutil.rmtree(scratch)
