"""A system is new files only: the shared code prepares, trains, resumes, converts, measures and serves one unchanged.

The system lies in tests/systems/foreign/mosaic; these tests alone put that folder into the search path.
"""

import csv
import importlib
import json
import os
import pathlib
import runpy
import shutil
import subprocess
import sys

import jax
import numpy as np
import pytest

from edgeconnect_jax import eval as evaluation
from edgeconnect_jax import inpaint, serve, systems
from edgeconnect_jax.checkpoints import folders
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.configuration import stages
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.images import files
from edgeconnect_jax.metrics import uint8
from edgeconnect_jax.training import loop
from scripts import convert_torch_ckpt, prepare_data
from tests.processes import environment
from tests.serving.services import running
from tests.synthetic import picture
from tests.systems.edgeconnect import weights as edgeconnect

ROOT = pathlib.Path(__file__).parents[2]
FOREIGN = pathlib.Path(__file__).parent / "foreign"
SIDES = ((16, 16), (20, 28))
CLASSES = 4


@pytest.fixture(scope="module", autouse=True)
def mosaic():
    """The system, found as any other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(systems, "__path__", [*systems.__path__, str(FOREIGN)])
        # For the processes that are started: see sitecustomize.py there.
        patch.setenv("PYTHONPATH", str(FOREIGN / "start"), prepend=os.pathsep)
        systems.load.cache_clear()
        yield systems.load("mosaic")
    systems.load.cache_clear()
    for name in [name for name in sys.modules if name.startswith("edgeconnect_jax.systems.mosaic")]:
        del sys.modules[name]


def labels_of(image):
    """Which of CLASSES a pixel is in: by its brightness."""
    return (image.mean(axis=-1) * CLASSES / 256).astype(np.uint8)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Pictures, their label maps, and exemplars with the same stems."""
    folder = tmp_path_factory.mktemp("sets")
    for name in ("pictures", "labels", "exemplars"):
        (folder / name).mkdir()
    for seed in range(6):
        image, _ = picture(seed, *SIDES[seed % 2])
        files.write_png(folder / f"pictures/{seed}.png", image)
        files.write_png(folder / f"labels/{seed}.png", labels_of(image))
        files.write_png(folder / f"exemplars/{seed}.png", picture(seed + 10, 24, 24)[0])
    return folder


def main(workdir, *options, status=0):
    """Runs main.py with the system's configuration; returns what it printed."""
    command = [sys.executable, "main.py", f"--config={FOREIGN / 'config.py'}", f"--workdir={workdir}", *options]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def prepared(sets, mosaic):
    folder = sets / "prepared"
    arguments = ["--system", "mosaic", "--input", sets / "pictures", "--labels", sets / "labels"]
    arguments += ["--exemplars", sets / "exemplars", "--output", folder, "--image_size", 16, "--workers", 1]
    assert prepare_data.main([str(argument) for argument in arguments]) == 0
    return folder


@pytest.fixture(scope="module")
def trained(prepared, sets):
    """A run of four steps, stopped between its phases and resumed."""
    data = [f"--config.data.train={prepared}", f"--config.data.validation={sets / 'pictures'}"]
    data += [f"--config.{name}.validation={sets / name}" for name in ("labels", "exemplars")]
    main(sets / "run", *data, "--config.train.steps=2", "--config.eval.interval=0")
    main(sets / "run", *data)
    return sets / "run"


def configured(sets, *, prepared=False):
    """The system's configuration, trained on the files or on the set prepared from them."""
    config = runpy.run_path(str(FOREIGN / "config.py"))["get_config"]()
    config.data.update(train=str(sets / ("prepared" if prepared else "pictures")), validation=str(sets / "pictures"))
    for name in ("labels", "exemplars"):
        config[name].update(train="" if prepared else str(sets / name), validation=str(sets / name))
    return config


def networks(path):
    return checkpoints.load_weights(path, average=False).networks


def leaves(tree):
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}


def equal(a, b):
    a, b = leaves(a), leaves(b)
    assert a.keys() == b.keys()
    return all(np.array_equal(a[path], b[path]) for path in a)


def test_a_prepared_set_gives_what_the_files_give(prepared, sets, mosaic):
    batches = []
    for of_prepared in (False, True):
        config = configured(sets, prepared=of_prepared)
        stages.validate(config, mosaic.rules, mosaic.reader)
        batches.append(next(pipeline.train_iterator(config, mosaic.reader)))
    for field in ("image", "label", "exemplar"):
        np.testing.assert_array_equal(batches[0][field], batches[1][field])
    assert batches[0]["label"].dtype == np.int32
    assert len(found := set(np.unique(batches[0]["label"]))) > 1 and found <= set(range(CLASSES))


def test_a_label_of_no_class_is_named(sets, tmp_path, mosaic, capsys):
    (tmp_path / "labels").mkdir()
    for path in (sets / "labels").iterdir():
        files.write_png(tmp_path / "labels" / path.name, files.read_gray8(path) + np.uint8(CLASSES))
    arguments = ["--system", "mosaic", "--input", sets / "pictures", "--labels", tmp_path / "labels"]
    arguments += ["--exemplars", sets / "exemplars", "--output", tmp_path / "set", "--image_size", 16, "--workers", 1]
    assert prepare_data.main([str(argument) for argument in arguments]) == 2
    assert "but there are only 4 classes" in capsys.readouterr().err


def test_one_network_is_frozen_for_a_phase(trained):
    first, second, last = (networks(trained / f"checkpoints/{step}") for step in (1, 2, 4))
    assert equal(first["palette"], second["palette"]) and not equal(first["painter"], second["painter"])
    assert not equal(second["palette"], last["palette"]) and not equal(second["painter"], last["painter"])
    assert folders.read_meta(folders.find(trained))["system"] == "mosaic"


def test_a_player_that_the_next_phase_does_not_name_keeps_its_optimizer(trained):
    """The palette's Adam begins with the second phase, the painter's counts all steps."""
    arrays = leaves(checkpoints.read_arrays(trained / "checkpoints/4/training")["optimizers"])
    counts = {path: int(array) for path, array in arrays.items() if path.endswith("['count']")}
    assert {path.split("'")[1]: count for path, count in counts.items()} == {"palette": 2, "painter": 4}


def test_networks_of_another_system_are_refused(trained, tmp_path, capsys):
    files.write_png(tmp_path / "a.png", picture(0, 16, 16)[0])
    files.write_png(tmp_path / "m.png", picture(0, 16, 16)[1])
    arguments = ["--checkpoint", str(trained), "--input", str(tmp_path / "a.png"), "--mask", str(tmp_path / "m.png")]
    assert inpaint.main([*arguments, "--output", str(tmp_path / "out"), "--compilation_cache", "none"]) == 2
    assert "a checkpoint of the system mosaic, not of edgeconnect" in capsys.readouterr().err


def test_a_run_that_stopped_between_phases_ends_as_one_that_did_not(trained, prepared, sets, mosaic, tmp_path):
    config = configured(sets, prepared=True)
    loop.train(config, tmp_path, mosaic.tasks, mosaic.reader, mosaic.rules.fixed)
    assert equal(networks(tmp_path), networks(trained))
    whole, resumed = (lines(run / "metrics.jsonl") for run in (tmp_path, trained))
    assert [entry.get("l1") for entry in whole] == [entry.get("l1") for entry in resumed]
    assert any("mae" in key for entry in resumed for key in entry)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_resumed_run_keeps_the_options_that_the_system_fixes(trained, prepared, sets, mosaic):
    config = configured(sets, prepared=True)
    config.task.warm_up, config.train.steps = 3, 5
    with pytest.raises(ValueError, match=r"task\.warm_up"):
        loop.train(config, trained, mosaic.tasks, mosaic.reader, mosaic.rules.fixed)


def test_a_test_set_is_painted_at_its_own_size(trained, sets, mosaic):
    options = [f"--config.data.test={sets / 'labels'}", f"--config.exemplars.test={sets / 'exemplars'}"]
    assert "6 pictures written" in main(trained, "--config.train.mode=test", *options)
    paint = mosaicist(mosaic, checkpoints.load_weights(trained))
    for seed in range(2):
        labels = files.read_gray8(sets / f"labels/{seed}.png").astype(np.int32)[..., None]
        exemplar = files.resize_bilinear(files.read_rgb8(sets / f"exemplars/{seed}.png"), *SIDES[seed])
        expected = paint(labels, exemplar)
        assert expected.shape == (*SIDES[seed], 3) and np.ptp(expected) > 0
        np.testing.assert_array_equal(files.read_rgb8(trained / f"results/{seed}.png"), expected)


def mosaicist(mosaic, weights):
    """The networks of a checkpoint, as the page runs them."""
    return importlib.import_module(f"{systems.__name__}.{mosaic.name}.inference").Mosaicist(weights)


def test_an_option_of_no_use_is_refused_by_the_systems_rules(sets):
    message = main(sets / "refused", "--config.train.mode=test", f"--config.data.test={sets / 'labels'}", status=2)
    assert "exemplars.test is empty" in message


@pytest.mark.oracles
def test_published_weights_are_converted_trained_on_and_painted_with(sets, prepared, tmp_path, capsys, mosaic):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    shapes = {"encode.weight": (4, 3, 3, 3), "encode.bias": (4,), "paint.0.weight": (4, 8, 3, 3), "paint.0.bias": (4,)}
    shapes |= {"paint.2.weight": (3, 4, 1, 1), "paint.2.bias": (3,)}
    state = {key: torch.tensor(rng.standard_normal(shape), dtype=torch.float32) for key, shape in shapes.items()}
    (tmp_path / "in").mkdir()
    torch.save(state | {"step": torch.tensor(7)}, tmp_path / "in/big_mosaic.pth")
    arguments = ["--system", "mosaic", "--input", str(tmp_path / "in"), "--output", str(tmp_path / "out")]
    assert convert_torch_ckpt.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "Mosaics are free." in printed and "Paint: --checkpoint" in printed and "a counter" in printed
    assert list(systems.of_checkpoints([tmp_path / "out"])) == ["mosaic"]

    weights = checkpoints.load_weights(tmp_path / "out")
    assert weights.meta["painter"] == {"features": 4, "classes": 4}
    labels, exemplar = rng.integers(0, 4, (12, 16, 1), dtype=np.int32), rng.integers(0, 256, (12, 16, 3), np.uint8)
    expected = painted_by_torch(torch, state, labels, exemplar)
    np.testing.assert_allclose(mosaicist(mosaic, weights)(labels, exemplar), expected * 255, atol=0.51)

    config = configured(sets, prepared=True)
    config.checkpoint.init_from = (str(tmp_path / "out"),)
    config.train.steps, config.optimizer.learning_rate = 1, 1e-9
    loop.train(config, tmp_path / "run", mosaic.tasks, mosaic.reader, mosaic.rules.fixed)
    assert equal(networks(tmp_path / "run")["palette"], weights.networks["palette"])


def painted_by_torch(torch, state, labels, exemplar):
    """The same networks in PyTorch: [H, W, 3] in [0, 1]."""

    def convolved(name, x):
        kernel = state[f"{name}.weight"]
        width = kernel.shape[-1] // 2
        x = torch.nn.functional.pad(x, (width,) * 4, mode="reflect")
        return torch.nn.functional.conv2d(x, kernel, state[f"{name}.bias"])

    layout = torch.nn.functional.one_hot(torch.tensor(labels[..., 0]).long(), 4).permute(2, 0, 1)[None].float()
    colours = torch.tensor(exemplar).permute(2, 0, 1)[None] / 255
    style = torch.relu(convolved("encode", colours)).mean(dim=(2, 3), keepdim=True).expand(-1, -1, *labels.shape[:2])
    y = torch.sigmoid(convolved("paint.2", torch.relu(convolved("paint.0", torch.cat([layout, style], dim=1)))))
    return y[0].permute(1, 2, 0).numpy()


def test_its_pictures_are_measured_with_its_own_metrics(trained, sets, tmp_path, capsys):
    arguments = ["--checkpoint", trained, "--truth", sets / "pictures", "--labels", sets / "labels"]
    arguments += ["--exemplars", sets / "exemplars", "--metrics", "psnr", "tint", "--report", tmp_path / "report"]
    arguments += ["--save", tmp_path / "saved"]
    assert evaluation.main([str(argument) for argument in arguments]) == 0
    assert "Tint" in capsys.readouterr().out
    rows = list(csv.DictReader((tmp_path / "report/per_image.csv").read_text().splitlines()))
    assert len(rows) == 6
    for row in rows:
        truth = files.read_rgb8(sets / f"pictures/{row['name']}.png")
        output = files.read_rgb8(tmp_path / f"saved/{row['name']}.png")
        assert float(row["PSNR (RGB) [dB]"]) == pytest.approx(uint8.psnr(output, truth), abs=1e-3)
        tint = np.abs(output.mean(axis=(0, 1)) - truth.mean(axis=(0, 1))).mean()
        assert float(row["Tint"]) == pytest.approx(tint, abs=1e-2)
    assert (tmp_path / "saved/exemplar").is_dir()


def test_its_reports_are_compared_and_its_checkpoints_are_of_one_system(trained, sets, tmp_path, capsys):
    given = ["--truth", str(sets / "pictures"), "--metrics", "l1"]
    output = str(shutil.copytree(sets / "pictures", tmp_path / "output"))
    for name in ("mosaic", "edgeconnect"):
        arguments = ["--output", output, "--system", name, "--report", str(tmp_path / name)]
        assert evaluation.main([*given, *arguments]) == 0
    assert evaluation.main(["--compare", *(str(tmp_path / name) for name in ("mosaic", "edgeconnect"))]) == 0
    assert "L1 (MAE, RGB) [%]" in capsys.readouterr().out
    arguments = ["--checkpoint", str(trained), "--system", "edgeconnect", "--masks", "half"]
    assert evaluation.main([*given, *arguments]) == 2
    assert "takes the networks of one system, here edgeconnect" in capsys.readouterr().err


def test_it_is_served_beside_another_system(trained, sets, mosaic, tmp_path):
    other = edgeconnect.write_checkpoint(tmp_path / "edgeconnect")
    pages = serve._pages([str(trained), str(other)], "float32")
    assert list(pages) == ["mosaic", "edgeconnect"]
    labels = (sets / "labels/0.png").read_bytes()
    exemplar = files.encode_png(files.resize_bilinear(files.read_rgb8(sets / "exemplars/0.png"), *SIDES[0]))
    with running(pages) as service:
        assert "<h1>Mosaic</h1>" in service.get("/").text
        assert service.get("/api/info").json()["checkpoint"]["name"] == "run"
        assert "mask" in service.get("/edgeconnect/").text
        answer = service.post("/mosaic/api/paint", labels=labels, exemplar=exemplar)
        assert answer.status_code == 200, answer.text
        refused = service.post("/api/paint", labels=exemplar, exemplar=exemplar)
        assert refused.status_code == 400 and "classes" in refused.json()["detail"]
    paint = mosaicist(mosaic, checkpoints.load_weights(trained))
    layout = files.read_gray8(sets / "labels/0.png").astype(np.int32)[..., None]
    expected = paint(layout, files.read_picture(exemplar, "exemplar").color)
    np.testing.assert_array_equal(files.read_picture(answer.content, "answer").color, expected)


def test_no_shared_file_names_it():
    for folder in ("edgeconnect_jax", "scripts", "configs", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            assert "mosaic" not in path.read_text(encoding="utf-8").lower(), path
