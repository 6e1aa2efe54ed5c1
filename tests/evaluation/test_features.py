"""Features of a set, on noise in place of a network's."""

import numpy as np
import pytest

from edgeconnect_jax.evaluation.features import ALL, FeatureSet, _update
from tests.evaluation.noise import Extractor


def test_features_count_for_the_whole_set_and_for_their_bin(rng):
    values, labels = rng.random((6, 2048)), ["a", "b", "a", "a", "b", "a"]
    statistics = {}
    _update(statistics, labels[:4], values[:4])
    _update(statistics, labels[4:], values[4:])
    for label, chosen in ((ALL, range(6)), ("a", (0, 2, 3, 5)), ("b", (1, 4))):
        assert statistics[label].count == len(chosen)
        np.testing.assert_allclose(statistics[label].mean, values[list(chosen)].mean(axis=0), rtol=1e-12)
    statistics = {}
    _update(statistics, [ALL, ALL], values[:2])  # without masks
    assert set(statistics) == {ALL} and statistics[ALL].count == 2


def test_bins_have_a_distance_where_they_have_two_pictures_and_no_reference_is_read(tmp_path):
    truths = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 1, 3), np.uint8)
    labels, path = ["a", "b", "b", "c", "c"], tmp_path / "truth.npz"
    found, digests, warnings = [], [], []
    for _ in range(2):  # the first writes the statistics, the second reads them
        features = FeatureSet("FID", Extractor(), path, True, False)  # pyright: ignore[reportArgumentType]
        features.expect(5)
        features.add(labels, truths, truths + 100)
        found.append(features.distances())
        warnings.append(features.warnings(found[-1]))
        features.write()
        digests.append(features.real.digest)
    assert set(found[0]) == {ALL, "b", "c"} and set(found[1]) == {ALL}
    assert found[0]["b"].pictures == 2 and found[0]["b"].value > 0
    assert found[0][ALL] == found[1][ALL] and digests[0] == digests[1]
    assert [line.split(":")[0] for line in warnings[0]] == ["FID", "FID"] and "only 5 pictures" in warnings[0][0]
    assert "b (2), c (2)" in warnings[0][1] and "2048" in warnings[0][1]
    assert warnings[1] == warnings[0][:1]


def test_statistics_of_one_picture_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="two pictures or more"):
        FeatureSet("FID", Extractor(), tmp_path / "new.npz", True, False).expect(1)  # pyright: ignore
