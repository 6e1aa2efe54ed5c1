"""How a command ends early: errors that a user can resolve, and one way to report them."""

import contextlib
import pathlib
import sys
import traceback
from collections.abc import Callable

FAILED = 2  # exit status after an error that the user can resolve
INTERRUPTED = 130  # what shells report of a process that Ctrl-C ended


class Ended(Exception):
    """A run ended early, for a reason that its message explains in full: no traceback is wanted.

    Attributes:
        status: the command's exit status.
    """

    status = 1


class NotSavedError(Ended):
    """A file of a run could not be written. Whatever was written before is unchanged."""


class NotFiniteError(Ended):
    """A loss or a state of training is not finite. Nothing of it was saved."""


class Interrupted(Ended):
    """A signal asked the run to end; everything up to then is saved."""

    def __init__(self, message: str, signal_number: int):
        """`signal_number` gives the status: 128 plus that number, as shells report a process that a signal ended."""
        super().__init__(message)
        self.status = 128 + signal_number


def run_command(
    name: str,
    work: Callable[[], int | None],
    *,
    refusals: tuple[type[Exception], ...] = (ValueError, OSError),
    expected: Callable[[Exception], bool] = lambda error: True,
    interrupted: str = "interrupted",
) -> int:
    """Runs a command, and reports what a user can resolve in one message on stderr, without a traceback.

    Args:
        name: of the command, which begins the message.
        work: does everything; returns the exit status, None for 0.
        refusals: exceptions whose message is for the user.
        expected: whether one of them is, where its type alone does not tell; others keep their traceback.
        interrupted: what Ctrl-C leaves behind.

    Returns:
        The exit status: that of `work`, of `Ended`, FAILED, or INTERRUPTED.
    """
    try:
        return work() or 0
    except Ended as end:
        report(name, end, kind="" if isinstance(end, Interrupted) else "error")
        return end.status
    except refusals as error:
        if not expected(error):
            raise
        report(name, error)
        return FAILED
    except KeyboardInterrupt:
        report(name, interrupted, kind="")
        return INTERRUPTED


def raised_here(error: Exception) -> bool:
    """Whether a `raise` of this package made the error, which then says what to change; any other is a bug."""
    origin = traceback.extract_tb(error.__traceback__)[-1]
    package = pathlib.Path(__file__).parents[1]
    return package in pathlib.Path(origin.filename).parents and (origin.line or "").startswith("raise ")


def report(name: str, message: object, kind: str = "error") -> None:
    """Prints "NAME: KIND: MESSAGE" on stderr, where there still is one."""
    with contextlib.suppress(BrokenPipeError):
        print(f"{name}: {f'{kind}: ' if kind else ''}{message}", file=sys.stderr)
