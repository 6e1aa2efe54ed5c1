"""Both sides of the benchmarks with narrow networks: they do the same, and neither drags in what it does not need."""

import subprocess
import sys

import numpy as np
import pytest

from benchmarks.sides import processes
from benchmarks.sides.edgeconnect import case_weights, cases, ours
from benchmarks.sides.edgeconnect.cases import FILL, Case
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter

NARROW = {"features": 4, "residual_blocks": 1}
# What a machine with a GPU need not have: only JAX, Flax, Optax, NumPy and ml_collections.
NOT_NEEDED = (
    *("array_record", "clu", "cv2", "grain", "matplotlib", "orbax", "PIL", "skimage", "sklearn", "tensorboardX"),
    *("tensorflow", "tensorflow_datasets", "tqdm"),
)


def test_ours_fills_as_the_inpainter_does():
    case = Case(FILL, 32, 2, **NARROW)
    arrays = case_weights.drawn(case)
    names = ("edge_generator", "inpaint_generator")
    variables = {name: case_weights.variables_of(name, arrays, case) for name in names}
    weights = checkpoints.Weights(variables, dict.fromkeys(names, NARROW))
    output, edges = Inpainter(weights).generate(**cases.synthetic_batch(case))
    found = ours.Filling(case, arrays).run()
    np.testing.assert_array_equal(found["output"], output)
    np.testing.assert_array_equal(found["edges"][..., 0], edges)
    assert 0.05 < np.std(output) < 0.5


@pytest.mark.oracles
@pytest.mark.parametrize(("task", "dtype"), [(FILL, "float32"), ("edge", "bfloat16")])
def test_both_sides_do_the_same(task, dtype):
    theirs = pytest.importorskip("benchmarks.sides.edgeconnect.theirs")
    case = Case(task, 32, 2, **NARROW, dtype=dtype, vgg=False)
    weights = case_weights.drawn(case)
    side, other = ours.create(case, weights), theirs.create(case, weights, "channels_last", "cpu")
    found, expected = side.run(), {name: theirs.to_numpy(x) for name, x in other.run().items()}
    assert len(expected) == (2 if task == FILL else 3)
    for name, x in expected.items():
        assert found[name].dtype == x.dtype == np.float32
        tolerance = 1e-5 if dtype == "float32" else 2e-3
        np.testing.assert_allclose(found[name], x, rtol=0, atol=tolerance * max(1.0, abs(float(np.max(x)))))


def run_alone(code):
    """Runs `code` in a process of its own in which nothing that is not needed can be imported."""
    blocked = "import sys\nfor name in {!r}: sys.modules[name] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", blocked.format(NOT_NEEDED) + code],
        cwd=processes._ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ours_needs_jax_flax_optax_and_ml_collections_only():
    code = """
from benchmarks import inference, train_step
from benchmarks.sides.edgeconnect import ours, case_weights
from benchmarks.sides.edgeconnect.cases import Case
case = Case("edge", 32, 1, 4, 1)
side = ours.create(case, case_weights.drawn(case))
side._step.lower(side._state, side._batches)
assert "torch" not in sys.modules
print(sorted(ours.about()))
"""
    assert run_alone(code) == "['accelerator', 'device']\n"


@pytest.mark.oracles
def test_theirs_runs_without_jax():
    pytest.importorskip("torch")
    code = """
from benchmarks.sides.edgeconnect import theirs
from benchmarks.sides import worker
assert "torch" in sys.modules and "jax" not in sys.modules
"""
    run_alone(code)
