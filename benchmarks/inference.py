"""Filling with both generators: this code beside the PyTorch statement of the original, in turns.

python benchmarks/inference.py [--sizes 256 512] [--batches 1 4] [--dtype bfloat16] [--json FILE] [--plot FILE.png]

Each side has a process of its own and the same number of threads, weights and pictures. PyTorch runs eager, without
gradients, contiguous and channels_last; the faster counts. In bfloat16 it runs under autocast. The outputs are compared
before anything is timed: exits with 1 when they differ by more than 5e-5 in float32. The peak memory is that of each
side's process, compiling included. "of the peak" divides the operations of direct convolutions by the time and by the
measured rate of matrix products: over 100% when an algorithm does with fewer operations.
"""

import argparse
import itertools
import pathlib
import sys
from collections.abc import Sequence

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks.measuring import rows, turns
from benchmarks.sides.edgeconnect.cases import FILL, Case

_NAME = pathlib.Path(__file__).name
_DESCRIPTION = "Filling with both generators: this code beside the PyTorch statement of the original, in turns."
_DEFAULTS = ((256, 1), (256, 4), (512, 1))  # side and batch


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `arguments` None = those of this process."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    try:
        turns.check(options)
        done = turns.measure_all(_cases(options), options, rows.command_line(_NAME, arguments))
        if options.plot:
            from benchmarks.measuring import plot

            plot.write(options.plot, done)
    except (ValueError, RuntimeError) as error:
        print(f"inference: error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = turns.parser(_NAME, _DESCRIPTION)
    add = parser.add_argument
    add("--sizes", type=int, nargs="+", help="sides of the pictures, multiples of 4 (default: 256 512)")
    add("--batches", type=int, nargs="+", help="pictures at once, for each size (default: 1, and 4 at 256)")
    add("--plot", type=pathlib.Path, metavar="FILE.png", help="draw seconds per picture against pixels")
    return parser


def _cases(options: argparse.Namespace) -> list[Case]:
    pairs = _DEFAULTS
    if options.sizes or options.batches:
        pairs = tuple(itertools.product(options.sizes or (256, 512), options.batches or (1,)))
    if any(side < 16 or side % 4 for side, _ in pairs):
        raise ValueError("--sizes must be multiples of 4, at least 16")
    sizes = (options.features, options.residual_blocks, options.dtype)
    return [Case(FILL, side, batch, *sizes) for side, batch in pairs]


if __name__ == "__main__":
    sys.exit(main())
