"""Training steps at full width, with all networks and losses, against those that the PyTorch original took."""

import functools
import pathlib
import re

import jax
import numpy as np
import pytest

from benchmarks.parity.edgeconnect import golden_training
from edgeconnect_jax.layers.spectral_norm import iterate_tree
from tests.training.sharing import Known

GOLDEN = pathlib.Path(__file__).parents[3] / "data" / "golden" / "train_steps.npz"
RUNS = {
    "stage1_nsgan": 3,
    "stage1_lsgan": 2,
    "stage1_hinge": 2,
    "stage2_nsgan": 3,
    "stage3_nsgan": 2,
    "stage4_nsgan": 2,
}


@pytest.fixture(scope="module")
def golden():
    return golden_training.read(GOLDEN)


@pytest.fixture(scope="module")
def begin():
    """Run -> its task and its state before the first step; made once."""
    return functools.cache(lambda run: golden_training.initial_state(golden_training.config_of(run)))


@pytest.fixture(scope="module")
def taken(golden, begin):
    """Run -> all its steps; taken once."""
    return functools.cache(lambda run: golden_training.take_steps(*begin(run), golden, RUNS[run]))


@pytest.fixture(scope="module", autouse=True)
def one_program_for_each_task():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(golden_training, "train_step", Known(golden_training.train_step))
        yield


def comparisons_with(golden, run, **losses):
    """All comparisons of a run's first step; `losses` changes the weights of its losses."""
    config = golden_training.config_of(run)
    config.losses.update(losses)
    return list(golden_training.compare(run, golden, take(golden, golden_training.initial_state(config))))


def take(golden, begun, steps=1, change=lambda state: state):
    """The first steps from a task and a state, which `change` changes before."""
    task, state = begun
    return golden_training.take_steps(task, change(state), golden, steps)


def kinds(compared):
    """What kinds of comparisons there are: "step1/losses", "step1/u, v", "gradients", ..."""
    return {c.name.partition("/")[2].rpartition("/")[0] for c in compared}


def beyond(compared):
    return kinds([c for c in compared if not c.within_bound])


def failed(compared):
    return [c for c in compared if not c.passed]


def test_runs_are_found(golden):
    assert golden_training.runs_in(golden) == RUNS


@pytest.mark.parametrize("run", RUNS)
def test_steps_are_the_originals(golden, taken, run):
    compared = list(golden_training.compare(run, golden, taken(run)))
    assert not failed(compared)
    each = {f"step{n}/{kind}" for n in range(1, RUNS[run] + 1) for kind in ("losses", "u, v")}
    assert kinds(compared) == each | {"gradients", "their norms", "first change", "its length"}
    # Nothing downstream of these has a kink within rounding; for the rest that depends on the machine.
    sharp = [c for c in compared if re.search(r"step1|u, v|gradients/\w+_gen\.decoder\.7|norms|length", c.name)]
    assert kinds(sharp) >= {"step1/losses", "step1/u, v", "gradients"}
    assert not beyond(sharp)


def test_each_tensor_is_compared(golden, taken):
    names = [c.name for c in golden_training.compare("stage1_hinge", golden, taken("stage1_hinge"))]
    assert len(set(names)) == len(names)
    # 22 kernels and the last bias of the generator, 5 kernels of the discriminator.
    assert sum("/gradients/" in name for name in names) == 22 + 1 + 5
    assert sum("/first change/" in name for name in names) == 22 + 5
    # u and v of all of them but the generator's last, in each step.
    for step in range(1, RUNS["stage1_hinge"] + 1):
        assert sum(f"/step{step}/u, v/" in name for name in names) == 2 * (21 + 5)


def test_untouched_weights_fail(golden, begin):
    """Where nothing was trained nothing passes by standing still."""
    task, state = begin("stage1_hinge")
    still = jax.tree.map(lambda x: 0 * x, {name: state.params[name] for name in task.players})
    step = golden_training.Step(dict.fromkeys(golden_training.LOSSES.values(), 0.0), state.collections)
    compared = list(golden_training.compare("stage1_hinge", golden, golden_training.Taken([step], still, still)))
    passed = [c.name for c in compared if c.passed]
    # The discriminator's last kernel has one row, so that one iteration finds its u and v for ever.
    assert passed == [f"stage1_hinge/step1/u, v/EdgeModel_dis.conv5.0.weight_{x}" for x in "uv"]


def test_a_learning_rate_that_is_off_fails(golden, begin):
    changed = take(golden, begin("stage1_nsgan"), 2, lambda state: state.replace(rate_scale=1.1 * state.rate_scale))
    compared = golden_training.compare("stage1_nsgan", golden, changed)
    assert kinds(failed(compared)) == {"its length", "step2/losses"}


def test_a_learning_rate_of_the_discriminator_that_is_off_fails(golden):
    config = golden_training.config_of("stage1_nsgan")
    config.optimizer.d2g_ratio *= 1.1
    changed = take(golden, golden_training.initial_state(config))
    names = {c.name for c in failed(golden_training.compare("stage1_nsgan", golden, changed))}
    assert names == {f"stage1_nsgan/its length/EdgeModel_dis.conv{i}.0.weight_orig" for i in range(1, 6)}


def test_an_iteration_of_u_that_is_off_fails(golden, begin):
    def iterated(state):
        collections = {
            name: {kind: iterate_tree(state.params[name], vectors) for kind, vectors in kinds.items()}
            for name, kinds in state.collections.items()
        }
        return state.replace(collections=collections)

    changed = take(golden, begin("stage1_nsgan"), change=iterated)
    compared = golden_training.compare("stage1_nsgan", golden, changed)
    assert {"step1/losses", "step1/u, v"} <= kinds(failed(compared))


@pytest.mark.parametrize(
    ("weight", "noticed_by"),
    [(9.9, {"step1/losses", "their norms"}), (5.0, {"step1/losses", "gradients", "their norms", "first change"})],
)
def test_a_weight_of_a_loss_that_is_off_fails(golden, weight, noticed_by):
    compared = comparisons_with(golden, "stage1_nsgan", feature_matching=weight)
    assert {c.name.rpartition("/")[2] for c in failed(compared) if "/losses/" in c.name} == {"l_fm"}
    assert kinds(failed(compared)) >= noticed_by


def test_weights_of_the_completion_losses_that_are_off_fail(golden):
    compared = comparisons_with(golden, "stage2_nsgan", adversarial=0.101, l1=1.01, content=0.101, style=252.5)
    losses = {c.name.rpartition("/")[2] for c in failed(compared) if "/losses/" in c.name}
    assert losses == {"l_g2", "l_l1", "l_per", "l_sty"}
    assert "their norms" in kinds(failed(compared))


def test_a_file_without_runs_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(1))
    with pytest.raises(ValueError, match=r"other\.npz: holds no run"):
        golden_training.read(tmp_path / "other.npz")


def test_a_run_that_lacks_an_array_is_refused(golden, taken):
    name = "stage1_hinge/grad/EdgeModel_gen.decoder.7.weight"
    without = {key: array for key, array in golden.items() if key != name}
    with pytest.raises(ValueError, match=f"holds no {name}"):
        list(golden_training.compare("stage1_hinge", without, taken("stage1_hinge")))
