"""How several processes connect and exit. The only module that uses JAX's distributed service.

Process 0 also runs the service that the others connect to. Flags or the launcher's environment say how many there are
and where. A lost process cannot be replaced: the others exit, and the run must be resumed from its newest checkpoint.

JAX is imported only where needed, because most runs have one process and check their options first.
"""

import contextlib
import ctypes
import glob
import importlib.util
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

# Seconds without a heartbeat after which a process counts as lost: the others exit well within a minute.
LOST_AFTER = 30
# Exit status of a process after another was lost: EX_TEMPFAIL of sysexits.h, "try again".
LOST_STATUS = 75

_START_WITHIN = 300  # default number of seconds in which all processes must start
_LEAVE_WITHIN = 10  # seconds for which processes that exit with an error wait for each other
_POLL = 1.0

START_WITHIN_HELP = f"Seconds in which all processes must have started (default: {_START_WITHIN})."

_AGAIN = "Start the same command again on every host: training resumes from its newest checkpoint."
_ALONE = "--num_processes=1 makes this a run of one process, whatever started it"


class Start(NamedTuple):
    """How to join a run of several processes.

    Attributes:
        address: HOST:PORT of process 0; None = detected by JAX, as for `count` and `index`.
        count: number of processes.
        index: number of this process, from 0.
        found_by: where these values come from, for messages.
        within: seconds in which all processes must start.
    """

    address: str | None
    count: int | None
    index: int | None
    found_by: str
    within: int = _START_WITHIN


def start_of(
    address: str | None,
    count: int | None,
    index: int | None,
    within: int | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Start | None:
    """How this process joins a run: from flags if given, else from the environment; None = it is the only process.

    Args:
        address, count, index, within: --coordinator_address, --num_processes, --process_id, --start_within.
        environment: environment variables, in which launchers describe the processes they started.

    Raises:
        ValueError: flags are missing or invalid, or the environment lacks a required package.
    """
    within = _START_WITHIN if within is None else within
    given = {"--coordinator_address": address, "--num_processes": count, "--process_id": index}
    if count == 1 and address is None and index in (None, 0):
        return None
    if all(value is None for value in given.values()):
        found = _found(environment)
        return found and found._replace(within=within)
    missing = [flag for flag, value in given.items() if value is None]
    if missing:
        raise ValueError(f"{' and '.join(missing)} missing: a run of several processes requires {', '.join(given)}")
    assert address is not None and count is not None and index is not None
    _check(address, count, index)
    return Start(address, count, index, "flags", within) if count > 1 else None


def _check(address: str, count: int, index: int) -> None:
    """Raises ValueError for invalid flags."""
    problems = []
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        problems.append(f"--coordinator_address={address} must be HOST:PORT of process 0, such as 10.0.0.1:12345")
    if count < 1:
        problems.append(f"--num_processes={count} must be 1 or more")
    elif not 0 <= index < count:
        problems.append(f"--process_id={index} must be from 0 to {count - 1}, with --num_processes={count}")
    if problems:
        raise ValueError("; ".join(problems))


def _found(environment: Mapping[str, str]) -> Start | None:
    """The launcher whose processes JAX can detect: a Slurm step, Open MPI, a TPU or an indexed Kubernetes Job."""
    if count := _number(environment, "SLURM_STEP_NUM_TASKS") if "SLURM_JOB_ID" in environment else None:
        # Without srun there is no step: a plain process runs alone, however large its allocation.
        return Start(None, count, None, "Slurm") if count > 1 else None
    if count := _number(environment, "OMPI_COMM_WORLD_SIZE"):
        return Start(None, count, None, "Open MPI") if count > 1 else None
    if _several_on_tpu(environment):
        return Start(None, None, None, "the TPU")
    if "KUBERNETES_SERVICE_HOST" in environment and "JOB_COMPLETION_INDEX" in environment:
        if importlib.util.find_spec("kubernetes") is None:
            raise ValueError(
                "this is an indexed Kubernetes Job: pip install -e '.[kubernetes]' so that its pods can find each "
                f"other, or set --coordinator_address, --num_processes and --process_id; {_ALONE}"
            )
        return Start(None, None, None, "Kubernetes")
    return None


def _number(environment: Mapping[str, str], name: str) -> int | None:
    value = environment.get(name, "")
    return int(value) if value.isdecimal() else None


def _several_on_tpu(environment: Mapping[str, str]) -> bool:
    """Whether this host has, or may have, a part of a TPU; without a variable JAX queries Google's metadata server."""
    hosts = environment.get("TPU_PROCESS_ADDRESSES", environment.get("TPU_WORKER_HOSTNAMES"))
    if hosts is not None:
        return "," in hosts or (_number(environment, "MEGASCALE_NUM_SLICES") or 1) > 1
    chips = glob.glob("/dev/accel[0-9]*") + glob.glob("/dev/vfio/[0-9]*")
    return bool(chips) and "TPU_SKIP_MDS_QUERY" not in environment and importlib.util.find_spec("libtpu") is not None


@contextlib.contextmanager
def together(start: Start | None) -> Iterator[None]:
    """Runs the block as one of several processes, or as the only one if `start` is None. Enter it before using JAX.

    Only process 0 prints. A process that fails exits at once without waiting for the others; they then report that a
    process was lost and exit with LOST_STATUS.

    Raises:
        ValueError: the processes could not connect.
    """
    if start is None:
        yield
        return
    import jax

    from edgeconnect_jax.parallel import devices as parallel

    if start.address is not None and start.index:
        _wait_for(start.address, start.within)
    watch = _Watch(start)
    _initialize(start)
    watch.joined(parallel.process_index(), parallel.process_count())
    try:
        parallel.meet()
        with contextlib.nullcontext() if parallel.is_first() else _silence():
            yield
            parallel.wait_for_all("the end")
    except BaseException as error:
        watch.leaving(_status(error))
        _leave(error)
    jax.distributed.shutdown()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def _initialize(start: Start) -> None:
    import jax

    try:
        jax.distributed.initialize(
            start.address,
            start.count,
            start.index,
            cluster_detection_method="deactivate" if start.address else None,
            initialization_timeout=start.within,
            heartbeat_timeout_seconds=LOST_AFTER,
            shutdown_timeout_seconds=_LEAVE_WITHIN,
        )
    except Exception as error:
        where = "" if start.address is None else f" at {start.address}"
        raise ValueError(
            f"the processes found by {start.found_by} could not start together{where}: {error}\n"
            f"Is another program using the port? {_ALONE}"
        ) from error


def _wait_for(address: str, within: int) -> None:
    """Waits until something listens at `address`; raises ValueError if nothing does in time."""
    host, _, port = address.rpartition(":")
    until, reason = time.monotonic() + within, "no time"
    while time.monotonic() < until:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_POLL).close()
            return
        except OSError as error:  # process 0 may not listen yet, or its host name may not resolve yet
            reason = str(error)
            time.sleep(_POLL)
    raise ValueError(
        f"--coordinator_address={address} cannot be reached within {within} s ({reason}): it must be the "
        "host of process 0, started with the same command, and a free port there that the other hosts can reach"
    )


class _Watch:
    """Reports why JAX's service ends this process, which it does by calling abort() from a thread of its own.

    The signal handler must be a C function: Python only records a signal and runs its handlers later, when abort() has
    already ended the process.
    """

    def __init__(self, start: Start):
        self._text = (
            f"Not all processes started within {start.within} s (found by {start.found_by}"
            f"{f', {start.count} at {start.address}' if start.address else ''}). Start all of them with the same "
            "command except for --process_id, or check why the others exited.\n"
        )
        self._status = LOST_STATUS
        # Keep a reference: C must not call a function that Python has freed.
        self._handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(self._end)
        set_handler: Callable = ctypes.CDLL(None).signal
        set_handler(int(signal.SIGABRT), self._handler)

    def joined(self, index: int, count: int) -> None:
        """Marks the processes as connected: an abort now means that another process was lost."""
        self._text = (
            f"Process {index} of {count} exits: another process was lost or is unreachable (it was killed, failed "
            f"with an error of its own, or its host or the network is down). {_AGAIN}\n"
        )

    def leaving(self, status: int) -> None:
        """Marks this process as exiting on its own with `status`."""
        self._text, self._status = "", status

    def _end(self, _: int) -> None:
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, self._text.encode())
        os._exit(self._status)


def _status(error: BaseException) -> int:
    """The exit status that Python would use."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 128 + signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1


def _leave(error: BaseException) -> None:
    """Exits because of `error`, without Python's shutdown, which would wait for processes that wait for this one."""
    import jax

    if isinstance(error, SystemExit):
        if error.code is not None and not isinstance(error.code, int):
            print(error.code, file=sys.stderr)
    else:
        traceback.print_exception(error)
        print(f"The other processes will exit, too. {_AGAIN}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    # If all processes fail, wait briefly so that each of them can print its error.
    with contextlib.suppress(Exception):
        jax.distributed.shutdown()
    os._exit(_status(error))
