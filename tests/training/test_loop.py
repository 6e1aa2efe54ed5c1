"""Whole runs of the loop, in this process, with the tiny configuration."""

import json
import pathlib

import numpy as np
import pytest
from tensorboardX.proto import event_pb2

from configs import tiny
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.images.files import read_rgb8
from edgeconnect_jax.systems.edgeconnect.data import READER
from edgeconnect_jax.systems.edgeconnect.rules import RULES
from edgeconnect_jax.training import final_report
from tests.training.runs import arrays, assert_same, changed_tasks, differ, lines, make, measure, open_session, train


@pytest.fixture(scope="module")
def edge_run(tmp_path_factory):
    """Four steps of the edge stage, in one go."""
    workdir = tmp_path_factory.mktemp("edge")
    train(make(train__steps=4, sample__interval=4, sample__size=12, eval__interval=4), workdir)
    return workdir


def test_a_run_leaves_what_it_promises(edge_run):
    entries = lines(edge_run)
    assert [(e["step"], e["kind"]) for e in entries] == [
        *((step, "train") for step in (1, 2, 3, 4)), (4, "validation")
    ]  # fmt: skip
    assert {"edge_discriminator", "feature_matching", "edge_f1", "learning_rate/edge_generator"} <= set(entries[0])
    assert {"edge_precision", "edge_recall", "edge_f1"} <= set(entries[-1])
    grid = read_rgb8(next((edge_run / "samples").glob("*.png")))
    assert grid.shape[0] > 2 * 160  # two held-out photographs, though the grid has room for twelve
    tags = {value.tag for event in events(edge_run) for value in event.summary.value}
    assert {"train/edge_adversarial", "validation/edge_f1", "samples"} <= tags
    meta = checkpoints.read_meta(checkpoints.find(edge_run))
    assert (meta["system"], meta["stage"], meta["step"]) == ("edgeconnect", "edge", 4)
    assert meta["networks"]["edge_generator"] == {"features": 4, "residual_blocks": 1}
    assert configuration.from_dict(meta["config"]).train.steps == 4


def events(workdir):
    """TensorBoard's file: length, checksum, message, checksum, again and again."""
    data = next(workdir.glob("events.*")).read_bytes()
    while data:
        size = int.from_bytes(data[:8], "little")
        yield event_pb2.Event.FromString(data[12 : 12 + size])
        data = data[16 + size :]


def test_a_new_phase_begins_with_new_optimizers_also_after_a_stop(tmp_path):
    def in_two_phases(task):
        (phase,) = task.phases
        output_only = phase._replace(until=2, trainable=lambda player, path: path[-2] in ("output", "conv_4"))
        return task._replace(phases=(output_only, phase._replace(reset_optimizers=tuple(task.players))))

    tasks = changed_tasks(in_two_phases)
    train(make(train__steps=4), tmp_path / "whole", tasks)
    for steps in (2, 4):
        train(make(train__steps=steps), tmp_path / "parts", tasks)
        count = arrays(tmp_path / "parts", "training")["['optimizers']['edge_generator']['count']"]
        assert count == steps - 2  # since the phase began
    assert_same(arrays(tmp_path / "whole", "training"), arrays(tmp_path / "parts", "training"))


def test_a_run_resumes_as_it_began_or_not_at_all(edge_run):
    changes = {"task__features": 8, "train__seed": 3, "train__batch_size": 4, "train__ema_decay": 0.9}
    with pytest.raises(ValueError, match="cannot be resumed") as error:
        train(make(train__steps=6, **changes), edge_run)
    for name in ("task.features: started with 4, now 8", "train.seed", "train.batch_size", "train.ema_decay"):
        assert name in str(error.value)


def test_a_missing_validation_set_is_told_before_any_step(tmp_path):
    with pytest.raises(ValueError, match=r"data\.validation=.*nowhere"):
        train(make(eval__interval=100, data__validation=str(tmp_path / "nowhere")), tmp_path / "run")
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_the_stages_run_one_after_another(tmp_path, capsys):
    config = make(eval__report=False, train__ema_decay=0.5, masks__kind="block_freeform", eval__repeats=8)
    stages = ("edge", "inpaint", "edge_inpaint", "joint")
    config.stages = tuple((name, {"task.name": name, "train.steps": 1}) for name in stages)
    config.stages[-1][1]["eval.report"] = True
    train(config, tmp_path)
    # Each stage counts its own steps and starts from the networks of those before.
    assert all(lines(tmp_path / name)[0]["step"] == 1 for name in stages)
    frozen = "['edge_generator']['params']"
    edge = {k: v for k, v in arrays(tmp_path / "edge", "average").items() if k.startswith(frozen)}
    kept = {k: v for k, v in arrays(tmp_path / "edge_inpaint").items() if k.startswith(frozen)}
    assert_same(edge, kept)
    moved = {k: v for k, v in arrays(tmp_path / "joint").items() if k.startswith(frozen)}
    assert differ(kept, moved)
    results = json.loads((tmp_path / "joint" / final_report.TABLE).read_text())
    assert set(results) == {"this model", "mean of known pixels", "OpenCV Telea", "OpenCV Navier-Stokes"}
    for values in results.values():
        blocks, strokes = (values[f"psnr_hole_{shape}"] for shape in ("block", "freeform"))
        assert min(blocks, strokes) < values["psnr_hole"] < max(blocks, strokes)
    assert read_rgb8(tmp_path / "joint" / final_report.PICTURE).shape[1] > 5 * 160
    printed = capsys.readouterr().out.partition("On the held-out pictures")[2]
    cells = [[x.strip() for x in line.strip("|").split("|")] for line in printed.splitlines() if line.startswith("| ")]
    assert cells[0][1] == "PSNR in the hole (dB)" and cells[0][-2:] == ["PSNR in strokes", "SSIM in strokes"]
    for name, *values in cells[2:6]:
        assert float(values[0]) == pytest.approx(results[name]["psnr_hole"], abs=1e-3)
    assert cells[6] == ["Edges in the hole", "model", "chance"]
    for (title, *values), name in zip(cells[8:], ("precision", "recall"), strict=True):
        assert title == f"{name} within 1 px"
        found = (results["this model"][f"{whose}_{name}_near"] for whose in ("edge", "chance"))
        assert [float(value) for value in values] == pytest.approx(list(found), abs=1e-3)
    with pytest.raises(ValueError, match="several stages"):
        checkpoints.find(tmp_path)
    # All is done: a second call trains and measures nothing.
    capsys.readouterr()
    train(config, tmp_path)
    assert capsys.readouterr().out.count("already complete") == 4


def test_measuring_a_checkpoint(edge_run):
    measured = measure(make(train__mode="eval"), edge_run)[""]
    logged = lines(edge_run)[-1]
    assert measured == {name: pytest.approx(logged[name]) for name in measured}


def test_a_stage_that_needs_an_edge_generator_says_so(tmp_path):
    config = make(task__name="edge_inpaint", checkpoint__init_from=(str(tmp_path / "nothing"),))
    with pytest.raises(ValueError, match="nothing: no such checkpoint"):
        train(config, tmp_path / "run")
    checkpoints.save_weights(tmp_path / "other", {"inpaint_generator": {"params": {}}}, {})
    config.checkpoint.init_from = (str(tmp_path / "other"),)
    with pytest.raises(ValueError, match=r"edge_generator is not trained.*checkpoint\.init_from"):
        train(config, tmp_path / "run")


def test_weights_of_another_width_are_refused_with_a_list(edge_run, tmp_path):
    config = make(task__features=8, checkpoint__init_from=(str(edge_run),))
    with pytest.raises(ValueError, match=r"encoder_0/kernel is \(7, 7, 3, 4\), expected \(7, 7, 3, 8\)") as error:
        train(config, tmp_path)
    assert str(error.value).count("expected") > 10


def test_missing_vgg_weights_are_told_before_any_work(tmp_path):
    config = tiny.get_config()
    config.task.name = "inpaint"
    config.losses.style = 250.0
    with pytest.raises(ValueError, match=r"vgg_weights is empty.*vgg19.*random"):
        configuration.validate(config, RULES, READER)
    config.losses.vgg_weights = str(tmp_path / "gone")
    with pytest.raises(ValueError, match="gone"):
        configuration.validate(config, RULES, READER)


def test_resuming_with_other_frozen_weights_is_refused(tmp_path):
    config = make(task__name="inpaint", losses__style=250.0, losses__vgg_weights="random", train__steps=1)
    train(config, tmp_path)
    assert not any("vgg" in name for name in arrays(tmp_path))
    other = tmp_path / "vgg"
    from edgeconnect_jax.models.backbones import BACKBONES
    from edgeconnect_jax.models.network import random_variables

    checkpoints.save_weights(other, {"vgg19": random_variables(BACKBONES["vgg19"], seed=1)}, {})
    config.losses.vgg_weights = str(other)
    with pytest.raises(ValueError, match=r"hashes of the frozen weights \(losses\.vgg_weights\).*vgg19"):
        open_session(config, tmp_path)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"train__log_interval": 2}, {"entries": [2]}),
        ({"train__log_interval": 0}, {"entries": []}),
        ({"checkpoint__interval": 2}, {"kept": ["2", "3"]}),
        ({"checkpoint__keep": 1}, {"kept": ["3"]}),
        ({"checkpoint__interval": 0}, {"kept": ["3"]}),
        ({"sample__interval": 2, "sample__size": 1}, {"samples": ["00000002.png", "00000003.png"]}),
        ({"eval__interval": 3}, {"validations": [3]}),
    ],
)
def test_intervals(options, found, tmp_path):
    train(make(train__steps=3, **options), tmp_path)
    entries = lines(tmp_path)
    there = {
        "entries": [e["step"] for e in entries if e["kind"] == "train" and e["step"] == 2],
        "validations": [e["step"] for e in entries if e["kind"] == "validation"],
        "kept": sorted(p.name for p in (tmp_path / "checkpoints").iterdir() if p.name.isdigit()),
        "samples": sorted(p.name for p in (tmp_path / "samples").glob("*.png")),
    }
    assert {name: there[name] for name in found} == found


def test_sample_size_is_the_most_rows_of_a_grid(tmp_path):
    heights = []
    for size in (1, 2):
        train(make(train__steps=1, sample__interval=1, sample__size=size), tmp_path / str(size))
        heights.append(read_rgb8(tmp_path / str(size) / "samples" / "00000001.png").shape[0])
    assert heights[1] - heights[0] == 160 + 4


def test_seed_batch_size_and_devices(edge_run, tmp_path, capsys):
    train(make(train__steps=1), tmp_path / "same")
    train(make(train__steps=1, train__seed=11), tmp_path / "seed")
    train(make(train__steps=1, train__batch_size=4), tmp_path / "batch")
    capsys.readouterr()
    train(make(train__steps=1, train__devices=(0, 1)), tmp_path / "devices")
    assert "on 2 cpu device(s)" in capsys.readouterr().out
    same, seed, batch, devices = (lines(tmp_path / name)[0] for name in ("same", "seed", "batch", "devices"))
    term = "edge_adversarial"
    assert same[term] == lines(edge_run)[0][term]
    assert seed[term] != same[term] and batch[term] != same[term]
    assert devices[term] == pytest.approx(same[term], rel=1e-5)


def test_a_batch_that_devices_cannot_share_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"train\.batch_size=2 cannot be split evenly over 3 devices"):
        train(make(train__devices=(0, 1, 2)), tmp_path)
    with pytest.raises(ValueError, match=r"train\.devices names \[99\]"):
        train(make(train__devices=(99,)), tmp_path)


def test_verbose_prints_a_line_for_every_entry(tmp_path, capsys):
    train(make(train__steps=2), tmp_path / "quiet")
    assert "step 1 train:" not in capsys.readouterr().out
    train(make(train__steps=2, train__verbose=True), tmp_path / "verbose")
    assert "step 1 train: edge_adversarial" in capsys.readouterr().out


def test_averages_are_kept_and_preferred(tmp_path):
    train(make(train__steps=2, train__ema_decay=0.5), tmp_path)
    average, newest = arrays(tmp_path, "average"), arrays(tmp_path)
    assert all("edge_generator" in name for name in average)
    assert differ(average, newest)
    loaded = checkpoints.load_weights(tmp_path, ["edge_generator"]).networks
    name = "['edge_generator']['params']['body']['output']['kernel']"
    np.testing.assert_array_equal(loaded["edge_generator"]["params"]["body"]["output"]["kernel"], average[name])
    raw = checkpoints.load_weights(tmp_path, ["edge_generator"], average=False).networks
    np.testing.assert_array_equal(raw["edge_generator"]["params"]["body"]["output"]["kernel"], newest[name])


def test_a_plateau_lowers_the_learning_rate(tmp_path, capsys):
    options = {"schedule": "plateau", "patience": 1, "min_delta": 10.0, "factor": 0.5, "min_scale": 0.25}
    train(make(train__steps=4, eval__interval=1, **{f"optimizer__{k}": v for k, v in options.items()}), tmp_path)
    rates = [e["learning_rate/edge_generator"] for e in lines(tmp_path) if e["kind"] == "train"]
    assert rates == pytest.approx([1e-4, 1e-4, 0.5e-4, 0.25e-4])
    assert "no progress" in capsys.readouterr().out


def test_pictures_of_their_own_size(photographs, tmp_path):
    sizes = {"data__image_size": 0, "data__crop": "center", "data__short_side": 0}
    folders = {"data__train": str(photographs), "data__validation": str(photographs)}
    options = {"train__steps": 1, "eval__interval": 1, **sizes, **folders}
    train(make(train__batch_size=1, **options), tmp_path / "one")
    train(make(train__batch_size=2, train__devices=(0, 1), **options), tmp_path / "two")
    one, two = (lines(tmp_path / name)[-1] for name in ("one", "two"))
    assert one["kind"] == two["kind"] == "validation"


def test_without_a_validation_set_samples_come_from_the_training_set(photographs, tmp_path):
    folders = {"data__train": str(photographs), "data__validation": ""}
    train(make(train__steps=1, sample__interval=1, **folders), tmp_path)
    assert list(pathlib.Path(tmp_path / "samples").glob("*.png"))
