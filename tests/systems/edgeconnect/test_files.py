"""train.mode="test": which sigma and which edge maps the networks see."""

import numpy as np
import pytest

from configs import default
from edgeconnect_jax.images import arrays, edges
from edgeconnect_jax.images import files as images
from edgeconnect_jax.systems.edgeconnect import files
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from tests.synthetic import picture
from tests.systems.edgeconnect.weights import weights, write_checkpoint


@pytest.fixture
def folders(tmp_path, rng):
    """A workdir with a checkpoint, and one picture with its mask and a soft edge map of another size."""
    image, mask = picture(5, 32, 40)
    for kind, array in {"p": image, "m": mask, "e": rng.integers(0, 256, (48, 60), dtype=np.uint8)}.items():
        (tmp_path / kind).mkdir()
        images.write_png(tmp_path / kind / "one.png", array)
    write_checkpoint(tmp_path / "run")
    return tmp_path


def configured(folders, **edge_options):
    config = default.get_config()
    config.train.mode, config.task.name = "test", "joint"
    config.data.test, config.masks.test = str(folders / "p"), str(folders / "m")
    config.edges.update(edge_options)
    return config


def filled(folders, **edge_options):
    """What the run writes, and the picture, hole and (resized) edge map that it is made of."""
    files.fill_test_set(configured(folders, **edge_options), folders / "run")
    image, mask = picture(5, 32, 40)
    edge = images.resize_bilinear(images.read_gray8(folders / "e/one.png"), 32, 40)
    return images.read_rgb8(folders / "run/results/one.png"), image, mask > 0, edge


@pytest.mark.parametrize(("trained", "asked", "meant"), [(None, 1.0, 1.0), (None, 0.0, 2.0), (1.0, 3.0, 1.0)])
def test_sigma_is_the_checkpoints_or_for_a_converted_one_the_configs(
    trained, asked, meant, folders, monkeypatch, capsys
):
    config = {} if trained is None else {"edges": {"sigma": trained}}
    monkeypatch.setattr(files.checkpoints, "load_weights", lambda *_: weights()._replace(config=config))
    result, image, hole, _ = filled(folders, sigma=asked)
    np.testing.assert_array_equal(result, Inpainter(weights(), sigma=meant)(image, hole).image)
    assert (arrays.known_edges(image, hole, meant) != arrays.known_edges(image, hole, 4.0)).any()
    assert ("edges.sigma=1, as the checkpoint" in capsys.readouterr().out) == (trained is not None)


def test_nms_thins_external_edges_to_lines_of_the_known_part(folders):
    fill = Inpainter(weights())
    plain, image, hole, edge = filled(folders, source="external", test=str(folders / "e"))
    np.testing.assert_array_equal(plain, fill(image, hole, edge).image)
    thinned, *_ = filled(folders, source="external", test=str(folders / "e"), nms=True)
    lines = edges.canny_edges(edges.to_gray(image), 2.0, mask=~hole) > 0
    assert lines.any() and not lines[hole].any()
    np.testing.assert_array_equal(thinned, fill(image, hole, edge * lines.astype(np.uint8)).image)
    assert (thinned != plain).any()
