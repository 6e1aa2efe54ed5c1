"""Ours and the PyTorch statement in float64, where nothing but a difference in meaning differs."""

import pathlib

import pytest

pytest.importorskip("torch")

from benchmarks.parity.edgeconnect import golden_training, statement

pytestmark = pytest.mark.oracles

GOLDEN = pathlib.Path(__file__).parents[3] / "data" / "golden" / "train_steps.npz"


@pytest.fixture(scope="module")
def batch():
    """The middle of the golden pictures."""
    batch = golden_training.batch_of(golden_training.read(GOLDEN))
    return {name: x[:, 16:48, 16:48] for name, x in batch.items()}


# Each adversarial loss and each stage; benchmarks/check_golden.py compares all of them with each other.
@pytest.mark.parametrize("run", ["stage1_lsgan", "stage1_hinge", "stage3_nsgan", "stage4_nsgan"])
def test_steps_agree(run, batch):
    compared = list(statement.compare_steps(run, batch, seed=7))
    assert {c.name.split("/")[2] for c in compared} == {"step1", "step2", "step3"}
    assert not [c for c in compared if not c.passed]


def test_a_learning_rate_that_is_off_fails(batch, monkeypatch):
    other = golden_training.config_of("stage1_nsgan")
    other.optimizer.learning_rate *= 1 + 1e-4
    step = statement.TrainingStep
    monkeypatch.setattr(statement, "TrainingStep", lambda config, *networks: step(other, *networks))
    failed = {c.name for c in statement.compare_steps("stage1_nsgan", batch, seed=7) if not c.passed}
    assert "float64/stage1_nsgan/step1/weights/edge_generator" in failed
    assert "float64/stage1_nsgan/step2/losses/feature_matching" in failed
