"""Filled pictures at full width against those of the PyTorch original."""

import pathlib

import jax
import numpy as np
import pytest
import skimage.data

from benchmarks.parity.edgeconnect import golden_inference
from edgeconnect_jax.layers.algorithms import direct_only
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter

DATA = pathlib.Path(__file__).parents[3] / "data"
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


@pytest.mark.parametrize("hole", ["none", "all", "border", "corner"])
@pytest.mark.parametrize("kind", ["noise", "flat", "photograph"])
def test_canny_is_scikit_images_on_odd_pictures(kind, hole, rng):
    image = {
        "noise": rng.integers(0, 256, (37, 50, 3), np.uint8),
        "flat": np.full((16, 23, 3), 200, np.uint8),
        "photograph": skimage.data.chelsea()[:101, 150:263],
    }[kind]
    mask = np.zeros(image.shape[:2], bool)
    mask[{"none": np.s_[:0], "all": np.s_[:], "border": np.s_[:, -5:], "corner": np.s_[:9, :9]}[hole]] = True
    compared = golden_inference.compare_canny({kind: golden_inference.Example(image, mask)})
    assert all(c.error == 0 for c in compared)


def test_float32_is_multiplied_in_all_its_digits(weights, monkeypatch):
    """On GPUs and TPUs the default is fewer; on a CPU only the program tells."""
    programs = []
    with direct_only():
        inpainter = Inpainter(weights)
        monkeypatch.setattr(jax.stages.Lowered, "compile", lambda lowered: programs.append(lowered.as_text()))
        inpainter.warm_up(16, 16)
    # 20 convolutions and 2 transposed ones in both networks; each has two operands.
    assert programs[0].count("stablehlo.convolution(") == 2 * (20 + 2)
    assert programs[0].count("precision HIGHEST") == 2 * programs[0].count("stablehlo.convolution(")


def test_edges_and_colours_are_the_originals(arrays, examples, weights):
    compared = list(golden_inference.compare_arrays(arrays, examples, weights))
    assert len(compared) == 2 * 5
    assert not [c for c in compared if not c.within_bound]


def test_files_are_the_originals(weights):
    compared = list(golden_inference.compare_files(GOLDEN, EXAMPLES, weights))
    assert len(compared) == 2 * 2 * 3
    assert not [c for c in compared if not c.within_bound]


def test_arrays_of_other_pictures_are_refused(arrays, examples, weights):
    with pytest.raises(ValueError, match="no example picture synthetic_02"):
        list(golden_inference.compare_arrays(arrays, {"synthetic_01": examples["synthetic_01"]}, weights))
