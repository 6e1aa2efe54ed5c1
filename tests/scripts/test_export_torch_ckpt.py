"""The command that writes the original's files, as a user runs it."""

import json
import os
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

from benchmarks.parity.edgeconnect.reference_weights import SHAPES, state_dict
from configs import tiny
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.systems.edgeconnect.importer import FILES as ORIGINALS
from edgeconnect_jax.systems.edgeconnect.networks import EdgeGenerator
from scripts import convert_torch_ckpt, export_torch_ckpt
from tests.importers import originals
from tests.training.runs import train

torch = pytest.importorskip("torch")

FILES = {**ORIGINALS, "vgg19": "vgg19"}

pytestmark = pytest.mark.oracles

ENVIRONMENT = os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parents[2])}
ALL = sorted(f"{FILES[network]}.pth" for network in originals.NETWORKS)


def run(*arguments):
    return export_torch_ckpt.main([str(argument) for argument in arguments])


def convert(folder, output, *more):
    arguments = ["--input", str(folder), "--output", str(output), *map(str, more)]
    assert convert_torch_ckpt.main(arguments) == 0
    return output


def load(path):
    return torch.load(path, weights_only=True)


def state_of(path):
    """The state dict inside one of the original's files."""
    read = load(path)
    return next((read[name] for name in ("generator", "discriminator") if name in read), read)


def assert_same_bytes(path, other):
    one, two = state_of(path), state_of(other)
    assert list(one) == list(two)
    for key, tensor in one.items():
        assert tensor.dtype == two[key].dtype and tensor.shape == two[key].shape, key
        assert two[key].is_contiguous() and tensor.numpy().tobytes() == two[key].numpy().tobytes(), key


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return originals.write_all(tmp_path_factory.mktemp("original"))


@pytest.fixture(scope="module")
def checkpoint(files, tmp_path_factory):
    return convert(files, tmp_path_factory.mktemp("converted") / "weights")


@pytest.fixture(scope="module")
def averaged_run(tmp_path_factory):
    """Two steps of the edge stage that keep a moving average."""
    workdir = tmp_path_factory.mktemp("edge")
    config = tiny.get_config()
    config.sample.interval = config.eval.interval = 0
    config.train.ema_decay = 0.5
    train(config, workdir)
    return workdir


def test_convert_and_export_again_in_a_process_of_its_own(files, checkpoint, tmp_path):
    command = [sys.executable, export_torch_ckpt.__file__, "--checkpoint", str(checkpoint), "--output", "out"]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ALL
    for name in ALL:
        assert_same_bytes(files / name, tmp_path / "out" / name)
        wanted = {"discriminator"} if "_dis" in name else {"iteration", "generator"}
        assert load(tmp_path / "out" / name).keys() == wanted
    assert load(tmp_path / "out/EdgeModel_gen.pth")["iteration"] == originals.ITERATION
    lines = [" ".join(line.removeprefix("Note:").split()) for line in done.stdout.splitlines()]
    norm = np.linalg.norm(originals.state("edge_generator")["encoder.1.bias"])
    assert f"edge_generator/params/body/encoder_0/bias 4 encoder.1.bias {norm:.6g}" in lines
    assert f"EdgeModel_gen.pth edge_generator 70 no {checkpoint / '70'}" in lines
    assert (
        "edge_generator: its channels 64, 128, 256 become 4, 8, 16, and it is made with residual_blocks=1" in lines
        and "edge_discriminator: its channels 64, 128, 256, 512 become 4, 8, 16, 32" in lines
    )
    assert "CC BY-NC 4.0" in done.stdout


def test_full_width(tmp_path, capsys):
    """All networks at the original's sizes, VGG19 among them: same keys, order, shapes and bytes."""
    for network, name in FILES.items():
        shapes = json.loads(SHAPES.read_text())[name]
        rng = np.random.default_rng(len(shapes))
        tensors = {key: rng.standard_normal(shape, np.float32) for key, shape in shapes.items()}
        repeated = {key: tensors[key.replace("features.0", "conv1.0")] for key in tensors if network != "vgg19"}
        tensors = state_dict(network) if network == "edge_discriminator" else tensors | repeated
        originals.write(tmp_path / f"in/{name}.pth", originals.content(network, tensors, 1000))
    convert(tmp_path / "in", tmp_path / "ckpt", "--vgg19", tmp_path / "in/vgg19.pth")
    capsys.readouterr()
    assert run("--checkpoint", tmp_path / "ckpt", "--output", tmp_path / "out") == 0
    assert "networks.py" not in capsys.readouterr().out
    for name in FILES.values():
        assert_same_bytes(tmp_path / f"in/{name}.pth", tmp_path / f"out/{name}.pth")
        assert list(state_of(tmp_path / f"out/{name}.pth")) == list(json.loads(SHAPES.read_text())[name])


def test_what_was_trained_here_is_converted_back_to_the_same_bytes(averaged_run, tmp_path):
    assert run("--checkpoint", averaged_run, "--output", tmp_path / "out", "--no-average") == 0
    assert load(tmp_path / "out/EdgeModel_gen.pth")["iteration"] == 2
    again = checkpoints.load_weights(convert(tmp_path / "out", tmp_path / "again"))
    trained = checkpoints.load_weights(averaged_run, average=False)
    assert again.meta == trained.meta and again.steps == trained.steps
    jax.tree.map(np.testing.assert_array_equal, again.networks, trained.networks)


def test_the_average_is_taken_as_inpaint_takes_it(averaged_run, tmp_path, capsys):
    assert run("--checkpoint", averaged_run, "--output", tmp_path / "average") == 0
    assert f"edge_generator 2 yes {averaged_run}" in " ".join(capsys.readouterr().out.split())
    assert run("--checkpoint", averaged_run, "--output", tmp_path / "last", "--no-average") == 0
    assert f"edge_generator 2 no {averaged_run}" in " ".join(capsys.readouterr().out.split())
    assert_same_bytes(tmp_path / "average/EdgeModel_dis.pth", tmp_path / "last/EdgeModel_dis.pth")
    for name, average in (("average", True), ("last", False)):
        wanted = checkpoints.load_weights(averaged_run, ("edge_generator",), average=average).networks["edge_generator"]
        bias = state_of(tmp_path / name / "EdgeModel_gen.pth")["decoder.7.bias"].numpy()
        np.testing.assert_array_equal(bias, wanted["params"]["body"]["output"]["bias"])
    one, two = (
        state_of(tmp_path / name / "EdgeModel_gen.pth")["encoder.1.weight_orig"] for name in ("average", "last")
    )
    assert not torch.equal(one, two)


@pytest.mark.parametrize("network", originals.NETWORKS)
def test_torchs_own_modules_load_it_and_compute_the_same(network, checkpoint, tmp_path):
    networks = pytest.importorskip("benchmarks.parity.edgeconnect.torch_networks")
    modules = {
        "edge_generator": lambda: networks.EdgeGenerator(**originals.NARROW),
        "inpaint_generator": lambda: networks.InpaintGenerator(**originals.NARROW),
        "edge_discriminator": lambda: networks.Discriminator(2, features=4),
        "inpaint_discriminator": lambda: networks.Discriminator(3, features=4),
    }
    assert run("--checkpoint", checkpoint, "--output", tmp_path) == 0
    module = modules[network]()
    state = state_of(tmp_path / f"{FILES[network]}.pth")
    module.load_state_dict(state, strict=True)
    assert list(module.state_dict()) == list(state)
    # What tells a loader from which version of spectral normalisation the layers come; PyTorch 1.0 insists on it.
    versions = {
        name: of["spectral_norm"] for name, of in module.state_dict()._metadata.items() if "spectral_norm" in of
    }
    assert {name: of["spectral_norm"] for name, of in state._metadata.items() if "spectral_norm" in of} == versions
    if network == "edge_generator":
        x = np.random.default_rng(0).random((1, 16, 16, 3), np.float32)
        ours = EdgeGenerator(**originals.NARROW).apply(checkpoints.load_weights(checkpoint).networks[network], x)
        with torch.no_grad():
            theirs = module.eval()(torch.from_numpy(x.transpose(0, 3, 1, 2)))
        np.testing.assert_allclose(ours, theirs.numpy().transpose(0, 2, 3, 1), atol=5e-5)


def test_several_checkpoints_the_last_counts(files, checkpoint, tmp_path):
    tensors = originals.state("edge_generator", seed=9)
    originals.write(tmp_path / "in/EdgeModel_gen.pth", originals.content("edge_generator", tensors, 12))
    later = convert(tmp_path / "in", tmp_path / "later")
    assert run("--checkpoint", checkpoint, later, "--output", tmp_path / "out") == 0
    assert_same_bytes(tmp_path / "in/EdgeModel_gen.pth", tmp_path / "out/EdgeModel_gen.pth")
    assert_same_bytes(files / "InpaintingModel_gen.pth", tmp_path / "out/InpaintingModel_gen.pth")
    iterations = [load(tmp_path / f"out/{name}_gen.pth")["iteration"] for name in ("EdgeModel", "InpaintingModel")]
    assert iterations == [12, originals.ITERATION]


def refused(capsys, *arguments):
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert not captured.out and captured.err.startswith("export_torch_ckpt: ")
    return captured.err


def test_existing_files_are_replaced_only_when_that_is_said(files, checkpoint, tmp_path, capsys):
    (tmp_path / "EdgeModel_dis.pth").write_bytes(b"mine")
    message = refused(capsys, "--checkpoint", checkpoint, "--output", tmp_path)
    assert "EdgeModel_dis.pth: it already exists; give --overwrite" in message
    assert [path.name for path in tmp_path.iterdir()] == ["EdgeModel_dis.pth"]
    assert run("--checkpoint", checkpoint, "--output", tmp_path, "--overwrite") == 0
    assert_same_bytes(files / "EdgeModel_dis.pth", tmp_path / "EdgeModel_dis.pth")


def test_what_cannot_be_exported(tmp_path, capsys, monkeypatch):
    output = ("--output", tmp_path / "out")
    assert "no such checkpoint" in refused(capsys, "--checkpoint", tmp_path / "none", *output)
    checkpoints.save_weights(tmp_path / "other", {"critic": {"params": {"a": np.zeros(1)}}}, {"critic": {}})
    assert "the checkpoint holds critic" in refused(capsys, "--checkpoint", tmp_path / "other", *output)
    sizes = {"features": 4, "residual_blocks": 1}
    checkpoints.save_weights(
        tmp_path / "odd", {"edge_generator": {"params": {"a": np.zeros(1)}}}, {"edge_generator": sizes}
    )
    message = refused(capsys, "--checkpoint", tmp_path / "odd", *output)
    assert "missing params/body/encoder_0/kernel" in message and "unexpected params/a" in message
    assert not (tmp_path / "out").exists()


def test_networks_that_the_original_lacks_are_named(checkpoint, tmp_path, capsys):
    weights = checkpoints.load_weights(checkpoint, ("edge_generator",))
    networks = weights.networks | {"critic": {"params": {"a": np.zeros(1, np.float32)}}}
    checkpoints.save_weights(tmp_path / "more", networks, weights.meta | {"critic": {}})
    assert run("--checkpoint", tmp_path / "more", "--output", tmp_path / "out") == 0
    assert "the original has no such network: critic" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["EdgeModel_gen.pth"]


def test_checkpoints_of_several_systems_are_refused_unless_one_is_chosen(checkpoint, tmp_path, capsys, monkeypatch):
    found = {"edgeconnect": [checkpoint], "other": [checkpoint]}
    monkeypatch.setattr(export_torch_ckpt.systems, "of_checkpoints", lambda paths: found)
    arguments = ("--checkpoint", checkpoint, "--output", tmp_path / "out")
    assert "of several systems, edgeconnect and other" in refused(capsys, *arguments)
    assert run(*arguments, "--system", "edgeconnect") == 0


def test_torch_is_asked_for(checkpoint, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "pip install -e '.[convert]'" in refused(capsys, "--checkpoint", checkpoint, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_in_the_way_is_named_before_anything_is_replaced(checkpoint, tmp_path, capsys):
    (tmp_path / "EdgeModel_dis.pth").mkdir()
    (tmp_path / "EdgeModel_gen.pth").write_text("mine")
    assert run("--checkpoint", checkpoint, "--output", tmp_path, "--overwrite") == 2
    assert "EdgeModel_dis.pth: not a file" in capsys.readouterr().err
    assert (tmp_path / "EdgeModel_gen.pth").read_text() == "mine"
    assert run("--checkpoint", checkpoint, "--output", tmp_path / "EdgeModel_gen.pth") == 2
    assert "EdgeModel_gen.pth: a file, not a folder" in capsys.readouterr().err
