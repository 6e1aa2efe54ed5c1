"""Compares this code with golden numbers of the PyTorch original.

python benchmarks/check_golden.py --golden DIR --examples DIR [--seed N]

Prints every comparison with its error and its bound, and exits with 1 when one fails, with 2 when a file is missing or
damaged. With PyTorch installed it also compares with the statement of the networks in benchmarks/.
"""

import argparse
import importlib.util
import pathlib
import sys
from collections.abc import Iterator, Sequence

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from benchmarks import golden_inference, golden_training
from benchmarks.comparison import KINKS, Comparison, read_arrays, report, worst
from benchmarks.reference_weights import SEED


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `arguments` None = those of this process."""
    options = _parser().parse_args(arguments)
    failed = compared = kinks = 0
    try:
        for part in _parts(options):
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


def _parser() -> argparse.ArgumentParser:
    description = "Compares this code with golden numbers of the PyTorch original."
    parser = argparse.ArgumentParser(prog="python benchmarks/check_golden.py", description=description)
    add = parser.add_argument
    add("--golden", required=True, type=pathlib.Path, help="folder with inference/ and train_steps.npz")
    add("--examples", required=True, type=pathlib.Path, help="folder with images/ and masks/")
    add("--seed", type=int, default=SEED, help=f"of the reference weights that made the numbers (default: {SEED})")
    add("--brief", action="store_true", help="print the failures and the furthest of each group only")
    return parser


def _parts(options: argparse.Namespace) -> Iterator[list[Comparison]]:
    """The comparisons in parts, each as soon as it is done."""
    inference, training = options.golden / "inference", golden_training.read(options.golden / "train_steps.npz")
    examples = golden_inference.read_examples(options.examples)
    expected = read_arrays(inference / "arrays.npz")
    weights = golden_inference.reference_weights(options.seed)
    yield list(golden_inference.compare_canny(examples))
    yield list(golden_inference.compare_arrays(expected, examples, weights))
    yield list(golden_inference.compare_files(inference, options.examples, weights))
    for run, steps in golden_training.runs_in(training).items():
        task, state = golden_training.initial_state(golden_training.config_of(run), options.seed)
        yield list(golden_training.compare(run, training, golden_training.take_steps(task, state, training, steps)))
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed: the comparisons with its statement of the networks are left out")
        return
    from benchmarks import statement

    yield list(statement.compare_filling(examples, weights, options.seed))
    for run in statement.RUNS:
        yield list(statement.compare_steps(run, golden_training.batch_of(training), options.seed))


if __name__ == "__main__":
    sys.exit(main())
