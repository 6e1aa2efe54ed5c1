"""Errors that a user can resolve, and how commands report them."""

import contextlib
import pathlib
import sys
import traceback
from collections.abc import Callable

FAILED = 2  # exit status after an error that the user can resolve
INTERRUPTED = 130  # the status that shells report for a process ended by Ctrl-C


class Ended(Exception):
    """A run ended early for a reason that its message explains in full, without a traceback.

    Attributes:
        status: the command's exit status.
    """

    status = 1


class NotSavedError(Ended):
    """A file of a run could not be written. Files written before are unchanged."""


class NotFiniteError(Ended):
    """A loss or the training state is not finite. That step was not saved."""


class Interrupted(Ended):
    """A signal stopped the run; all progress was saved."""

    def __init__(self, message: str, signal_number: int):
        """Sets the status to 128 + `signal_number`, the shell's convention for a process ended by a signal."""
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
    """Runs a command and reports errors that the user can resolve on stderr, in one message without a traceback.

    Args:
        name: name of the command, with which the message starts.
        work: the command itself; returns the exit status, None for 0.
        refusals: types of exceptions whose message is meant for the user.
        expected: narrows `refusals` by the exception itself; exceptions it rejects keep their traceback.
        interrupted: message after Ctrl-C.

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
    """Whether this package raised the error itself, with a message for the user; any other error is a bug."""
    origin = traceback.extract_tb(error.__traceback__)[-1]
    package = pathlib.Path(__file__).parents[1]
    return package in pathlib.Path(origin.filename).parents and (origin.line or "").startswith("raise ")


def report(name: str, message: object, kind: str = "error") -> None:
    """Prints "NAME: KIND: MESSAGE" on stderr, unless stderr is closed."""
    with contextlib.suppress(BrokenPipeError):
        print(f"{name}: {f'{kind}: ' if kind else ''}{message}", file=sys.stderr)
