import pathlib

import numpy as np
import pytest

from edgeconnect_jax.evaluation import outputs
from edgeconnect_jax.evaluation.pairs import OUTPUT, Folder, Pair
from edgeconnect_jax.images import files
from edgeconnect_jax.metrics.baselines import BASELINES
from tests.synthetic import picture


@pytest.fixture
def example():
    truth, mask = picture(1, 24, 32)
    return Pair(pathlib.Path("truth/a.png"), (24, 32)), truth, mask > 0


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_fills_the_hole(example, name):
    source = outputs.BaselineOutput(name)
    output = source(*example)
    np.testing.assert_array_equal(output.image, BASELINES[name].fill(*example[1:]))
    assert not output.others
    assert source.title == BASELINES[name].title and source.about == {"kind": "baseline", "name": name}


def test_a_baseline_names_the_picture_that_it_cannot_fill(example):
    pair, truth, hole = example
    with pytest.raises(ValueError, match=r"truth/a\.png: the hole covers the whole picture"):
        outputs.BaselineOutput("mean")(pair, truth, np.ones_like(hole))


def test_what_is_saved_is_read_back(example, tmp_path):
    pair, truth, hole = example
    edges = (np.arange(24 * 32).reshape(24, 32) % 256 / 255).astype(np.float32)
    outputs.save(tmp_path, pair, hole, outputs.Output(truth[::-1], {"edges": edges, "color": truth}))
    on_disk = pair._replace(files={OUTPUT: tmp_path / "a.png", "edges": tmp_path / "edges/a.png", "label": tmp_path})
    folders = [
        Folder("edges", tmp_path / "edges", "edge map", read=lambda path: files.read_gray8(path) / 255),
        Folder("label", tmp_path / "label", "label map"),
    ]
    source = outputs.OnDisk(tmp_path, folders)
    output = source(on_disk, truth, hole)
    np.testing.assert_array_equal(output.image, truth[::-1])
    assert set(output.others) == {"edges"}  # a label map is no part of an output
    np.testing.assert_allclose(output.others["edges"], edges, atol=1e-6)
    np.testing.assert_array_equal(files.read_rgb8(tmp_path / "color/a.png"), truth)
    np.testing.assert_array_equal(files.read_gray8(tmp_path / "masks/a.png"), hole * 255)
    assert source.title == tmp_path.name and source.about["label"] == str(tmp_path / "label")
    assert not outputs.OnDisk(tmp_path)(on_disk, truth, None).others
