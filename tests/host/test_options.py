"""Options that several commands share."""

import argparse
import math

import pytest

from edgeconnect_jax.host import options


@pytest.mark.parametrize("arguments", [["--a", "1", "--system", "other"], ["--system=other", "-x"], []])
def test_one_option_is_known_before_the_others(arguments):
    assert options.early(arguments, "system", "usual") == ("other" if arguments else "usual")


def test_whole_numbers_have_bounds():
    assert options.whole(1)("3") == 3 and options.whole(0, 4)("4") == 4
    with pytest.raises(argparse.ArgumentTypeError, match="0 must be 1 or more"):
        options.whole(1)("0")
    with pytest.raises(argparse.ArgumentTypeError, match="5 must be from 0 to 4"):
        options.whole(0, 4)("5")


def test_numbers_between_bounds_are_finite():
    assert options.between(0, 1, included=True)("0") == 0
    for text, included in (("0", False), ("1", True), ("nan", True)):
        with pytest.raises(argparse.ArgumentTypeError, match=f"{text} must be"):
            options.between(0, 1, included=included)(text)
    with pytest.raises(argparse.ArgumentTypeError, match="inf must be greater than 0 and finite"):
        options.between(0, math.inf, included=False)("inf")
