import numpy as np
import pytest

from edgeconnect_jax.metrics.fid import Statistics, few_pictures, frechet_distance
from tests.metrics import oracles


def statistics(features, parts=1):
    made = Statistics(features.shape[1])
    for part in np.array_split(features, parts):
        made.update(part)
    return made


@pytest.fixture
def features(rng):
    """Correlated, far from zero, in float32 as the network gives them."""
    return (100 + rng.standard_normal((203, 12)) @ rng.standard_normal((12, 12))).astype(np.float32)


@pytest.mark.parametrize("parts", [1, 7, 203])
def test_streaming_equals_numpy(features, parts):
    made, exact = statistics(features, parts), features.astype(np.float64)
    assert made.count == 203
    np.testing.assert_allclose(made.mean, exact.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(made.covariance, np.cov(exact, rowvar=False), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("count", [5, 300])
def test_distance_equals_the_root_of_a_matrix(rng, count):
    """Also where there are fewer pictures than features, and the covariances are singular."""
    from scipy import linalg

    mix = rng.standard_normal((24, 24))
    one, other = rng.standard_normal((count, 24)) @ mix, 0.3 + 1.2 * rng.standard_normal((count + 3, 24)) @ mix
    a, b = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    root = linalg.sqrtm(a @ b)
    expected = np.square(one.mean(0) - other.mean(0)).sum() + np.trace(a + b - 2 * root.real)
    found = frechet_distance(statistics(one, 2), statistics(other, 3))
    assert found == pytest.approx(expected, rel=1e-3 if count < 24 else 1e-8)
    assert frechet_distance(statistics(other), statistics(one)) == pytest.approx(found, rel=1e-6)


def test_distance_of_known_normal_distributions():
    """Independent features: the sum of (m1 - m2)^2 + (s1 - s2)^2."""
    signs = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    one, other = statistics(signs * [1, 2]), statistics(signs * [3, 5] + [0, 4])
    assert frechet_distance(one, other) == pytest.approx(4**2 + (2**2 + 3**2) * 4 / 3, rel=1e-12)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-12)


def test_what_cannot_be_computed_is_refused(features):
    made = statistics(features)
    with pytest.raises(ValueError, match="two pictures or more, here are 1"):
        frechet_distance(made, statistics(features[:1]))
    with pytest.raises(ValueError, match="different lengths: 12 and 11"):
        frechet_distance(made, statistics(features[:, :11]))
    with pytest.raises(ValueError, match=r"\(3, 11\), expected \(B, 12\)"):
        made.update(features[:3, :11])
    with pytest.raises(ValueError, match=r"\(0, 12\)"):
        made.update(features[:0])
    with pytest.raises(ValueError, match="NaN"):
        made.update(features[:3] * np.float32(np.nan))
    assert made.count == 203


def test_few_pictures_are_told():
    assert "only 2047 pictures: below 2048" in str(few_pictures(2047))
    assert "only 2047 pictures: below 2560" in str(few_pictures(2047, 2560))
    assert few_pictures(2048) is None and few_pictures(1280, 1280) is None


def test_there_and_back(features, tmp_path):
    made, path = statistics(features), tmp_path / "new/reference"
    made.save(path, "words", "hash")
    assert [file.name for file in path.parent.iterdir()] == ["reference"]
    read = Statistics.load(path, "words", "hash")
    assert read.count == made.count
    np.testing.assert_array_equal(read.mean, made.mean)
    np.testing.assert_allclose(read.covariance, made.covariance, rtol=1e-15)
    for one in (made, read):
        one.update(features[:9] + 1)
    np.testing.assert_allclose(read.covariance, made.covariance, rtol=1e-13)


def test_statistics_of_other_features_are_refused(features, tmp_path):
    statistics(features).save(tmp_path / "a.npz", "words", "hash")
    with pytest.raises(ValueError, match="compute them again") as error:
        Statistics.load(tmp_path / "a.npz", "others", "another")
    for words in ("a.npz", "its definition is words, here: others", "its weights_hash is hash, here: another"):
        assert words in str(error.value)
    with pytest.raises(ValueError, match="its weights_hash is hash"):
        Statistics.load(tmp_path / "a.npz", "words", "another")


def test_files_of_other_kinds_are_refused(features, tmp_path):
    with pytest.raises(ValueError, match=r"none\.npz: no such file"):
        Statistics.load(tmp_path / "none.npz", "words", "hash")
    np.savez(tmp_path / "foreign.npz", mu=np.zeros(3), sigma=np.eye(3))
    with pytest.raises(ValueError, match="has no format, definition, weights_hash, count, mean, covariance"):
        Statistics.load(tmp_path / "foreign.npz", "words", "hash")
    path = tmp_path / "cut.npz"
    statistics(features).save(path, "words", "hash")
    whole = path.read_bytes()
    middle = bytearray(whole)
    middle[len(whole) // 2] ^= 255
    for corrupted in (whole[:-200], b"", b"text", bytes(middle)):
        path.write_bytes(corrupted)
        with pytest.raises(ValueError, match=r"cut\.npz: not a \.npz file, or corrupted"):
            Statistics.load(path, "words", "hash")
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"not a \.npz file"):
        Statistics.load(tmp_path / "array.npy", "words", "hash")


def test_a_save_that_fails_leaves_what_was_there(features, tmp_path):
    path = tmp_path / "a.npz"
    path.write_text("old")
    with pytest.raises(ValueError, match="two pictures"):
        statistics(features[:1]).save(path, "words", "hash")
    assert [file.name for file in tmp_path.iterdir()] == ["a.npz"] and path.read_text() == "old"


@pytest.mark.oracles
def test_distance_equals_that_of_pytorch_fid(rng):
    oracles.import_torchvision()
    fid_score = oracles.quietly(pytest.importorskip, "pytorch_fid.fid_score")
    one = rng.standard_normal((300, 16)) @ rng.standard_normal((16, 16))
    other = 0.5 + rng.standard_normal((200, 16)) @ rng.standard_normal((16, 16))
    moments = [moment for x in (one, other) for moment in (x.mean(axis=0), np.cov(x, rowvar=False))]
    expected = oracles.quietly(fid_score.calculate_frechet_distance, *moments)
    assert frechet_distance(statistics(one), statistics(other)) == pytest.approx(expected, rel=1e-6)


def test_a_digest_tells_statistics_apart_and_survives_a_file(features, tmp_path):
    made = statistics(features)
    made.save(tmp_path / "a.npz", "features", "hash")
    loaded = Statistics.load(tmp_path / "a.npz", "features", "hash")
    assert loaded.digest == made.digest != statistics(features[:-1]).digest
    loaded.update(features[:5])
    np.testing.assert_allclose(
        loaded.covariance, np.cov(np.concatenate([features, features[:5]]).astype(float), rowvar=False), rtol=1e-9
    )
