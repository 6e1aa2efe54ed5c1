"""Options and types for argparse that several commands share."""

import argparse
import math
from collections.abc import Callable, Sequence
from typing import Any

# `--checkpoint`
CHECKPOINT: dict[str, Any] = {
    "nargs": "+",
    "required": True,
    "metavar": "C",
    "help": "checkpoints or workdirs; each network comes from the last that holds it",
}

DTYPES = ("float32", "bfloat16")  # arithmetic of networks that fill, export or serve


def whole(lowest: int = 0, highest: float = math.inf) -> Callable[[str], int]:
    """The argparse type of integers from `lowest` to `highest`."""

    def number(text: str) -> int:
        value = int(text)
        if not lowest <= value <= highest:
            wanted = f"{lowest} or more" if highest == math.inf else f"from {lowest} to {highest}"
            raise argparse.ArgumentTypeError(f"{value} must be {wanted}")
        return value

    return number


def between(low: float, high: float, *, included: bool) -> Callable[[str], float]:
    """The argparse type of finite numbers between two bounds; `included` says whether `low` itself is allowed."""

    def number(text: str) -> float:
        value = float(text)
        if not (low < value < high or (included and value == low)):
            lower = f"{low:g} or more" if included else f"greater than {low:g}"
            upper = "finite" if math.isinf(high) else f"less than {high:g}"
            raise argparse.ArgumentTypeError(f"{text} must be {lower} and {upper}")
        return value

    return number


def early(arguments: Sequence[str], name: str, default: str) -> str:
    """The value of --NAME on a command line, read before parsing because it determines the other options."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(f"--{name}", default=default, dest="value")
    return parser.parse_known_args(arguments)[0].value
