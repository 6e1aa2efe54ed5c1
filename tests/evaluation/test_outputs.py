import pathlib

import numpy as np
import pytest

from edgeconnect_jax.evaluation import outputs
from edgeconnect_jax.evaluation.pairs import Pair
from edgeconnect_jax.images import files
from edgeconnect_jax.metrics.baselines import BASELINES
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from tests.synthetic import picture
from tests.systems.edgeconnect.weights import write_checkpoint


@pytest.fixture
def example():
    truth, mask = picture(1, 24, 32)
    return Pair(pathlib.Path("truth/a.png"), (24, 32)), truth, mask > 0


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_fills_the_hole(example, name):
    source = outputs.Baseline(name)
    output = source(*example)
    np.testing.assert_array_equal(output.image, BASELINES[name].fill(*example[1:]))
    assert output.edges is None
    assert source.title == BASELINES[name].title and source.about == {"kind": "baseline", "name": name}


def test_a_baseline_names_the_picture_that_it_cannot_fill(example):
    pair, truth, hole = example
    with pytest.raises(ValueError, match=r"truth/a\.png: the hole covers the whole picture"):
        outputs.Baseline("mean")(pair, truth, np.ones_like(hole))


def test_a_model_is_run_as_by_inpaint(example, tmp_path):
    checkpoint = write_checkpoint(tmp_path / "mine")
    source = outputs.Model([checkpoint], compat="original", sigma=1.0)
    output, (image, edges) = (
        source(*example),
        Inpainter.from_checkpoint(checkpoint, compat="original", sigma=1.0)(*example[1:]),
    )
    np.testing.assert_array_equal(output.image, image)
    np.testing.assert_array_equal(output.edges, edges)
    assert source.title == "mine" and source.sigma == 1.0
    assert source.about["compat"] == "original"
    hashes = {network["hash"] for network in source.about["networks"].values()}
    assert len(hashes) == 2 and all(len(value) == 64 for value in hashes)


def test_what_is_saved_is_read_back(example, tmp_path):
    pair, truth, hole = example
    edges = (np.arange(24 * 32).reshape(24, 32) % 256 / 255).astype(np.float32)
    outputs.save(tmp_path, pair, hole, outputs.Output(truth[::-1], edges))
    on_disk = pair._replace(output=tmp_path / "a.png", edges=tmp_path / "edges/a.png")
    source = outputs.OnDisk(tmp_path, tmp_path / "edges")
    output = source(on_disk, truth, hole)
    np.testing.assert_array_equal(output.image, truth[::-1])
    np.testing.assert_allclose(output.edges, edges, atol=1e-6)
    np.testing.assert_array_equal(files.read_gray8(tmp_path / "masks/a.png"), hole * 255)
    assert source.title == tmp_path.name
    assert outputs.OnDisk(tmp_path)(on_disk._replace(edges=None), truth, None).edges is None
