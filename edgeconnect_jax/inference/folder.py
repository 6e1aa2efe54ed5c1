"""Working through a list of picture files, from the files to the files: read ahead, compute, write behind."""

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

RESULTS = "results"  # of train.mode="test", in the folder of the last stage
# Of those that read, and of those that write: each may hold a few pictures, and fills a GPU's time at 8.
_THREADS = 8
_OUT_OF_MEMORY = "RESOURCE_EXHAUSTED"  # how XLA's errors begin

Options = TypeVar("Options")


class UnreadableError(ValueError):
    """Some files are damaged or have the wrong size; all other pictures are done."""


class Written(NamedTuple):
    """What was written for one job.

    Attributes:
        path: the result.
        notice: a line for the user that names the file it is about; "" = none.
    """

    path: pathlib.Path
    notice: str = ""


class Work(NamedTuple):
    """What is done with each job.

    Attributes:
        folders: to write to, made if they do not exist; the first holds the results.
        read: (job) -> what `compute` takes; called in threads. ValueError names a file that cannot be used.
        compute: called for one picture after another, in one thread.
        write: (what `compute` returns) -> what was written; called in threads.
    """

    folders: Sequence[pathlib.Path]
    read: Callable[[Job], Any]
    compute: Callable[[Any], Any]
    write: Callable[[Any], Written]


class Summary(NamedTuple):
    """What a run over a list of jobs did.

    Attributes:
        results: the files written, in the order of the jobs.
        notices: lines for the user, each once.
        folder: of the results.
        seconds: that it took.
    """

    results: list[pathlib.Path]
    notices: list[str]
    folder: pathlib.Path
    seconds: float

    def __str__(self) -> str:
        count = len(self.results)
        return f"{count} picture{'s' * (count != 1)} written in {self.seconds:.1f} s to {self.folder}"


class Files(NamedTuple, Generic[Options]):
    """What a system reads and writes, for its command and for train.mode="test".

    Attributes:
        networks: (options) -> the networks that the work needs.
        jobs: (options) -> all jobs, matched and checked before any weights are read. ValueError lists what is wrong.
        work: (weights, options) -> what is done with each.
        test: (configuration of the last stage, folder for the results) -> the options of train.mode="test".
    """

    networks: Callable[[Options], Sequence[str]]
    jobs: Callable[[Options], list[Job]]
    work: Callable[[checkpoints.Weights, Options], Work]
    test: Callable[[Config, pathlib.Path], Options]


def process(files: Files[Options], checkpoint: Sequence[str | os.PathLike], options: Options) -> Summary:
    """Loads the networks from checkpoints and works through all jobs.

    Args:
        files: of the system.
        checkpoint: checkpoints or workdirs; each network comes from the last that holds it.
        options: of the system.

    Raises:
        ValueError: the options, the checkpoints or all of the files are not as they should be.
        UnreadableError, OSError: see `run`.
    """
    jobs = files.jobs(options)
    if all(job.problem for job in jobs):
        matching.raise_all(list(dict.fromkeys(job.problem for job in jobs)))
    weights = checkpoints.load_weights([os.fspath(path) for path in checkpoint], files.networks(options))
    return run(jobs, files.work(weights, options))


def test(files: Files[Any], config: Config, workdir: pathlib.Path) -> Summary:
    """Works on the test set of a configuration with the newest checkpoint of its last stage: train.mode="test".

    The results go to RESULTS in the stage's folder. Errors are those of `process`.
    """
    name, stage = stages.stage_configs(config)[-1]
    return process(files, [workdir / name], files.test(stage, workdir / name / RESULTS))


def check_output(folders: Iterable[pathlib.Path], inputs: Iterable[str | os.PathLike]) -> None:
    """Refuses folders in which results would overwrite, or be mixed with, what they are made from.

    Args:
        folders: to be written to; they need not exist.
        inputs: files or folders that are read.

    Raises:
        ValueError: a folder is a file, is one that is read or lies in it, or holds a file that is read.
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
    # A folder is read with its sub-folders; a single file may have the output in a folder beside it.
    return folder == read or read in folder.parents if read.is_dir() else folder == read.parent


def run(jobs: Sequence[Job], work: Work) -> Summary:
    """Works through jobs.

    Threads read ahead and write behind; `work.compute` takes one picture after the other. What it has computed is
    written even if an error or Ctrl-C ends the run.

    Args:
        jobs: see `matching.pair`; one with a problem is listed, not worked on.
        work: what is done with each.

    Raises:
        ValueError: the output would mix with the input; raised before any work.
        UnreadableError: damaged files, and jobs with a problem, all listed after the others are done.
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
    """A job with what was read of it; or what is wrong."""
    if job.problem:
        return job.problem
    try:
        return job, work.read(job)
    except ValueError as error:
        return str(error)


def _compute(work: Work, ready: Iterable[tuple[Job, Any] | str]) -> Iterator[tuple[Any] | str]:
    """What is computed of each job, in a tuple; what is wrong is passed through."""
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
            yield f"{job.picture}: {width} x {height} pixels take more memory than there is; shrink the picture"


def _write(work: Work, computed: tuple[Any] | str) -> Written | str:
    return computed if isinstance(computed, str) else work.write(computed[0])
