"""All golden comparisons of EdgeConnect: edges, filled pictures and training steps.

A golden folder holds inference/ (see `golden_inference`) and train_steps.npz (see `golden_training`). With PyTorch
installed, this code is also compared with the statement of the original in `torch_networks` and `torch_training`.
"""

import importlib.util
import pathlib
from collections.abc import Iterator

from benchmarks.parity.comparison import Comparison, read_arrays
from benchmarks.parity.edgeconnect import golden_inference, golden_training
from benchmarks.parity.edgeconnect.reference_weights import SEED


def compare(golden: pathlib.Path, examples: pathlib.Path, seed: int | None = None) -> Iterator[list[Comparison]]:
    """Yields the comparisons part by part, each as soon as it is computed.

    Args:
        golden: folder of the golden numbers.
        examples: folder with images/ and masks/.
        seed: of the reference weights that the numbers were computed with; None = SEED.

    Raises:
        ValueError: a file is corrupted, or lacks something.
        OSError: a file is missing.
    """
    seed = SEED if seed is None else seed
    inference, training = golden / "inference", golden_training.read(golden / "train_steps.npz")
    pictures = golden_inference.read_examples(examples)
    expected = read_arrays(inference / "arrays.npz")
    weights = golden_inference.reference_weights(seed)
    yield list(golden_inference.compare_canny(pictures))
    yield list(golden_inference.compare_arrays(expected, pictures, weights))
    yield list(golden_inference.compare_files(inference, examples, weights))
    for run, steps in golden_training.runs_in(training).items():
        task, state = golden_training.initial_state(golden_training.config_of(run), seed)
        yield list(golden_training.compare(run, training, golden_training.take_steps(task, state, training, steps)))
    if importlib.util.find_spec("torch") is None:
        print("PyTorch is not installed: comparisons with its statement of the networks are skipped")
        return
    from benchmarks.parity.edgeconnect import statement

    yield list(statement.compare_filling(pictures, weights, seed))
    for run in statement.RUNS:
        yield list(statement.compare_steps(run, golden_training.batch_of(training), seed))
