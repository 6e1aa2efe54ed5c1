"""Filled pictures at full width against those of the PyTorch original."""

import pathlib

import numpy as np
import pytest

from benchmarks import golden_inference

DATA = pathlib.Path(__file__).parents[1] / "data"
GOLDEN, EXAMPLES = DATA / "golden" / "inference", DATA / "examples"


@pytest.fixture(scope="module")
def weights():
    return golden_inference.reference_weights()


@pytest.fixture(scope="module")
def examples():
    return golden_inference.read_examples(EXAMPLES)


@pytest.fixture(scope="module")
def arrays():
    with np.load(GOLDEN / "arrays.npz") as loaded:
        return dict(loaded)


def test_canny_is_scikit_images(examples):
    compared = list(golden_inference.compare_canny(examples))
    assert len(compared) == len(examples) * len(golden_inference.SIGMAS) * 2
    assert all(c.error == 0 for c in compared)


def test_edges_and_colours_are_the_originals(arrays, examples, weights):
    compared = list(golden_inference.compare_arrays(arrays, examples, weights))
    assert len(compared) == 2 * 5
    assert not [c for c in compared if not c.within_bound]


def test_files_are_the_originals(weights):
    compared = list(golden_inference.compare_files(GOLDEN, EXAMPLES, weights))
    assert len(compared) == 2 * 2 * 3
    assert not [c for c in compared if not c.within_bound]


def test_arrays_of_other_pictures_are_refused(arrays, examples, weights):
    with pytest.raises(ValueError, match=r"example pictures \['synthetic_01'\]"):
        list(golden_inference.compare_arrays(arrays, {"synthetic_01": examples["synthetic_01"]}, weights))
