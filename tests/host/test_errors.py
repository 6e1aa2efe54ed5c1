"""Commands report what a user can resolve in one message, and leave a traceback to everything else."""

import numpy as np
import pytest

from configs import default
from edgeconnect_jax.configuration import stages
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.data.reader import Partner
from edgeconnect_jax.host import errors
from edgeconnect_jax.images import files


def raising(error: BaseException):
    def work() -> int:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (ValueError("too small"), errors.FAILED, "draw: error: too small\n"),
        (FileNotFoundError(2, "No such file", "a.png"), errors.FAILED, "a.png"),
        (errors.NotSavedError("the disk is full"), 1, "draw: error: the disk is full\n"),
        (errors.Interrupted("saved", 15), 143, "draw: saved\n"),
        (KeyboardInterrupt(), errors.INTERRUPTED, "draw: interrupted\n"),
    ],
)
def test_an_error_becomes_a_message_and_a_status(capsys, error, status, message):
    assert errors.run_command("draw", raising(error)) == status
    assert message in capsys.readouterr().err


def test_the_status_is_that_of_the_work():
    assert errors.run_command("draw", lambda: 3) == 3
    assert errors.run_command("draw", lambda: None) == 0


def test_other_errors_keep_their_traceback():
    with pytest.raises(KeyError):
        errors.run_command("draw", raising(KeyError("bug")))
    with pytest.raises(ValueError, match="bug"):
        errors.run_command("draw", raising(ValueError("bug")), expected=lambda error: False)


def staged(*added):
    config = default.get_config()
    config.stages = added
    return config


MASKS = Partner("mask", "mask", "folder", "masks.train", 'masks.kind="paired"')


@pytest.mark.parametrize(
    ("raised", "here"),
    [
        (lambda: stages.stage_configs(staged(("a", {}), ("a", {}))), True),
        (lambda: pipeline._check_comes_with("set", MASKS), True),  # a `raise` of several lines
        (lambda: stages.stage_configs(staged(("a", {}, {}))), False),  # fails to unpack
        (lambda: files.resize_bilinear(np.zeros((4, 4), np.uint8), -1, 8), False),  # fails in another package
    ],
)
def test_only_a_raise_of_the_package_itself_counts_as_raised_here(raised, here):
    with pytest.raises(ValueError) as error:
        raised()
    assert errors.raised_here(error.value) == here
