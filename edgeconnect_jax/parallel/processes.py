"""How several processes find one another, and how they end. The only file that names JAX's distributed service.

Process 0 also runs the service that the others connect to. Who they are is told by flags, or by what started them. A
process that is lost cannot be replaced: the others end, and the run is started again from its newest checkpoint.

JAX is imported where it is needed, for most runs have one process and check their options before that.
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

# Seconds without a sign of life after which a process counts as lost: the others end well within a minute.
LOST_AFTER = 30
# Status of a process that ends because another was lost: that of EX_TEMPFAIL in sysexits.h, "try again".
LOST_STATUS = 75

_START_WITHIN = 300  # seconds in which all processes must have come, if the flag does not say
_LEAVE_WITHIN = 10  # seconds in which those that end with an error wait for one another
_POLL = 1.0

START_WITHIN_HELP = f"Seconds in which all processes must have started (default: {_START_WITHIN})."

_AGAIN = "Start the same command again on every host: training goes on from its newest checkpoint."
_ALONE = "--num_processes=1 makes this a run of one process, whatever started it"


class Start(NamedTuple):
    """How to join a run of several processes.

    Attributes:
        address: HOST:PORT of process 0; None = as JAX finds it, and so with the others.
        count: how many processes there are.
        index: which this one is.
        found_by: what told it.
        within: seconds in which all must have come.
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
    """How this process starts: from flags if there are any, else from the environment; None = by itself.

    Args:
        address, count, index, within: --coordinator_address, --num_processes, --process_id, --start_within.
        environment: variables in which launchers say what they started.

    Raises:
        ValueError: flags that do not go together, or an environment that lacks something.
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
        raise ValueError(f"{' and '.join(missing)} missing: a run of several processes takes {', '.join(given)}")
    assert address is not None and count is not None and index is not None
    _check(address, count, index)
    return Start(address, count, index, "flags", within) if count > 1 else None


def _check(address: str, count: int, index: int) -> None:
    """Raises ValueError for flags that cannot be."""
    problems = []
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        problems.append(f"--coordinator_address={address} must be HOST:PORT, where process 0 runs, as 10.0.0.1:12345")
    if count < 1:
        problems.append(f"--num_processes={count} must be 1 or more")
    elif not 0 <= index < count:
        problems.append(f"--process_id={index} must be from 0 to {count - 1}, with --num_processes={count}")
    if problems:
        raise ValueError("; ".join(problems))


def _found(environment: Mapping[str, str]) -> Start | None:
    """What JAX can find the processes by: those of a step of Slurm, of Open MPI, of a TPU, of an indexed Job."""
    if count := _number(environment, "SLURM_STEP_NUM_TASKS") if "SLURM_JOB_ID" in environment else None:
        # Without srun there is no step: a plain process in an allocation, however large, is by itself.
        return Start(None, count, None, "Slurm") if count > 1 else None
    if count := _number(environment, "OMPI_COMM_WORLD_SIZE"):
        return Start(None, count, None, "Open MPI") if count > 1 else None
    if _several_on_tpu(environment):
        return Start(None, None, None, "the TPU")
    if "KUBERNETES_SERVICE_HOST" in environment and "JOB_COMPLETION_INDEX" in environment:
        if importlib.util.find_spec("kubernetes") is None:
            raise ValueError(
                "an indexed Job of Kubernetes: pip install -e '.[kubernetes]' lets its pods find one another, "
                f"or give --coordinator_address, --num_processes and --process_id; {_ALONE}"
            )
        return Start(None, None, None, "Kubernetes")
    return None


def _number(environment: Mapping[str, str], name: str) -> int | None:
    value = environment.get(name, "")
    return int(value) if value.isdecimal() else None


def _several_on_tpu(environment: Mapping[str, str]) -> bool:
    """Whether this host has a part of a TPU, or may have: where no variable tells, JAX asks Google's metadata."""
    hosts = environment.get("TPU_PROCESS_ADDRESSES", environment.get("TPU_WORKER_HOSTNAMES"))
    if hosts is not None:
        return "," in hosts or (_number(environment, "MEGASCALE_NUM_SLICES") or 1) > 1
    chips = glob.glob("/dev/accel[0-9]*") + glob.glob("/dev/vfio/[0-9]*")
    return bool(chips) and "TPU_SKIP_MDS_QUERY" not in environment and importlib.util.find_spec("libtpu") is not None


@contextlib.contextmanager
def together(start: Start | None) -> Iterator[None]:
    """Runs the block as one of several processes; before any use of JAX. With None, as the only one.

    Only process 0 prints. A process that fails ends at once, without waiting for others, which then end too; they say
    that a process was lost, and end with LOST_STATUS.

    Raises:
        ValueError: the processes did not find one another.
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
    """Returns when something listens at `address`; raises ValueError when nothing does in time."""
    host, _, port = address.rpartition(":")
    until, reason = time.monotonic() + within, "no time"
    while time.monotonic() < until:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_POLL).close()
            return
        except OSError as error:  # process 0 may not have come so far, or its name may not be known yet
            reason = str(error)
            time.sleep(_POLL)
    raise ValueError(
        f"--coordinator_address={address} cannot be reached within {within} s ({reason}): it must be a name and a free "
        "port of the host of process 0, which is started with the same command, and open to the other hosts"
    )


class _Watch:
    """Says in words why JAX's service ends this process, which it does by abort(), from a thread of its own.

    Python's handlers of signals run too late for that: abort() ends the process when they have only been noted. So the
    handler is C's own.
    """

    def __init__(self, start: Start):
        self._text = (
            f"Not all processes came within {start.within} s (found by {start.found_by}"
            f"{f', {start.count} at {start.address}' if start.address else ''}). Start all of them with the same "
            "command but for --process_id, or look at what ended the others.\n"
        )
        self._status = LOST_STATUS
        # Kept, for C would call what Python has thrown away.
        self._handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(self._end)
        set_handler: Callable = ctypes.CDLL(None).signal
        set_handler(int(signal.SIGABRT), self._handler)

    def joined(self, index: int, count: int) -> None:
        """From now on an abort means that another process was lost."""
        self._text = (
            f"Process {index} of {count} ends: another process was lost, or cannot be reached any more (it was killed, "
            f"ended with an error of its own, or its host or the network is down). {_AGAIN}\n"
        )

    def leaving(self, status: int) -> None:
        """From now on this process ends by itself, with `status`."""
        self._text, self._status = "", status

    def _end(self, _: int) -> None:
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, self._text.encode())
        os._exit(self._status)


def _status(error: BaseException) -> int:
    """The exit status that Python would give."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 128 + signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1


def _leave(error: BaseException) -> None:
    """Ends this process by what it failed with: Python's own way out would wait for the others, which wait for it."""
    import jax

    if isinstance(error, SystemExit):
        if error.code is not None and not isinstance(error.code, int):
            print(error.code, file=sys.stderr)
    else:
        traceback.print_exception(error)
        print(f"The other processes end, too. {_AGAIN}", file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    # Where all end alike they wait a moment for one another, so that each can say what it has to say.
    with contextlib.suppress(Exception):
        jax.distributed.shutdown()
    os._exit(_status(error))
