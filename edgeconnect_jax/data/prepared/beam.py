"""Preparing a set with Apache Beam, on one machine or on a cluster: what writes a shard is `prepare`'s own.

The main process lists the files and takes their sizes, but opens none. It writes a plan, a line for each shard that is
missing, with the names of what goes into it. Workers take lines, and write shards beside where they belong and rename
them; so a line may be tried twice, even by two at once. What cannot be used they note beside the plan. In the end the
main process looks which shards have come.

The output, and with it the plan, lies where all workers see it under the same path, and so does the input.
"""

import dataclasses
import json
import os
import pathlib
import platform
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from edgeconnect_jax.data.prepared import format as prepared
from edgeconnect_jax.data.prepared import write
from edgeconnect_jax.data.prepared.write import Inputs, Shard
from edgeconnect_jax.data.sources import FileSource
from edgeconnect_jax.host.files import write_whole

DIRECT_RUNNER = "DirectRunner"  # on this machine
# The engine that DirectRunner comes down to. By its own name, since DirectRunner first tries to download another.
_DIRECT_ENGINE = "FnApiRunner"
_PLAN = "plan.jsonl"


def create_pipeline(runner: str, flags: Sequence[str], workers: int) -> Any:
    """An empty pipeline, made before any work for what it refuses.

    Args:
        runner: a runner of Beam's, by its name or the dotted one of its class.
        flags: its options, as on a command line.
        workers: processes of the direct runner, unless `flags` say otherwise; 0 works in this one.

    Raises:
        ValueError: no such runner, or it does not take these options.
        RuntimeError: Apache Beam, or its part for this runner, is not installed.
    """
    try:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError as error:
        raise RuntimeError(f"--beam_runner takes Apache Beam ({error}): pip install 'edgeconnect_jax[beam]'") from error
    if is_direct(runner):
        unknown = _unknown_flags(flags)
        if unknown:
            raise ValueError(f"{runner} has no options {', '.join(unknown)}; see apache_beam's DirectOptions")
        runner, flags = _DIRECT_ENGINE, [*_direct_flags(workers), *flags]
    try:
        return beam.Pipeline(runner, options=PipelineOptions(list(flags)))
    except ImportError as error:
        raise RuntimeError(f"{runner}: {error}") from error
    except AttributeError as error:  # a class that its module does not have
        raise ValueError(f"{runner}: {error}") from error


def is_direct(runner: str) -> bool:
    """Whether this is the direct runner, in whichever way Beam lets one write it."""
    return runner.lower().removesuffix("runner") == "direct"


def _direct_flags(workers: int) -> list[str]:
    if workers == 0:
        return []
    return [f"--direct_num_workers={workers}", "--direct_running_mode=multi_processing"]


def _unknown_flags(flags: Sequence[str]) -> list[str]:
    """Options that Beam would drop with no more than a line in the log. Other runners may know more than this does."""
    from apache_beam.options.pipeline_options import PipelineOptions

    options = PipelineOptions(list(flags))
    known = options.get_all_options().keys()
    return sorted(options.get_all_options(retain_unknown_options=True).keys() - known)


def write_shards(inputs: Inputs, todo: Sequence[Shard], pipeline: Any) -> Iterator[tuple[Shard, list[str]]]:
    """Has a pipeline write shards; a `prepare.Run` but for its last argument.

    Yields:
        Each shard with what is wrong with its examples, all of them when the pipeline has ended.

    Raises:
        RuntimeError: the pipeline failed, or shards that it was to write are not there.
    """
    if not todo:
        return
    folder = todo[0].path.absolute().parents[1]
    exchange = folder / write.EXCHANGE
    exchange.mkdir()
    try:
        _write_plan(inputs, todo, exchange)
        _run(pipeline, exchange, _with_files(inputs, {}))
        yield from _gather(todo, exchange)
    finally:
        shutil.rmtree(exchange, ignore_errors=True)


def _write_plan(inputs: Inputs, todo: Sequence[Shard], exchange: pathlib.Path) -> None:
    fingerprints = prepared.read_manifest(exchange.parent).fingerprints
    with open(exchange / _PLAN, "w", encoding="utf-8") as plan:
        for shard in todo:
            plan.write(json.dumps(order(inputs, shard, fingerprints[shard.path.name])) + "\n")


def _run(pipeline: Any, exchange: pathlib.Path, common: Inputs) -> None:
    import apache_beam as beam
    from apache_beam.io import ReadFromText

    _ = (
        pipeline
        | "ReadPlan" >> ReadFromText(str(exchange / _PLAN))
        | beam.Reshuffle()  # that a runner may give every line to another worker
        | "WriteShard" >> beam.Map(carry_out, common)
    )
    try:
        pipeline.run().wait_until_finish()
    except Exception as error:  # each runner has its own
        raise RuntimeError(
            f"Apache Beam failed; once the cause is gone run this again, and it does what is left. {error}"
        ) from error


def order(inputs: Inputs, shard: Shard, fingerprint: str) -> dict[str, Any]:
    """What a worker is told to write a shard, beside what all shards have in common: its own files, no others'."""
    files = {
        kind: [os.fspath(path) for path in paths[shard.start : shard.stop]]
        for kind, paths in _files(inputs, shard.dataset).items()
    }
    start = 0 if files else shard.start  # TFDS numbers its examples
    return {
        "dataset": shard.dataset,
        "path": os.fspath(shard.path.absolute()),
        "start": start,
        "stop": start + shard.stop - shard.start,
        "files": files,
        "fingerprint": fingerprint,
    }


def carry_out(line: str, common: Inputs) -> None:
    """Writes the shard that a line of the plan asks for, in a worker, or notes why it cannot be.

    Raises:
        OSError: the shard or the note could not be written. The runner tries again, elsewhere or later.
    """
    told = json.loads(line)
    shard = Shard(told["dataset"], pathlib.Path(told["path"]), told["start"], told["stop"])
    if shard.path.exists():  # an earlier try wrote it, but its end was not heard of
        return
    inputs = _with_files(common, {kind: list(map(pathlib.Path, paths)) for kind, paths in told["files"].items()})
    problems = _differences(inputs, shard, told["fingerprint"]) or write.write_shard(inputs, shard)
    if problems:
        _note(shard.path.parents[1] / write.EXCHANGE / shard.path.name, problems)


def _differences(inputs: Inputs, shard: Shard, fingerprint: str) -> list[str]:
    """One sentence instead of one for each picture where a worker does not see what the main process saw."""
    if write.fingerprint(inputs, shard) == fingerprint:
        return []
    files = (path for paths in _files(inputs, shard.dataset).values() for path in paths)
    gone = next((path for path in files if not path.exists()), None)
    reason = f"{gone} is not there" if gone else "names or sizes differ"
    where = f"the worker on {platform.node()} sees other files than were listed ({reason})"
    return [f"{shard.path.name}: {where}; they must lie under the same path on every worker"]


def _note(path: pathlib.Path, problems: list[str]) -> None:
    write_whole(path, json.dumps(problems))


def _gather(todo: Sequence[Shard], exchange: pathlib.Path) -> Iterable[tuple[Shard, list[str]]]:
    """Each shard with its problems, from what the workers left behind."""
    # Folders are listed, as a network's file system may remember for a while that a file was not there.
    there = {path.name for folder in {shard.path.parent for shard in todo} for path in folder.iterdir()}
    notes = {path.name for path in exchange.iterdir()}
    lost = [shard.path.name for shard in todo if shard.path.name not in there | notes]
    if lost:
        raise RuntimeError(
            f"Apache Beam ended, but {len(lost)} of {len(todo)} files are not in {exchange.parent}; it must be the "
            "same folder for every worker and for this process. Run this again, and it does what is left:\n"
            + "\n".join(lost)
        )
    for shard in todo:
        done = shard.path.name in there
        yield shard, [] if done else json.loads((exchange / shard.path.name).read_text(encoding="utf-8"))


_PICTURES = "image"  # the field that no partner has


def _files(inputs: Inputs, dataset: str) -> dict[str, Sequence[pathlib.Path]]:
    """Field -> the files that a dataset's shards are made from; those of pictures and pools by names of their own."""
    if dataset in inputs.pools:
        return {dataset: inputs.pools[dataset].paths}
    source = inputs.images.source
    pictures = {_PICTURES: source.paths} if isinstance(source, FileSource) else {}
    return {**inputs.images.partners, **pictures}


def _with_files(inputs: Inputs, files: Mapping[str, Sequence[pathlib.Path]]) -> Inputs:
    """The inputs with these lists of files in place of their own; without any, what all shards have in common."""
    images = inputs.images
    source = FileSource(files.get(_PICTURES, ())) if isinstance(images.source, FileSource) else images.source
    partners = {field: files.get(field, ()) for field in images.partners}
    pools = {name: dataclasses.replace(pool, paths=files.get(name, ())) for name, pool in inputs.pools.items()}
    return inputs._replace(images=dataclasses.replace(images, source=source, partners=partners), pools=pools)
