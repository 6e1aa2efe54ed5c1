"""Features, FID and LPIPS on random weights, converted from files as published; PyTorch's own as oracles."""

import pathlib

import numpy as np
import pytest

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.metrics import networks
from edgeconnect_jax.metrics.fid import Statistics, frechet_distance
from edgeconnect_jax.systems.edgeconnect import legacy
from scripts import convert_torch_ckpt
from tests.metrics import oracles
from tests.metrics.oracles import quietly, to_torch

pytestmark = pytest.mark.oracles


@pytest.fixture(scope="module")
def inceptions(tmp_path_factory):
    """One checkpoint of both kinds, from files with random weights, and these weights."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("inception")
    states = {name: oracles.inception_state(name, i) for i, name in enumerate(("inception", "inception_torchvision"))}
    files = [str(oracles.write(folder / f"{name}.pth", tensors)) for name, tensors in states.items()]
    assert convert_torch_ckpt.main(["--inception", *files, "--output", str(folder / "weights")]) == 0
    return folder / "weights", states


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 256, (3, 64, 80, 3), np.uint8)


@pytest.fixture(scope="module")
def extractor(inceptions):
    return networks.feature_extractor(networks.FID, inceptions[0], batch=2)


@pytest.fixture(scope="module")
def features(extractor, pictures):
    """Of one batch and a part of another."""
    return extractor(pictures)


@pytest.fixture(scope="module")
def pytorch_fid(inceptions):
    """pytorch-fid's network, with our random weights in the place of those it would download."""
    oracles.import_torchvision()
    pytest.importorskip("pytorch_fid")
    module = quietly(__import__, "pytorch_fid.inception").inception
    module.load_state_dict_from_url = lambda *_, **__: to_torch(inceptions[1]["inception"])
    return quietly(module.InceptionV3).eval()


def channels_first(pictures):
    import torch

    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32))


def test_features_equal_pytorch_fids(features, pictures, pytorch_fid):
    (expected,) = pytorch_fid(channels_first(pictures) / 255)
    assert features.shape == (3, 2048) and features.dtype == np.float32 and features.std() > 0.1
    np.testing.assert_allclose(features, expected[..., 0, 0].numpy(), atol=1e-4)


def test_clean_features_equal_pytorch_fids_network_on_cleanly_resized_pictures(
    inceptions, pictures, pytorch_fid, monkeypatch
):
    import torch

    options = {"mode": "bicubic", "align_corners": False, "antialias": True}
    resized = torch.nn.functional.interpolate(channels_first(pictures[:2]), (299, 299), **options).clamp(0, 255)
    monkeypatch.setattr(pytorch_fid, "resize_input", False)
    monkeypatch.setattr(pytorch_fid, "normalize_input", False)
    (expected,) = pytorch_fid((resized - 128) / 128)
    found = networks.feature_extractor(networks.CLEAN_FID, inceptions[0], batch=2)(pictures[:2])
    np.testing.assert_allclose(found, expected[..., 0, 0].numpy(), atol=1e-4)


def test_legacy_features_equal_torchvisions(inceptions, pictures):
    torch, torchvision = pytest.importorskip("torch"), oracles.import_torchvision()
    weights, states = inceptions
    network = torchvision.models.Inception3(transform_input=True, aux_logits=False, init_weights=False).eval()
    tensors = states["inception_torchvision"]
    network.load_state_dict(to_torch({key: x for key, x in tensors.items() if not key.startswith("AuxLogits")}))
    network.fc = torch.nn.Identity()
    with torch.no_grad():
        resized = torch.nn.functional.interpolate(channels_first(pictures[:2]) / 255, (299, 299), mode="bilinear")
        expected = network(resized)
    extractor = networks.feature_extractor(legacy.FEATURES, weights, batch=2)
    np.testing.assert_allclose(extractor(pictures[:2]), expected.numpy(), atol=1e-4)
    assert [extractor.used(count) for count in (5, 64, 100, 200)] == [5, 64, 64, 192]
    assert "legacy" in extractor.definition and "dropped" in extractor.definition


def test_the_distance_of_features_equals_the_root_of_a_matrix(features, extractor, pictures):
    from scipy import linalg

    other = extractor(255 - pictures)
    # Three pictures determine a covariance of two features, of which sqrtm can still take the root.
    lively = np.argsort(features.std(axis=0) * other.std(axis=0))[-2:]
    sets, values = [Statistics(2), Statistics(2)], [features[:, lively], other[:, lively]]
    for made, of in zip(sets, values, strict=True):
        made.update(of)
    a, b = (np.cov(of.astype(float), rowvar=False) for of in values)
    step = np.subtract(*(of.mean(axis=0, dtype=float) for of in values))
    expected = step @ step + np.trace(a + b - 2 * linalg.sqrtm(a @ b).real)
    assert frechet_distance(*sets) == pytest.approx(expected, rel=1e-6) and expected > 1e-4


def test_features_do_not_depend_on_the_batch_and_pictures_may_differ_in_size(features, extractor, pictures):
    assert extractor.used(3) == 3
    assert extractor([]).shape == (0, 2048)
    found = extractor([pictures[2], pictures[0][:40], pictures[1]])
    np.testing.assert_allclose(found[[0, 2]], features[[2, 1]], atol=1e-5)
    assert np.abs(found[1] - features[0]).max() > 1e-2


def test_pictures_of_another_kind_are_refused(extractor, pictures):
    with pytest.raises(ValueError, match=r"float64 pictures of shape \(64, 80, 3\); expected uint8"):
        extractor(pictures / 255)
    with pytest.raises(ValueError, match=r"shape \(64, 80\)"):
        extractor(pictures[..., 0])


def test_what_is_said_of_definition_and_weights(extractor, inceptions):
    kinds = [
        networks.feature_extractor(kind, inceptions[0]) for kind in (networks.FID, networks.CLEAN_FID, legacy.FEATURES)
    ]
    assert len({one.definition for one in kinds}) == 3
    assert kinds[0].weights_hash == kinds[1].weights_hash == extractor.weights_hash != kinds[2].weights_hash
    held = checkpoints.load_weights(inceptions[0]).networks
    assert extractor.weights_hash == checkpoints.fingerprint(held["inception"])


LPIPS = {"alex": networks.LPIPS_ALEX, "vgg": networks.LPIPS_VGG}
BACKBONES = {"alex": ("alexnet", 63, 71), "vgg": ("vgg16", 40, 33)}


@pytest.fixture(scope="module", params=BACKBONES)
def lpips_pair(request, tmp_path_factory):
    """The package's LPIPS with its own heads and a random backbone, and ours from the files of both."""
    backbone, (name, *_) = request.param, BACKBONES[request.param]
    oracles.import_torchvision()
    pytest.importorskip("lpips")
    package = quietly(__import__, "lpips")
    theirs = quietly(package.LPIPS, net=backbone, pnet_rand=True, verbose=False)
    heads = pathlib.Path(package.__file__).parent / f"weights/v0.1/{backbone}.pth"
    tensors = oracles.state(f"lpips_{backbone}")
    trunk = {key: array for key, array in tensors.items() if key.startswith("features.")}
    for parameter in theirs.net.state_dict():
        number, kind = parameter.split(".")[1:]
        theirs.net.state_dict()[parameter].copy_(to_torch(trunk)[f"features.{number}.{kind}"])
    folder = tmp_path_factory.mktemp(name)
    trunk |= {"classifier.1.weight": np.ones((3, 4), np.float32)}
    files = [str(heads), str(oracles.write(folder / f"{name}.pth", trunk))]
    assert convert_torch_ckpt.main([f"--lpips_{backbone}", *files, "--output", str(folder / "weights")]) == 0
    return backbone, theirs, networks.pair_distance(LPIPS[backbone], [folder / "weights"], batch=2)


def test_lpips_equals_the_package(lpips_pair):
    backbone, theirs, ours = lpips_pair
    height, width = BACKBONES[backbone][1:]
    truth, noise = np.random.default_rng(1).integers(0, 256, (2, 3, height, width, 3), np.uint8)
    output = np.where(np.arange(width)[:, None] < width // 2, truth, noise)
    import torch

    with torch.no_grad():
        expected = theirs(*(channels_first(x) / 127.5 - 1 for x in (truth, output)))[:, 0, 0, 0].numpy()
    found = ours(truth, output)
    assert found.shape == (3,) and expected.min() > 1e-2
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(ours(truth[:1], truth[:1]), 0, atol=1e-6)
    smallest = {"alex": 31, "vgg": 16}[backbone]
    assert np.isfinite(ours(truth[:1, :smallest, :smallest], output[:1, :smallest, :smallest])).all()
    with pytest.raises(ValueError, match=f"takes sides of {smallest} or more"):
        ours(truth[:1, : smallest - 1], output[:1, : smallest - 1])
    with pytest.raises(ValueError, match="different shapes"):
        ours(truth, output[:2])
    with pytest.raises(ValueError, match="uint8"):
        ours(truth / 255, output / 255)
    assert "LPIPS 0.1" in ours.definition and len(ours.weights_hash) == 64


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda c: networks.feature_extractor(networks.FID, c), ("FID", "inception", "--inception pt_inception")),
        (lambda c: networks.feature_extractor(legacy.FEATURES, c), ("legacy", "--inception inception_v3_google")),
        (
            lambda c: networks.pair_distance(networks.LPIPS_ALEX, c),
            ("AlexNet", "lpips_alex", "--lpips_alex alex.pth alexnet"),
        ),
        (lambda c: networks.pair_distance(networks.LPIPS_VGG, c), ("VGG16", "lpips_vgg", "--lpips_vgg vgg.pth vgg16")),
        (lambda c: networks.pair_distance(networks.DISTANCE_LITE0, c), ("distance", "--efficientnet_lite0 efficient")),
        (lambda c: networks.feature_extractor(networks.FRECHET_LITE0, c), ("Frechet", "--efficientnet_lite0 effici")),
    ],
)
def test_missing_weights_are_named_with_the_remedy(make, words, tmp_path):
    checkpoints.save_weights(tmp_path / "other", {"vgg19": {"params": {"a": np.zeros(2)}}}, {"vgg19": {}})
    for given, held in ((None, "no weights"), ([], "no weights"), (tmp_path / "other", "holds vgg19")):
        with pytest.raises(ValueError, match="convert_torch_ckpt") as error:
            make(given)
        assert all(word in str(error.value) for word in (*words, held))


def test_weights_that_do_not_fit_are_refused(tmp_path):
    network = {"params": {"linear_0": {"kernel": np.zeros((1, 1, 5, 1))}}}
    checkpoints.save_weights(tmp_path / "odd", {"lpips_alex": network}, {"lpips_alex": {}})
    with pytest.raises(ValueError, match="convert the published file again") as error:
        networks.pair_distance(networks.LPIPS_ALEX, tmp_path / "odd")
    assert "params/linear_0/kernel is (1, 1, 5, 1), expected (1, 1, 64, 1)" in str(error.value)
    assert "missing params/backbone/conv5/bias (256,)" in str(error.value)
