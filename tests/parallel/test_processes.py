"""How processes are told who they are, what a wrong start is told, and what the others do when one is lost."""

import re
import signal

import pytest

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.parallel import processes
from tests import pairs

SLURM = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "8", "SLURM_PROCID": "3", "SLURM_LOCALID": "3"}
STEP = {**SLURM, "SLURM_STEP_NODELIST": "node[1-2]", "SLURM_STEP_NUM_TASKS": "8"}
POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "1"}
TINY = ("--config=configs/tiny.py", "--config.train.devices=()", "--config.train.batch_size=4")
QUIET = ("--config.sample.interval=0", "--config.eval.interval=0")


def start_of(environment, *flags):
    return processes.start_of(*(flags or (None, None, None)), environment=environment)


def test_flags_come_before_the_environment():
    start = start_of(STEP, "10.0.0.1:1234", 2, 1)
    assert start == processes.Start("10.0.0.1:1234", 2, 1, "flags", 300)
    assert start_of(STEP, None, 1, None) is None
    assert start_of({}, "10.0.0.1:1234", 1, 0) is None
    assert processes.start_of("[::1]:1", 2, 0, 5, {}) == processes.Start("[::1]:1", 2, 0, "flags", 5)


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, None),
        (SLURM, None),  # a plain process of a batch script
        ({**STEP, "SLURM_STEP_NUM_TASKS": "1"}, None),  # srun --ntasks=1 in an allocation for 8
        (STEP, ("Slurm", 8)),
        ({"OMPI_COMM_WORLD_SIZE": "4"}, ("Open MPI", 4)),
        ({"OMPI_COMM_WORLD_SIZE": "1"}, None),
        ({"TPU_WORKER_HOSTNAMES": "a,b"}, ("the TPU", None)),
        ({"TPU_WORKER_HOSTNAMES": "localhost"}, None),
        ({"TPU_WORKER_HOSTNAMES": "a", "MEGASCALE_NUM_SLICES": "2"}, ("the TPU", None)),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, None),  # a pod of its own
        (POD, ("Kubernetes", None)),
    ],
)
def test_the_environment_tells_of_several_processes(environment, found, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "kubernetes" or None)
    start = start_of(environment)
    assert (start and (start.found_by, start.count)) == found


def test_a_job_of_kubernetes_without_its_package_is_told_how_to_go_on(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install.*kubernetes.*--num_processes=1"):
        start_of(POD)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("a:1", None, None), "--num_processes and --process_id missing"),
        ((None, 2, 0), "--coordinator_address missing"),
        ((None, 1, 3), "--coordinator_address missing"),
        (("a", 2, 0), "--coordinator_address=a must be HOST:PORT"),
        (("a:99999", 2, 0), "must be HOST:PORT"),
        (("a:1", 0, 0), "--num_processes=0 must be 1 or more"),
        (("a:1", 2, 2), "--process_id=2 must be from 0 to 1"),
        (("a:1", 2, -1), "--process_id=-1 must be"),
    ],
)
def test_flags_that_cannot_be_are_refused(flags, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        start_of({}, *flags)


def test_a_coordinator_that_does_not_answer_is_told_in_bounded_time():
    start = processes.Start(f"127.0.0.1:{pairs.free_port()}", 2, 1, "flags", 2)
    with pytest.raises(ValueError, match=r"cannot be reached within 2 s .*refused"), processes.together(start):
        pytest.fail("ran alone")


def test_one_process_needs_no_agreement(tmp_path):
    assert [parallel.any_process(flag) for flag in (True, False)] == [True, False]
    assert [parallel.of_first(number) for number in (3, None)] == [3, None]
    parallel.check_same("all", {})
    parallel.make_shared_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_processes_that_do_not_come_are_waited_for_in_bounded_time(tmp_path):
    port = pairs.free_port()
    options = [*TINY, f"--workdir={tmp_path}", "--start_within=4"]
    waiting = pairs.Process(tmp_path / "waiting", [*options, *pairs.by_flags(0, port)])
    try:
        assert waiting.wait() == processes.LOST_STATUS
        assert f"Not all processes started within 4 s (found by flags, 2 at 127.0.0.1:{port})" in waiting.stderr
    finally:
        pairs.end([waiting])


def test_processes_of_different_configurations_refuse_each_other(tmp_path):
    options = [*TINY, *QUIET, f"--workdir={tmp_path / 'run'}"]
    both = pairs.start(tmp_path, options, own=((), ("--config.train.seed=3",)))
    try:
        assert [process.wait() for process in both] == [2, 2]
    finally:
        pairs.end(both)
    for process in both:
        assert "the configuration of processes [1] differs from that of process 0" in process.stderr
        assert "Traceback" not in process.stderr
    assert not (tmp_path / "run").exists()


def test_when_one_process_is_lost_the_others_end_and_when_one_is_signalled_all_save(tmp_path):
    """The second time started as Slurm does it."""
    workdir = tmp_path / "run"
    options = [*TINY, *QUIET, f"--workdir={workdir}", "--config.checkpoint.interval=5", "--config.train.steps=100000"]
    survivor, lost = both = pairs.start(tmp_path, options)
    try:
        pairs.until((workdir / "checkpoints" / "5").is_dir, both)
        lost.popen.kill()
        assert survivor.popen.wait(60) == processes.LOST_STATUS
    finally:
        pairs.end(both)
    assert re.search(r"Process 0 of 2 exits: another process was lost.*Start the same command again", survivor.stderr)
    newest = int(checkpoints.find(workdir).name)
    job = {"SLURM_JOB_ID": "1", "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2"}
    job["JAX_COORDINATOR_PORT"] = str(pairs.free_port())
    first, second = again = [
        pairs.Process(tmp_path / f"again{i}", options, {**job, "SLURM_PROCID": str(i), "SLURM_LOCALID": str(i)})
        for i in range(2)
    ]
    try:
        pairs.until((workdir / "checkpoints" / str(newest + 5)).is_dir, again)
        second.popen.send_signal(signal.SIGTERM)
        assert [process.wait() for process in again] == [128 + signal.SIGTERM] * 2
    finally:
        pairs.end(again)
    assert f"resuming from step {newest} in {workdir}" in first.stdout
    last = checkpoints.find(workdir).name
    assert f"checkpoint {last} is complete" in first.stdout and int(last) % 10 == 0
    assert "stopped by a signal to another process; the same command resumes the run" in first.stderr
    assert "stopped by SIGTERM; the same command resumes the run" in second.stderr
