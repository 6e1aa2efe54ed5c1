"""Processes lists of picture files: reads ahead, computes, and writes results in the background."""

import contextlib
import os
import pathlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from tqdm import tqdm

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.configuration import stages
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import matching
from edgeconnect_jax.data.matching import Job
from edgeconnect_jax.host.threads import in_threads

RESULTS = "results"  # output folder of train.mode="test", in the folder of the last stage
# Number of reading and of writing threads: each may hold a few pictures, and 8 keep a GPU busy.
_THREADS = 8
_OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"  # prefix of XLA's errors

Options = TypeVar("Options")


class UnreadableError(ValueError):
    """Some files are corrupted or have the wrong size; all other pictures are done."""


class Written(NamedTuple):
    """The output of one job.

    Attributes:
        path: file of the result.
        notice: a line for the user that names the file concerned; "" = none.
    """

    path: pathlib.Path
    notice: str = ""


class Work(NamedTuple):
    """How to process a job.

    Attributes:
        folders: output folders, created if they do not exist; the first is for the results.
        read: (job) -> input of `compute`; called in threads. ValueError names an unusable file.
        compute: (result of `read`) -> input of `write`; called for one picture at a time, in one thread.
        write: (result of `compute`) -> Written; called in threads.
    """

    folders: Sequence[pathlib.Path]
    read: Callable[[Job], Any]
    compute: Callable[[Any], Any]
    write: Callable[[Any], Written]


class Summary(NamedTuple):
    """The summary of a run over a list of jobs.

    Attributes:
        results: the files written, in the order of the jobs.
        notices: lines for the user, without duplicates.
        folder: folder of the results.
        seconds: duration of the run.
    """

    results: list[pathlib.Path]
    notices: list[str]
    folder: pathlib.Path
    seconds: float

    def __str__(self) -> str:
        count = len(self.results)
        return f"{count} picture{'s' * (count != 1)} written in {self.seconds:.1f} s to {self.folder}"


class Files(NamedTuple, Generic[Options]):
    """The contract of a system's inference on files, for its command and for train.mode="test".

    Attributes:
        system: its name.
        networks: (options) -> the networks that the work needs.
        jobs: (options) -> all jobs, matched and checked before reading weights. ValueError lists all problems.
        work: (weights, options) -> how to process a job.
        test: (configuration of the last stage, folder for the results) -> the options of train.mode="test".
        optional: networks that the work can use, where a checkpoint holds them.
    """

    system: str
    networks: Callable[[Options], Sequence[str]]
    jobs: Callable[[Options], list[Job]]
    work: Callable[[checkpoints.Weights, Options], Work]
    test: Callable[[Config, pathlib.Path], Options]
    optional: Sequence[str] = ()


def process(files: Files[Options], checkpoint: Sequence[str | os.PathLike], options: Options) -> Summary:
    """Loads the networks from checkpoints and processes all jobs.

    Args:
        files: contract of the system.
        checkpoint: checkpoints or workdirs; each network comes from the last one that contains it.
        options: options of the system.

    Raises:
        ValueError: the options, the checkpoints or all of the files are invalid.
        UnreadableError, OSError: see `run`.
    """
    jobs = files.jobs(options)
    if all(job.problem for job in jobs):
        matching.raise_all(list(dict.fromkeys(job.problem for job in jobs)))
    weights = checkpoints.load_weights(
        [os.fspath(path) for path in checkpoint],
        files.networks(options),
        optional=files.optional,
        system=files.system,
    )
    return run(jobs, files.work(weights, options))


def test(files: Files[Any], config: Config, workdir: pathlib.Path) -> Summary:
    """Processes the test set of a configuration with the newest checkpoint of its last stage: train.mode="test".

    Writes the results to RESULTS in the stage's folder. Raises the same errors as `process`.
    """
    name, stage = stages.stage_configs(config)[-1]
    return process(files, [workdir / name], files.test(stage, workdir / name / RESULTS))


def check_output(folders: Iterable[pathlib.Path], inputs: Iterable[str | os.PathLike]) -> None:
    """Checks that results will not overwrite the input or be mixed with it.

    Args:
        folders: output folders; they need not exist.
        inputs: input files or folders.

    Raises:
        ValueError: an output folder is a file, is an input folder or lies in one, or contains an input file.
    """
    inputs = [pathlib.Path(path) for path in inputs]
    problems = []
    for folder in folders:
        if folder.exists() and not folder.is_dir():
            problems.append(f"{folder}: the output must be a folder, this is a file")
        problems += [
            f"{folder}: results would mix with the input {path}; choose another output folder"
            for path in inputs
            if _mixes(folder.resolve(), path.resolve())
        ]
    if problems:
        raise ValueError("\n".join(problems))


def _mixes(folder: pathlib.Path, read: pathlib.Path) -> bool:
    # Input folders are read with their sub-folders; for a single file, the output may be a folder beside it.
    return folder == read or read in folder.parents if read.is_dir() else folder == read.parent


def run(jobs: Sequence[Job], work: Work) -> Summary:
    """Processes jobs.

    Threads read ahead and write in the background; `work.compute` processes one picture at a time. Finished pictures
    are written even if an error or Ctrl-C ends the run.

    Args:
        jobs: see `matching.pair`; jobs with a problem are reported and skipped.
        work: how to process a job.

    Raises:
        ValueError: the output would mix with the input; raised before any work.
        UnreadableError: files are corrupted or jobs have a problem; lists all of them after the others are done.
        OSError: a result could not be written.
    """
    check_output(work.folders, _one_of_each_folder(jobs))
    for folder in work.folders:
        folder.mkdir(parents=True, exist_ok=True)
    start, written, problems = time.monotonic(), [], []
    reading = in_threads(lambda job: _read(work, job), jobs, most=_THREADS)
    with contextlib.closing(reading) as ready:
        writing = in_threads(lambda done: _write(work, done), _compute(work, ready), most=_THREADS, finish=True)
        with contextlib.closing(writing) as results:
            for result in tqdm(results, total=len(jobs), unit="picture", disable=None):
                (problems if isinstance(result, str) else written).append(result)
    if problems:
        done = f"{len(written)} of {len(jobs)} pictures are done; repair these files for the others:"
        raise UnreadableError("\n".join([done, *dict.fromkeys(problems)]))
    notices = list(dict.fromkeys(result.notice for result in written if result.notice))
    return Summary([result.path for result in written], notices, work.folders[0], time.monotonic() - start)


def _one_of_each_folder(jobs: Sequence[Job]) -> list[pathlib.Path]:
    return list({path.parent: path for job in jobs for path in job.files.values()}.values())


def _read(work: Work, job: Job) -> tuple[Job, Any] | str:
    """The job with its input, or its problem."""
    if job.problem:
        return job.problem
    try:
        return job, work.read(job)
    except ValueError as error:
        return str(error)


def _compute(work: Work, ready: Iterable[tuple[Job, Any] | str]) -> Iterator[tuple[Any] | str]:
    """Yields the result of each job in a tuple, and passes problems through."""
    for item in ready:
        if isinstance(item, str):
            yield item
            continue
        job, read = item
        try:
            yield (work.compute(read),)
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError) and _OUT_OF_MEMORY not in str(error):
                raise
            height, width = job.size
            yield f"{job.picture}: {width} x {height} pixels need more memory than available; shrink the picture"


def _write(work: Work, computed: tuple[Any] | str) -> Written | str:
    return computed if isinstance(computed, str) else work.write(computed[0])
