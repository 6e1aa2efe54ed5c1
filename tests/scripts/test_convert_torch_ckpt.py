"""The command that converts the original's weights, as a user runs it, and what reads the result."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.parity.edgeconnect.reference_weights import state_dict
from configs import tiny
from edgeconnect_jax import inpaint
from edgeconnect_jax.checkpoints import folders
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.host import files as host_files
from edgeconnect_jax.images import files as images
from edgeconnect_jax.importers import convert
from edgeconnect_jax.importers.layouts import to_variables
from edgeconnect_jax.systems.edgeconnect.data import READER
from edgeconnect_jax.systems.edgeconnect.importer import FILES, ORIGINAL_SIZES
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from edgeconnect_jax.systems.edgeconnect.rules import RULES
from edgeconnect_jax.training.session import load_frozen
from scripts import convert_torch_ckpt
from tests.importers import originals
from tests.scripts.converting import assert_same, refused, run
from tests.synthetic import picture
from tests.training.runs import open_session

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.oracles

ENVIRONMENT = os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parents[2])}


def expected(network, seed, **sizes):
    tensors = originals.state(network, seed=seed, **sizes)
    return to_variables(tensors, originals.entries_of(network, originals.sizes_of(network, **sizes)))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with all four files, of the sizes of configs/tiny.py."""
    return originals.write_all(tmp_path_factory.mktemp("original"))


@pytest.fixture(scope="module")
def checkpoint(files, tmp_path_factory):
    """What the command makes of it."""
    folder = tmp_path_factory.mktemp("converted") / "weights"
    assert run("--input", files, "--output", folder) == 0
    return folder


@pytest.fixture(scope="module")
def vgg19(tmp_path_factory):
    """torchvision's file with a classifier (a small one), and the tensors of its convolutional part."""
    rng = np.random.default_rng(0)
    shapes = originals.tensor_shapes("vgg19", {})
    tensors = {key: rng.standard_normal(shape, np.float32) / 50 for key, shape in shapes.items()}
    classifier = {"classifier.0.weight": np.ones((4, 7), np.float32), "classifier.0.bias": np.ones(4, np.float32)}
    return originals.write(tmp_path_factory.mktemp("vgg") / "vgg19-dcbb9e9d.pth", tensors | classifier), tensors


def test_the_command_in_a_process_of_its_own(files, tmp_path):
    command = [sys.executable, convert_torch_ckpt.__file__, "--input", str(files), "--output", "weights"]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    bias = np.linalg.norm(originals.state("edge_generator")["encoder.1.bias"])
    assert f"encoder.1.bias 4 edge_generator/params/body/encoder_0/bias {bias:.6g}" in lines
    assert "features.0.weight_u 4 the same as conv1.0.weight_u" in lines
    assert "edge_generator EdgeModel_gen.pth 70 features 4, residual_blocks 1 28 0" in lines
    assert "Written: weights (step 70)" in lines
    assert "--checkpoint weights --input PICTURES --mask MASKS" in done.stdout
    assert (
        "--config.checkpoint.init_from=weights --config.task.features=4 --config.task.residual_blocks=1" in done.stdout
    )
    assert "CC BY-NC 4.0" in done.stdout


def test_one_checkpoint_with_all_networks(checkpoint):
    assert [path.name for path in checkpoint.iterdir()] == [str(originals.ITERATION)]
    weights = checkpoints.load_weights(checkpoint)
    for seed, network in enumerate(originals.NETWORKS):
        assert weights.meta[network] == originals.sizes_of(network)
        assert_same(weights.networks[network], expected(network, seed))
    assert set(weights.steps.values()) == {originals.ITERATION}
    assert folders.read_meta(folders.find(checkpoint))["system"] == "edgeconnect"


def test_full_width(tmp_path, capsys):
    """The original's own sizes; one network is enough to go through everything."""
    tensors = state_dict("inpaint_discriminator")
    name = FILES["inpaint_discriminator"]
    originals.write(tmp_path / f"in/{name}.pth", {"discriminator": tensors})
    assert run("--input", tmp_path / "in", "--output", tmp_path / "out") == 0
    assert "--config.task" not in capsys.readouterr().out
    weights = checkpoints.load_weights(tmp_path / "out")
    assert weights.meta == {"inpaint_discriminator": {"features": 64}}
    np.testing.assert_array_equal(
        weights.networks["inpaint_discriminator"]["params"]["conv_3"]["kernel"],
        tensors["conv4.0.weight_orig"].transpose(2, 3, 1, 0),
    )


@pytest.mark.parametrize("compat", [None, "original"])
def test_inpaint_fills_with_it(files, checkpoint, compat, tmp_path):
    image, mask = picture(3, 27, 33)
    images.write_png(tmp_path / "a.png", image)
    images.write_png(tmp_path / "mask.png", mask)
    options = [
        "--checkpoint",
        str(checkpoint),
        "--input",
        str(tmp_path / "a.png"),
        "--mask",
        str(tmp_path / "mask.png"),
    ]
    options += ["--output", str(tmp_path / "out"), *(["--compat", compat] if compat else [])]
    assert inpaint.main(options) == 0
    networks = {network: expected(network, seed) for seed, network in enumerate(originals.NETWORKS)}
    weights = checkpoints.Weights(networks, {network: originals.sizes_of(network) for network in networks})
    filled = Inpainter(weights, compat=compat)(image, mask).image
    np.testing.assert_array_equal(images.read_rgb8(tmp_path / "out/a.png"), filled)
    assert (filled[mask > 0] != image[mask > 0]).any()


def session(stage, init_from, workdir):
    config = tiny.get_config()
    config.task.name = stage
    config.checkpoint.init_from = (str(init_from),)
    configuration.validate(config, RULES, READER)
    return open_session(config, workdir, say=lambda text: None)


@pytest.mark.parametrize("stage", ["edge", "inpaint", "edge_inpaint", "joint"])
def test_every_stage_starts_from_it(stage, checkpoint, tmp_path):
    opened = session(stage, checkpoint, tmp_path)
    try:
        networks = opened.task.architecture
        assert networks
        for network in networks:
            wanted = expected(network, originals.NETWORKS.index(network))
            found = {"params": opened.state.params[network], **opened.state.collections[network]}
            assert_same(found, wanted)
    finally:
        opened.close()


def test_other_sizes_are_told_from_the_tensors_and_need_not_agree(tmp_path, capsys):
    folder = originals.write_all(tmp_path / "in", originals.NETWORKS[:2], features=6, residual_blocks=3)
    inpainting = originals.state("inpaint_generator", seed=2, features=4, residual_blocks=2)
    originals.write(folder / "InpaintingModel_gen.pth", originals.content("inpaint_generator", inpainting, 90))
    assert run("--input", folder, "--output", tmp_path / "out") == 0
    assert "task.features is the same for all networks of a stage" in capsys.readouterr().out
    weights = checkpoints.load_weights(tmp_path / "out")
    assert weights.meta == {
        "edge_generator": {"features": 6, "residual_blocks": 3},
        "edge_discriminator": {"features": 6},
        "inpaint_generator": {"features": 4, "residual_blocks": 2},
    }
    assert weights.steps == {"edge_generator": 70, "edge_discriminator": 70, "inpaint_generator": 90}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["90"]
    filled = Inpainter.from_checkpoint(tmp_path / "out")(*picture(3, 24, 24))
    assert filled.image is not None and filled.image.shape == (24, 24, 3)


@pytest.mark.parametrize("names", [("edge_generator",), ("inpaint_generator",)])
def test_a_single_generator_can_be_used(names, tmp_path, capsys):
    folder = originals.write_all(tmp_path / "in", names)
    assert run("--input", folder, "--output", tmp_path / "out") == 0
    stage = names[0].split("_")[0]
    assert f"--output FILLED --steps {stage}" in capsys.readouterr().out
    Inpainter.from_checkpoint(tmp_path / "out", steps=stage)


def test_vgg19_alone_is_what_the_losses_read(vgg19, tmp_path, capsys):
    path, tensors = vgg19
    assert run("--vgg19", path, "--output", tmp_path / "vgg") == 0
    printed = capsys.readouterr().out
    assert f"--config.losses.vgg_weights={tmp_path / 'vgg'}" in printed and "init_from" not in printed
    assert "unused: VGG19's classifier" in printed and "CC BY-NC" not in printed
    assert "system" not in folders.read_meta(folders.find(tmp_path / "vgg"))
    config = tiny.get_config()
    config.task.name = "inpaint"
    config.losses.update(content=0.1, style=250.0, vgg_weights=str(tmp_path / "vgg"))
    configuration.validate(config, RULES, READER)
    opened = open_session(config, tmp_path / "run", say=lambda text: None)
    try:
        assert_same(opened.state.frozen["vgg19"], to_variables(tensors, originals.entries_of("vgg19", {})))
        assert_same(load_frozen(opened.task.frozen)["vgg19"], opened.state.frozen["vgg19"])
    finally:
        opened.close()


def test_vgg19_beside_the_originals_files_in_one_checkpoint(files, vgg19, tmp_path):
    assert run("--input", files, "--vgg19", vgg19[0], "--output", tmp_path / "out") == 0
    assert set(checkpoints.load_weights(tmp_path / "out").networks) == {*originals.NETWORKS, "vgg19"}
    opened = session("joint", tmp_path / "out", tmp_path / "run")  # which takes the four, and no VGG19
    opened.close()


def test_what_is_wrong_with_any_file_is_said_at_once_and_nothing_written(tmp_path, capsys):
    folder = originals.write_all(tmp_path / "in", ("edge_generator", "inpaint_generator"))
    tensors = originals.state("edge_discriminator")
    tensors["conv3.0.weight_orig"] = tensors["conv3.0.weight_orig"][:-1]
    del tensors["conv4.0.weight_u"]
    originals.write(folder / "EdgeModel_dis.pth", {"discriminator": tensors | {"more": np.zeros((2, 3), np.float32)}})
    data = (folder / "InpaintingModel_gen.pth").read_bytes()
    (folder / "InpaintingModel_gen.pth").write_bytes(data[:-100])
    message = refused(capsys, "--input", folder, "--output", tmp_path / "new/out", "--vgg19", tmp_path / "vgg.pth")
    assert len(message.splitlines()) == 6
    for words in (
        "nothing was written",
        "EdgeModel_dis.pth: missing conv4.0.weight_u (32,)",
        "EdgeModel_dis.pth: unexpected more (2, 3)",
        "EdgeModel_dis.pth: conv3.0.weight_orig is (15, 8, 4, 4), expected (16, 8, 4, 4)",
        "InpaintingModel_gen.pth: corrupted",
        "vgg.pth: no such file",
    ):
        assert words in message
    assert not (tmp_path / "new").exists()


def test_nothing_to_convert(files, tmp_path, capsys):
    output = ("--output", tmp_path / "out")
    assert "name a folder" in refused(capsys, *output)
    assert "no such folder" in refused(capsys, "--input", tmp_path / "none", *output)
    assert "a file, not a folder" in refused(capsys, "--input", files / "EdgeModel_gen.pth", *output)
    (tmp_path / "mine").mkdir()
    originals.write(tmp_path / "mine/best.pth", {})
    message = refused(capsys, "--input", tmp_path / "mine", *output)
    assert "it holds none of EdgeModel_gen.pth, " in message and "it holds best.pth" in message
    assert f"there are some in {files}" in refused(capsys, "--input", files.parent, *output)


def test_other_files_beside_them_are_named(tmp_path, capsys):
    folder = originals.write_all(tmp_path / "in", ("edge_generator",))
    originals.write(folder / "EdgeModel_gen_old.pth", {})
    assert run("--input", folder, "--output", tmp_path / "out") == 0
    assert f"not read: {folder / 'EdgeModel_gen_old.pth'}" in capsys.readouterr().out


def test_what_is_there_is_not_written_over(files, checkpoint, tmp_path, capsys):
    before = {path: path.stat().st_mtime_ns for path in checkpoint.rglob("*")}
    assert "it already exists; choose a new folder" in refused(capsys, "--input", files, "--output", checkpoint)
    assert {path: path.stat().st_mtime_ns for path in checkpoint.rglob("*")} == before
    (tmp_path / "file").touch()
    assert "it already exists" in refused(capsys, "--input", files, "--output", tmp_path / "file")
    (tmp_path / "empty").mkdir()
    assert run("--input", files, "--output", tmp_path / "empty") == 0


def test_a_write_that_fails_leaves_nothing(files, tmp_path, capsys, monkeypatch):
    save = checkpoints.save_weights

    def fail(path, *arguments, **options):
        save(path, *arguments, **options)
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoints, "save_weights", fail)
    assert "no space left" in refused(capsys, "--input", files, "--output", tmp_path / "out")


@pytest.mark.parametrize(("module", "function"), [(convert, "read"), (host_files.os, "replace")])
def test_interrupted_it_leaves_nothing(files, tmp_path, capsys, monkeypatch, module, function):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, function, interrupt)
        assert run("--input", files, "--output", tmp_path / "out") == 130
    assert capsys.readouterr().err == "convert_torch_ckpt: interrupted, nothing was written\n"
    assert not list(tmp_path.iterdir())


def test_an_output_that_cannot_be_is_refused_before_anything_is_read(tmp_path, capsys):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for output, reason in (("file/out", "is a file, not a folder"), ("link", "a link; name the folder itself")):
        assert run("--input", tmp_path / "missing", "--output", tmp_path / output) == 2
        assert reason in capsys.readouterr().err


def test_a_file_without_its_last_block_is_not_a_shallower_network(tmp_path, capsys):
    tensors = {key: array for key, array in state_dict("inpaint_generator").items() if not key.startswith("middle.7.")}
    originals.write(tmp_path / "in/InpaintingModel_gen.pth", {"generator": tensors})
    message = refused(capsys, "--input", tmp_path / "in", "--output", tmp_path / "out")
    assert "missing middle.7.conv_block.1.weight (256, 256, 3, 3)" in message
    assert "give --residual_blocks 7" in message
    assert run("--input", tmp_path / "in", "--output", tmp_path / "out", "--residual_blocks", "7") == 0
    assert checkpoints.load_weights(tmp_path / "out").meta["inpaint_generator"]["residual_blocks"] == 7


def test_a_system_that_does_not_exist(tmp_path, capsys):
    assert "unknown system 'telepathy'" in refused(capsys, "--system", "telepathy", "--output", tmp_path / "out")


def test_torch_is_asked_for(files, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    message = refused(capsys, "--input", files, "--output", tmp_path / "out")
    assert "pip install -e '.[convert]'" in message and len(message.splitlines()) == 1


def test_training_options_of_the_originals_sizes_are_none():
    sizes = {"edge_generator": {"features": 64, "residual_blocks": 8}}
    assert convert.training_options(sizes, ORIGINAL_SIZES) == []
    sizes = {"edge_generator": {"features": 64, "residual_blocks": 4}, "vgg19": {}}
    options = convert.training_options(sizes, ORIGINAL_SIZES)
    assert options == ["--config.task.residual_blocks=4"]
