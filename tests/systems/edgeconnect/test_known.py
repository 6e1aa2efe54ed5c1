"""How known edges are found: as in training, unless asked otherwise."""

import numpy as np
import pytest

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.inference.edges import EdgeDetector
from edgeconnect_jax.systems.edgeconnect import pictures
from edgeconnect_jax.systems.edgeconnect.known import KnownEdges
from tests.synthetic import picture
from tests.systems.edgeconnect.weights import write_hed

BY_HED = {"source": "hed", "sigma": 2.0, "nms": False, "hed_threshold": 0.0}


@pytest.fixture(scope="module")
def hed(tmp_path_factory):
    return write_hed(tmp_path_factory.mktemp("hed"))


def known(edges=None, networks=None, **options):
    config = {} if edges is None else {"edges": edges}
    return KnownEdges(checkpoints.Weights(networks or {}, {"hed": {}}, config), **options)


def test_the_source_is_that_of_the_training_or_the_one_asked_for():
    assert known().source == known({"source": "external", "sigma": 2.0}).source == "canny"
    assert known({"sigma": 1.0}).source == "canny"  # of a checkpoint from before there were sources
    assert known(BY_HED).source == known(configured=BY_HED).source == "hed"
    assert known(BY_HED, source="canny").source == "canny"
    assert known({"source": "canny", "sigma": 1.0}, configured=BY_HED).source == "canny"
    assert known(source="hed").by_network and not known(source="hed", sigma=-1).by_network


def test_sigma():
    assert known().sigma == known({"sigma": 0.0}).sigma == 2
    assert known({"source": "canny", "sigma": 1.0}).sigma == 1 and known({"sigma": -1.0}).sigma == -1
    assert known(BY_HED | {"sigma": -1.0}).by_network  # without an effect in training, too
    assert known(BY_HED | {"nms": True, "sigma": 3.0}).sigma == 3
    assert known(BY_HED | {"nms": True}, sigma=1).sigma == 1
    with pytest.raises(ValueError, match="sigma=1 is the deviation of Canny's Gaussian, but the known edges are HED's"):
        known(BY_HED, sigma=1)
    with pytest.raises(ValueError, match="sigma must be -1"):
        known(sigma=-2)


def test_edges_are_hed_s_with_the_threshold_and_the_thinning_of_the_training(hed):
    image, mask = picture(5, 32, 48)
    hole = mask > 0
    levels = np.rint(255 * EdgeDetector.from_checkpoint(hed).known(image, hole))
    at_hand = checkpoints.load_weights(hed).networks
    soft = known(BY_HED, at_hand)(image, hole)
    np.testing.assert_array_equal(soft, np.float32(levels / 255))
    assert soft[~hole].any() and not soft[hole].any()
    threshold = float(np.median(soft[~hole]))
    hard = known(BY_HED | {"hed_threshold": threshold, "hed_weights": str(hed)})(image, hole)
    np.testing.assert_array_equal(hard, levels > 255 * threshold)
    assert {0, 1} == set(np.unique(hard[~hole]))
    thinned = known(BY_HED | {"nms": True}, at_hand)(image, hole)
    np.testing.assert_array_equal(thinned, soft * (pictures.known_edges(image, hole, 2.0) > 0))
    assert thinned.any()
    np.testing.assert_array_equal(known(BY_HED, source="canny")(image, hole), pictures.known_edges(image, hole, 2.0))
    assert not known(BY_HED, sigma=-1)(image, hole).any()


def test_missing_weights_are_told_with_the_remedy(tmp_path):
    with pytest.raises(ValueError, match=r"missing \(no checkpoint holds it\); convert .* name CKPT beside the others"):
        _ = known(BY_HED).detector
    with pytest.raises(ValueError, match=rf"missing \({tmp_path / 'none'}: no such checkpoint\)"):
        _ = known(BY_HED | {"hed_weights": str(tmp_path / "none")}).detector
