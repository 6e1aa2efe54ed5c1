"""Compares this code with golden numbers of a system's original implementation.

python benchmarks/check_golden.py --golden DIR --examples DIR [--system edgeconnect] [--seed N]

Prints every comparison with its error and its bound. Exits with 1 if one fails, and with 2 if a file is missing or
corrupted. What is compared is up to the system: `compare` in benchmarks/parity/SYSTEM/golden.py.
"""

import argparse
import importlib
import pathlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks import parity
from benchmarks.parity.comparison import KINKS, Comparison, report, worst
from edgeconnect_jax.systems import DEFAULT

# (folder of golden numbers, folder of pictures, seed of the reference weights or None) -> comparisons, part by part.
Compare = Callable[[pathlib.Path, pathlib.Path, int | None], Iterator[list[Comparison]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `arguments` None = those of this process."""
    options = _parser().parse_args(arguments)
    failed = compared = kinks = 0
    try:
        for part in comparisons_of(options.system)(options.golden, options.examples, options.seed):
            shown = worst(part) if options.brief else part
            report(shown)
            compared, failed = compared + len(part), failed + sum(not c.passed for c in part)
            kinks += sum(c.passed and not c.within_bound for c in part)
    except (ValueError, OSError) as error:
        print(f"check_golden: error: {error}", file=sys.stderr)
        return 2
    if kinks:
        print(f"\n{KINKS}")
    print(f"\n{compared} comparisons, {kinks} with a kink, {failed} failed")
    return 1 if failed else 0


def systems() -> list[str]:
    """The names of the systems that have golden comparisons: the folders of benchmarks/parity."""
    return sorted(found.name for found in pkgutil.iter_modules(parity.__path__) if found.ispkg)


def comparisons_of(system: str) -> Compare:
    """The comparisons of a system, one of `systems()`."""
    return importlib.import_module(f"benchmarks.parity.{system}.golden").compare


def _parser() -> argparse.ArgumentParser:
    description = "Compares this code with golden numbers of a system's original implementation."
    parser = argparse.ArgumentParser(prog="python benchmarks/check_golden.py", description=description)
    add = parser.add_argument
    add("--golden", required=True, type=pathlib.Path, help="folder of the golden numbers")
    add("--examples", required=True, type=pathlib.Path, help="folder of the pictures that they were computed from")
    add("--system", choices=systems(), default=DEFAULT, help=f"whose numbers they are (default: {DEFAULT})")
    add("--seed", type=int, help="of the reference weights that the numbers were computed with (default: the system's)")
    add("--brief", action="store_true", help="print only the failures and the largest error of each group")
    return parser


if __name__ == "__main__":
    sys.exit(main())
