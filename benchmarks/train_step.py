"""Training steps of each stage: this code beside the PyTorch statement of the original, in turns.

python benchmarks/train_step.py [--stages edge edge_inpaint] [--size 128] [--batch 4] [--dtype bfloat16] [--json FILE]

Ours is the step of the training loop, mapped and with donated state; PyTorch's is eager, contiguous and channels_last,
of which the faster counts; in bfloat16 its networks run under autocast. Both start from the same weights (VGG19's are
random), see the same synthetic batch, and have a process and the same number of threads each. The losses of the first
step are compared before anything is timed: exits with 1 when one differs by more than 1e-4 in float32 (5e-2 on an
accelerator, which multiplies float32 in fewer digits by default).
"""

import argparse
import pathlib
import sys
from collections.abc import Sequence

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks.measuring import rows, turns
from benchmarks.sides.edgeconnect.cases import STAGES, Case

_NAME = pathlib.Path(__file__).name
_DESCRIPTION = "Training steps of each stage: this code beside the PyTorch statement of the original, in turns."
_SMALLEST = 32  # what the discriminators need


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `arguments` None = those of this process."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    try:
        turns.check(options)
        turns.measure_all(_cases(options), options, rows.command_line(_NAME, arguments))
    except (ValueError, RuntimeError) as error:
        print(f"train_step: error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = turns.parser(_NAME, _DESCRIPTION)
    add = parser.add_argument
    add("--stages", nargs="+", choices=STAGES, default=STAGES, help="of training (default: all)")
    add("--size", type=int, default=128, help="side of the pictures, a multiple of 4 (default: 128)")
    add("--batch", type=int, default=4, help="pictures a step (default: 4)")
    add("--without_vgg", action="store_true", help="leave the content and style losses out")
    return parser


def _cases(options: argparse.Namespace) -> list[Case]:
    if options.size < _SMALLEST or options.size % 4:
        raise ValueError(f"--size must be a multiple of 4, at least {_SMALLEST}")
    sizes = (options.features, options.residual_blocks, options.dtype)
    return [Case(stage, options.size, options.batch, *sizes, not options.without_vgg) for stage in options.stages]


if __name__ == "__main__":
    sys.exit(main())
