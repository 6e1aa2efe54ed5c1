"""A run that was stopped resumes as if it had not, bit for bit; a signal stops it after a step."""

import json
import pathlib
import shutil
import signal

import pytest

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.host import errors
from edgeconnect_jax.training import loop
from edgeconnect_jax.training.interruption import Interruption
from tests.training.runs import arrays, assert_same_run, lines, make, train, untimed

EXACT = {"train__log_interval": 3, "checkpoint__interval": 0, "train__ema_decay": 0.5}

PLATEAU = {"schedule": "plateau", "patience": 1, "min_delta": 10.0, "min_scale": 0.01}
PLATEAU = {f"optimizer__{name}": value for name, value in PLATEAU.items()} | {"eval__interval": 2}


@pytest.fixture
def steps_seen(monkeypatch):
    """(step, pictures) of every step that is made; raises the signal in `at` during that step."""
    seen, at = [], {}
    step = loop.Stepper.__call__

    def watched(self, state, number):
        if number in at:
            signal.raise_signal(at.pop(number))
        done = step(self, state, number)
        seen.append((number, self.pictures.tolist()))
        return done

    monkeypatch.setattr(loop.Stepper, "__call__", watched)
    return seen, at


@pytest.fixture(scope="module")
def edges(tmp_path_factory):
    """A checkpoint with an edge generator."""
    workdir = tmp_path_factory.mktemp("edges")
    train(make(train__steps=1), workdir)
    return str(workdir)


@pytest.mark.parametrize("stage", ["edge", "inpaint", "edge_inpaint", "joint"])
def test_two_halves_are_one_run(stage, edges, steps_seen, tmp_path):
    options = EXACT | {"task__name": stage, "checkpoint__init_from": (edges,), "losses__pool_size": 2}
    if stage == "joint":
        options |= PLATEAU
    train(make(train__steps=4, **options), tmp_path / "whole")
    whole = steps_seen[0].copy()
    steps_seen[0].clear()
    for steps in (2, 4):
        train(make(train__steps=steps, **options), tmp_path / "parts")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    assert steps_seen[0] == whole and len({str(pictures) for _, pictures in whole}) > 1
    # Step 2 ended the first part, and its losses are no line of the whole.
    assert [e["step"] for e in lines(tmp_path / "parts") if e["kind"] == "train"] == [3, 4]
    assert any("spectral" in name for name in arrays(tmp_path / "parts"))
    if stage == "joint":
        assert [e["step"] for e in lines(tmp_path / "parts") if e["kind"] == "validation"] == [2, 4]
        assert float(arrays(tmp_path / "parts", "training")["['rate_scale']"]) < 1


def test_lines_of_a_killed_run_do_not_stand_twice(tmp_path):
    train(make(train__steps=2), tmp_path)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "kind": "train"}\n{"step": 4, "ki')
    train(make(train__steps=3), tmp_path)
    assert [e["step"] for e in lines(tmp_path)] == [1, 2, 3]
    assert "edge_f1" in lines(tmp_path)[-1]


def test_a_signal_ends_the_run_after_its_step(steps_seen, tmp_path):
    seen, at = steps_seen
    options = EXACT | {"train__steps": 4, "eval__interval": 2, "sample__interval": 2}
    train(make(**options), tmp_path / "whole")
    seen.clear()
    at[2] = signal.SIGTERM
    with pytest.raises(errors.Interrupted, match="stopped by SIGTERM; the same command resumes the run"):
        train(make(**options), tmp_path / "parts")
    assert [step for step, _ in seen] == [1, 2]
    assert checkpoints.find(tmp_path / "parts").name == "2"
    # The evaluation that was due, which can take long, is made by the run that goes on.
    assert lines(tmp_path / "parts") == [] and not (tmp_path / "parts/samples").exists()
    train(make(**options), tmp_path / "parts")
    assert [step for step, _ in seen] == [1, 2, 3, 4]
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    for path in (tmp_path / "whole/samples").iterdir():
        assert path.read_bytes() == (tmp_path / "parts/samples" / path.name).read_bytes()


def test_what_was_put_off_is_not_told_twice(steps_seen, tmp_path):
    """The run that made it up is killed before its next checkpoint."""
    options = {"train__steps": 4, "eval__interval": 2, "checkpoint__interval": 0}
    steps_seen[1][2] = signal.SIGTERM
    with pytest.raises(errors.Interrupted):
        train(make(**options), tmp_path)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 2, "kind": "validation", "edge_f1": -1.0}) + "\n")
    train(make(**options), tmp_path)
    assert [(e["step"], e["kind"]) for e in untimed(tmp_path)] == [
        (1, "train"), (2, "train"), (2, "validation"), (3, "train"), (4, "train"), (4, "validation")
    ]  # fmt: skip
    assert untimed(tmp_path)[2]["edge_f1"] >= 0


def test_no_stage_begins_after_a_signal(steps_seen, tmp_path):
    config = make()
    config.stages = tuple((name, {"task.name": name, "train.steps": 2}) for name in ("edge", "inpaint"))
    seen, at = steps_seen
    at[2] = signal.SIGTERM  # the last step of the first stage
    with pytest.raises(errors.Interrupted):
        train(config, tmp_path)
    assert not (tmp_path / "inpaint").exists()
    at[1] = signal.SIGTERM
    with pytest.raises(errors.Interrupted):
        train(config, tmp_path)
    assert checkpoints.find(tmp_path / "inpaint").name == "1"
    train(config, tmp_path)
    assert [step for step, _ in seen] == [1, 2, 1, 2]
    assert [e["step"] for e in lines(tmp_path / "inpaint")] == [1, 2]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_handled_within_the_context_only(number, capsys):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interruption() as interruption:
        assert interruption.signal is None
        signal.raise_signal(number)
        signal.raise_signal(signal.SIGTERM)  # often sent to a process and to its group
        assert interruption.signal == number
        assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL  # a further Ctrl-C ends at once
        ended = interruption.ended()
        assert ended.status == 128 + number and number.name in str(ended)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert capsys.readouterr().err.count("finishing the step") == 1


def test_another_number_of_devices_or_workers_is_refused_with_the_reason(edges):
    with pytest.raises(ValueError, match="cannot be resumed") as error:
        train(make(train__steps=2, train__devices=(0, 1), data__workers=1), pathlib.Path(edges))
    assert "rounded in another order; checkpoint.allow_rounding=True accepts that): started with 1, now 2" in str(
        error.value
    )
    assert "data.workers (each worker counts its own position in the data): started with 0, now 1" in str(error.value)


def test_another_number_of_devices_goes_on_where_rounding_is_accepted(edges, tmp_path):
    for name, devices in (("one", (0,)), ("two", (0, 1))):
        shutil.copytree(edges, tmp_path / name)
        options = {"train__devices": devices, "checkpoint__allow_rounding": True}
        train(make(train__steps=2, **options), tmp_path / name)
    one, two = (lines(tmp_path / name)[-1] for name in ("one", "two"))
    for name in ("edge_adversarial", "edge_discriminator", "feature_matching"):
        assert two[name] == pytest.approx(one[name], rel=1e-5)
