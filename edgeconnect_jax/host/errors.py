"""Why a run ended before its last step. `main.py` tells the message and exits with the status."""


class Ended(Exception):
    """A run ended early, for a reason that its message tells a user in full: no traceback is wanted.

    Attributes:
        status: what the command exits with.
    """

    status = 1


class NotSavedError(Ended):
    """A file of a run could not be written. What was written before is as it was."""


class NotFiniteError(Ended):
    """A loss or a state of training is not finite. Nothing of it was saved."""


class Interrupted(Ended):
    """A signal asked the run to end; what was done until then is saved."""

    def __init__(self, message: str, signal_number: int):
        """`signal_number` makes the status: 128 and that number, as shells report of what a signal ended."""
        super().__init__(message)
        self.status = 128 + signal_number
