"""Metrics of trained networks, with random weights and the smallest pictures and batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.evaluation import features, groups
from edgeconnect_jax.evaluation.definitions import Definition, Frechet, MetricGroup, Value
from edgeconnect_jax.evaluation.features import ALL, FeatureSet
from edgeconnect_jax.evaluation.network_metrics import NetworkMetrics
from edgeconnect_jax.evaluation.per_image import Row
from edgeconnect_jax.metrics import networks
from edgeconnect_jax.metrics.fid import Statistics, frechet_distance
from edgeconnect_jax.metrics.ids import inception_discriminative_score
from edgeconnect_jax.models.efficientnet import EfficientNetLite0
from edgeconnect_jax.models.inception import Inception
from edgeconnect_jax.models.lpips import LPIPS
from tests.evaluation.noise import Extractor
from tests.synthetic import picture

SIDE = 32
# The FID of a system, by a network that no checkpoint here holds.
WHOLE_BATCHES = MetricGroup(
    "batches",
    (Definition("batch_fid", "FID (whole batches)", "", "", False, 3),),
    networks=(Frechet(networks.FID._replace(name="batch_fid", network="inception_torchvision", needed_by="it needs")),),
)


def random_variables(module, *shapes):
    """Variables of a module with deviations that keep the size of activations, drawn by NumPy."""
    rng = np.random.default_rng(0)

    def draw(path, leaf):
        fan_in = np.prod(leaf.shape[:-1]) if leaf.ndim > 1 else 1
        noise = (rng.standard_normal(leaf.shape) * np.sqrt(2 / fan_in)).astype(np.float32)
        return 1 + np.abs(noise) / 10 if leaf.ndim == 1 and path[-1].key in ("var", "scale") else noise

    inputs = [jnp.zeros(shape) for shape in shapes]
    return jax.tree_util.tree_map_with_path(draw, jax.eval_shape(module.init, jax.random.PRNGKey(0), *inputs))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A checkpoint with TF's Inception and LPIPS's AlexNet."""
    folder = tmp_path_factory.mktemp("weights") / "metrics"
    networks = {
        "inception": random_variables(Inception(tensorflow=True), (1, 299, 299, 3)),
        "lpips_alex": random_variables(LPIPS("alex"), *[(1, 64, 64, 3)] * 2),
        "efficientnet_lite0": random_variables(EfficientNetLite0(), (1, 32, 32, 3)),
    }
    checkpoints.save_weights(folder, networks, {name: {} for name in networks})
    return folder


def examples():
    """Rows of five pictures, each in a bin of its own, with their truths and outputs."""
    truths = np.stack([picture(seed, SIDE, SIDE)[0] for seed in range(5)])
    rows = [Row(f"p{i}", (SIDE, SIDE), 102 * i + 51, {}, {}, "", "") for i in range(5)]
    return rows, truths, np.clip(truths[:, ::-1], 20, 230)


def measure(chosen, weights, references, truths, outputs, rows):
    """The metrics of five pictures, given in batches of two."""
    measured = NetworkMetrics(chosen, [weights], references, batch=2)
    measured.start(5)
    for part in (slice(0, 2), slice(2, 4), slice(4, 5)):
        measured.add(rows[part], truths[part], outputs[part])
    return measured, measured.finish()


def test_values_are_those_of_the_metrics_and_references_stand_for_the_truth(weights, tmp_path):
    path = tmp_path / "truth.npz"
    rows, truths, outputs = examples()
    chosen = (groups.FID, groups.IDS, groups.LPIPS_ALEX, groups.PSNR)
    measured, found = measure(chosen, weights, {"fid": path}, truths, outputs, rows)
    assert not measured.refused and not measured.empty and measured.smallest_sides == {"lpips_alex": 31}
    extractor, lpips = measured._features["fid"]._extractor, measured._distances["lpips_alex"]
    real, fake = extractor(truths), extractor(outputs)
    np.testing.assert_allclose([row.values["lpips_alex"] for row in rows], lpips(truths, outputs), rtol=1e-4)
    score = inception_discriminative_score(real, fake)
    assert (found[ALL]["p_ids"].value, found[ALL]["u_ids"].value) == (100 * score.p_ids, 100 * score.u_ids)
    sides = Statistics(), Statistics()
    for side, values in zip(sides, (real, fake), strict=True):
        side.update(values)
    assert found[ALL]["fid"] == Value(pytest.approx(frechet_distance(*sides), rel=1e-3), 5)
    assert set(found) == {ALL}  # a single picture, as in each bin here, has no covariance
    assert "only 5 pictures" in measured.warnings[0] and "FID" in measured.warnings[0]
    assert measured.texts["p_ids"] == extractor.definition and measured.weights["fid"] == extractor.weights_hash
    # The second time the truth is not looked at, but its statistics are read.
    before, known = path.read_bytes(), (extractor.definition, extractor.weights_hash)
    again, repeated = measure((groups.FID,), weights, {"fid": path}, 0 * truths, outputs, rows)
    assert repeated[ALL]["fid"].value == pytest.approx(found[ALL]["fid"].value, rel=1e-6)
    assert again.texts["fid"] == measured.texts["fid"] and path.read_bytes() == before
    assert again.references == measured.references == {"fid": Statistics.load(path, *known).digest}


def test_distances_of_efficientnet_lite0(weights):
    rows, truths, outputs = examples()
    measured, found = measure((groups.DISTANCE_LITE0, groups.FRECHET_LITE0), weights, {}, truths, outputs, rows)
    variables = checkpoints.load_weights(weights).networks["efficientnet_lite0"]
    pair = [np.float32(x) / 255 for x in (truths, outputs)]
    expected = jax.jit(lambda *pair: EfficientNetLite0().apply(variables, *pair, method="distance"))(*pair)
    found_distances = [row.values["distance_efficientnet_lite0"] for row in rows]
    np.testing.assert_allclose(found_distances, expected, rtol=1e-4)
    assert min(found_distances) > 0.01 and measured.smallest_sides == {"distance_efficientnet_lite0": 32}
    extractor = networks.feature_extractor(networks.FRECHET_LITE0, [weights], batch=2)
    sides = Statistics(1280), Statistics(1280)
    for side, pictures in zip(sides, (truths, outputs), strict=True):
        side.update(extractor(pictures))
    value = Value(pytest.approx(frechet_distance(*sides), rel=1e-3), 5)
    assert found[ALL]["frechet_efficientnet_lite0"] == value and frechet_distance(*sides) > 1e-3
    assert "Frechet distance, EfficientNet-lite0: only 5 pictures: below 1280" in measured.warnings[0]
    assert len(set(measured.weights.values())) == 1 and "no FID" in measured.texts["frechet_efficientnet_lite0"]


def test_a_reference_of_other_features_is_refused_before_any_work(weights, tmp_path, rng):
    other = Statistics()
    other.update(rng.random((3, 2048)))
    other.save(tmp_path / "other.npz", "something else", "hash")
    with pytest.raises(ValueError, match="statistics of other features"):
        NetworkMetrics((groups.FID,), [weights], {"fid": tmp_path / "other.npz"})
    with pytest.raises(ValueError, match="clean_fid is not measured"):
        NetworkMetrics((groups.FID,), [weights], {"clean_fid": tmp_path / "new.npz"})


def test_what_has_no_weights_is_refused_by_name_and_the_rest_runs(weights):
    measured = NetworkMetrics((groups.FID, groups.IDS, groups.LPIPS_ALEX, groups.LPIPS_VGG, WHOLE_BATCHES), [weights])
    assert set(measured.refused) == {"LPIPS (VGG16)", "FID (whole batches)"}
    assert "--lpips_vgg" in measured.refused["LPIPS (VGG16)"]
    assert set(measured.texts) == {"fid", "p_ids", "u_ids", "lpips_alex"}
    nothing = NetworkMetrics((*groups.NETWORKS, WHOLE_BATCHES, groups.PSNR))
    assert nothing.empty and len(nothing.refused) == 9
    assert all("\n" not in reason and "convert_torch_ckpt.py" in reason for reason in nothing.refused.values())


def test_weights_that_are_nowhere_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="no such checkpoint"):
        NetworkMetrics((groups.FID,), [tmp_path / "nowhere"])


def test_statistics_that_cannot_be_written_lose_no_results(tmp_path):
    folder = tmp_path / "truth.npz"
    pictures = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 1, 3), np.uint8)
    measured = NetworkMetrics(())
    measured._features = {"fid": FeatureSet("FID", Extractor(), folder, True, False)}  # pyright: ignore
    measured.start(3)
    rows = [Row(f"p{i}", (1, 1), None, {}, {}, "", None) for i in range(3)]
    measured.add(rows, pictures, pictures + 9)
    folder.mkdir()
    found = measured.finish()
    assert found[ALL]["fid"].value is not None and "truth.npz" in measured.unwritten[0]


class InTwos(Extractor):
    """Takes an even number of pictures, as a definition of whole batches does."""

    def used(self, count):
        return count - count % 2


def with_features(kind, extractor, path=None):
    measured = NetworkMetrics(())
    measured._features = {kind: FeatureSet("FID (whole batches)", extractor, path, True, False)}
    return measured


def add(measured, count):
    pictures = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 1, 3), np.uint8)
    rows = [Row(f"p{i}", (1, 1), None, {}, {}, "", None) for i in range(count)]
    measured.add(rows, pictures, pictures + 9)
    return measured.finish()


@pytest.mark.parametrize(("expected", "left_out", "written"), [(3, 0, True), (3, 1, False), (4, 0, False)])
def test_statistics_of_a_set_that_lacks_pictures_are_not_written(expected, left_out, written, tmp_path, monkeypatch):
    monkeypatch.setattr(features, "frechet_distance", lambda *_: 1.0)  # takes seconds, and is tested elsewhere
    measured = with_features("fid", Extractor(), tmp_path / "truth.npz")
    measured.start(expected, left_out)
    assert add(measured, 3)[ALL]["fid"].value is not None
    assert (tmp_path / "truth.npz").exists() == written == (not measured.unwritten)


def test_a_definition_of_whole_batches_is_not_met_by_halves(monkeypatch):
    """A picture that turned out to be corrupted leaves the last batch incomplete."""
    monkeypatch.setattr(features, "frechet_distance", lambda *_: 1.0)
    measured = with_features("batch_fid", InTwos())
    measured.start(4)
    assert "batch_fid" not in add(measured, 3)[ALL]
    assert "a picture turned out to be corrupted" in measured.refused["FID (whole batches)"]
    measured = with_features("batch_fid", InTwos())
    measured.start(3, 1)  # known before: the last whole batch is the first two
    assert add(measured, 3)[ALL]["batch_fid"].pictures == 2
