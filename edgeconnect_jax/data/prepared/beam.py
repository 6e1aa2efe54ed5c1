"""Prepares a set with Apache Beam, on one machine or on a cluster; the shards are the same as without Beam.

The main process lists the files and reads their sizes, but opens none. It writes a plan with one line per missing
shard, which names the shard's input files. Workers process the lines; each shard is written to a temporary file and
renamed, so a line may be retried, even by two workers at once. Workers note unusable files beside the plan. At the end
the main process checks which shards exist.

The input and the output folder, which contains the plan, must have the same paths on all workers.
"""

import dataclasses
import json
import os
import pathlib
import platform
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from edgeconnect_jax.data.prepared import format
from edgeconnect_jax.data.prepared.shards import Inputs, Shard, fingerprint, write_shard
from edgeconnect_jax.data.prepared.write import EXCHANGE
from edgeconnect_jax.data.sources import FileSource
from edgeconnect_jax.host.files import write_whole

DIRECT_RUNNER = "DirectRunner"  # on this machine
# The engine behind DirectRunner, named explicitly because DirectRunner first tries to download another one.
_DIRECT_ENGINE = "FnApiRunner"
_PLAN = "plan.jsonl"
_PICTURES = "image"  # key of the pictures in the lists of files; no partner has this field


def create_pipeline(runner: str, flags: Sequence[str], workers: int) -> Any:
    """Creates an empty pipeline; do this before any work so that invalid options are reported first.

    Args:
        runner: a Beam runner, by name or by the dotted name of its class.
        flags: options of the runner, as on a command line.
        workers: worker processes of the direct runner, unless set by `flags`; 0 = work in this process.

    Raises:
        ValueError: there is no such runner, or it does not accept these options.
        RuntimeError: Apache Beam, or its package for this runner, is not installed.
    """
    try:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError as error:
        raise RuntimeError(f"--beam_runner needs Apache Beam ({error}): pip install 'edgeconnect_jax[beam]'") from error
    if is_direct(runner):
        unknown = _unknown_flags(flags)
        if unknown:
            raise ValueError(f"{runner} has no options {', '.join(unknown)}; see apache_beam's DirectOptions")
        runner, flags = _DIRECT_ENGINE, [*_direct_flags(workers), *flags]
    try:
        return beam.Pipeline(runner, options=PipelineOptions(list(flags)))
    except ImportError as error:
        raise RuntimeError(f"{runner}: {error}") from error
    except AttributeError as error:  # the module has no such class
        raise ValueError(f"{runner}: {error}") from error


def is_direct(runner: str) -> bool:
    """Whether this is the direct runner, in any spelling that Beam accepts."""
    return runner.lower().removesuffix("runner") == "direct"


def _direct_flags(workers: int) -> list[str]:
    if workers == 0:
        return []
    return [f"--direct_num_workers={workers}", "--direct_running_mode=multi_processing"]


def _unknown_flags(flags: Sequence[str]) -> list[str]:
    """Options that Beam would ignore with only a log entry. Runners other than the direct one may accept more."""
    from apache_beam.options.pipeline_options import PipelineOptions

    options = PipelineOptions(list(flags))
    known = options.get_all_options().keys()
    return sorted(options.get_all_options(retain_unknown_options=True).keys() - known)


def write_shards(inputs: Inputs, todo: Sequence[Shard], pipeline: Any) -> Iterator[tuple[Shard, list[str]]]:
    """Writes shards with a pipeline; with `pipeline` bound, this is a `write.Run`.

    Yields:
        Each shard with the problems of its examples, after the pipeline has finished.

    Raises:
        RuntimeError: the pipeline failed, or shards are missing afterwards.
    """
    if not todo:
        return
    exchange = todo[0].path.absolute().parents[1] / EXCHANGE
    exchange.mkdir()
    try:
        _write_plan(inputs, todo, exchange)
        _run(pipeline, exchange, _with_files(inputs, {}))
        yield from _gather(todo, exchange)
    finally:
        shutil.rmtree(exchange, ignore_errors=True)


def _write_plan(inputs: Inputs, todo: Sequence[Shard], exchange: pathlib.Path) -> None:
    fingerprints = format.read_manifest(exchange.parent).fingerprints
    with open(exchange / _PLAN, "w", encoding="utf-8") as plan:
        for shard in todo:
            plan.write(json.dumps(order(inputs, shard, fingerprints[shard.path.name])) + "\n")


def _run(pipeline: Any, exchange: pathlib.Path, common: Inputs) -> None:
    import apache_beam as beam
    from apache_beam.io import ReadFromText

    _ = (
        pipeline
        | "ReadPlan" >> ReadFromText(str(exchange / _PLAN))
        | beam.Reshuffle()  # allows a runner to send each line to a different worker
        | "WriteShard" >> beam.Map(carry_out, common)
    )
    try:
        pipeline.run().wait_until_finish()
    except Exception as error:  # each runner raises its own types
        raise RuntimeError(
            f"Apache Beam failed; fix the cause and run this again to complete the set. {error}"
        ) from error


def order(inputs: Inputs, shard: Shard, fingerprint: str) -> dict[str, Any]:
    """The part of a shard's input that is not shared by all shards: the names of its own files."""
    files = {
        kind: [os.fspath(path) for path in paths[shard.start : shard.stop]]
        for kind, paths in _files(inputs, shard.dataset).items()
    }
    start = 0 if files else shard.start  # TFDS numbers its examples
    return {
        "dataset": shard.dataset,
        "path": os.fspath(shard.path.absolute()),
        "start": start,
        "stop": start + shard.length,
        "files": files,
        "fingerprint": fingerprint,
    }


def carry_out(line: str, common: Inputs) -> None:
    """Writes the shard of one line of the plan in a worker, or notes why it cannot be written.

    Raises:
        OSError: the shard or the note could not be written. The runner retries, possibly on another worker.
    """
    asked = json.loads(line)
    shard = Shard(asked["dataset"], pathlib.Path(asked["path"]), asked["start"], asked["stop"])
    if shard.path.exists():  # an earlier attempt wrote it, but could not report it
        return
    inputs = _with_files(common, {kind: list(map(pathlib.Path, paths)) for kind, paths in asked["files"].items()})
    problems = _differences(inputs, shard, asked["fingerprint"]) or write_shard(inputs, shard)
    if problems:
        write_whole(shard.path.parents[1] / EXCHANGE / shard.path.name, json.dumps(problems))


def _differences(inputs: Inputs, shard: Shard, expected: str) -> list[str]:
    """One sentence, rather than one per picture, if a worker sees other files than the main process."""
    if fingerprint(inputs, shard) == expected:
        return []
    files = (path for paths in _files(inputs, shard.dataset).values() for path in paths)
    missing = next((path for path in files if not path.exists()), None)
    reason = f"{missing} is missing" if missing else "names or sizes differ"
    where = f"the worker on {platform.node()} sees different files from those listed ({reason})"
    return [f"{shard.path.name}: {where}; they must have the same path on every worker"]


def _gather(todo: Sequence[Shard], exchange: pathlib.Path) -> Iterable[tuple[Shard, list[str]]]:
    """Each shard with its problems, from the files that the workers wrote."""
    # List the folders, because a network file system may cache the absence of a file.
    there = {path.name for folder in {shard.path.parent for shard in todo} for path in folder.iterdir()}
    noted = {path.name for path in exchange.iterdir()}
    lost = [shard.path.name for shard in todo if shard.path.name not in there | noted]
    if lost:
        raise RuntimeError(
            f"Apache Beam finished, but {len(lost)} of {len(todo)} files are not in {exchange.parent}; it must be the "
            "same folder for every worker and for this process. Run this again to complete the set:\n" + "\n".join(lost)
        )
    for shard in todo:
        done = shard.path.name in there
        yield shard, [] if done else json.loads((exchange / shard.path.name).read_text(encoding="utf-8"))


def _files(inputs: Inputs, dataset: str) -> dict[str, Sequence[pathlib.Path]]:
    """The lists of input files of a dataset: those of a pool under its dataset, others under their field."""
    if dataset in inputs.pools:
        return {dataset: inputs.pools[dataset].paths}
    source = inputs.images.source
    pictures = {_PICTURES: source.paths} if isinstance(source, FileSource) else {}
    return {**inputs.images.partners, **pictures}


def _with_files(inputs: Inputs, files: Mapping[str, Sequence[pathlib.Path]]) -> Inputs:
    """The inputs with their lists of files replaced by these; with empty `files`, the part that all shards share."""
    images = inputs.images
    source = FileSource(files.get(_PICTURES, ())) if isinstance(images.source, FileSource) else images.source
    partners = {field: files.get(field, ()) for field in images.partners}
    pools = {name: dataclasses.replace(pool, paths=files.get(name, ())) for name, pool in inputs.pools.items()}
    return inputs._replace(images=dataclasses.replace(images, source=source, partners=partners), pools=pools)
