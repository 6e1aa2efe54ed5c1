import asyncio
import threading

import numpy as np
import pytest

from edgeconnect_jax.images.files import Picture, encode_png, read_gray8
from edgeconnect_jax.inference import compiled
from edgeconnect_jax.serving.device import Device
from edgeconnect_jax.serving.page import Model
from edgeconnect_jax.serving.pictures import Upload
from edgeconnect_jax.systems.edgeconnect import pictures
from edgeconnect_jax.systems.edgeconnect.editor import steps
from edgeconnect_jax.systems.edgeconnect.editor.steps import Steps
from edgeconnect_jax.systems.edgeconnect.editor.work import Given, Operations
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from edgeconnect_jax.systems.edgeconnect.networks import EdgeGenerator, InpaintGenerator
from tests.synthetic import picture
from tests.systems.edgeconnect.weights import weights, write_hed


@pytest.fixture(scope="module")
def loaded():
    return weights()


@pytest.fixture(scope="module")
def both(loaded):
    return Steps(loaded)


@pytest.fixture
def given():
    """A picture, its hole and its known lines."""
    image, mask = picture(5, 32, 40)
    shown = Picture(image, alpha=image[..., :1])
    return shown, mask > 0, steps.known_lines(shown, mask > 0, 2.0)


def test_known_lines_are_bytes(given):
    shown, hole, known = given
    assert known.dtype == np.uint8 and known.any()
    np.testing.assert_array_equal(known, pictures.known_edges(shown.color, hole, 2.0) * 255)


def test_lines_pass_between_the_steps_in_eight_bits(both, loaded, given):
    shown, hole, known = given
    drawn = both.predict(shown, hole, known)
    soft = Inpainter(loaded, steps="edge")(shown.color, hole, known).edges
    np.testing.assert_array_equal(drawn, np.rint(soft * 255))
    filled = both.fill(shown, hole, drawn)
    expected = Inpainter(loaded, steps="inpaint")(shown.color, hole, drawn).image
    np.testing.assert_array_equal(filled.color, expected)
    assert filled.alpha is shown.alpha


def test_a_threshold_of_one_and_the_smallest(both, given):
    shown, hole, known = given
    assert not both.predict(shown, hole, known, 1)[hole].any()
    soft = both.predict(shown, hole, known)
    np.testing.assert_array_equal(both.predict(shown, hole, known, 1e-9)[hole], np.where(soft[hole] > 0, 255, 0))


def test_soft_known_lines_are_left_as_they_are(both, given):
    shown, hole, _ = given
    known = np.random.default_rng(0).integers(0, 256, hole.shape, dtype=np.uint8)
    for threshold in (0, 0.5):
        np.testing.assert_array_equal(both.predict(shown, hole, known, threshold)[~hole], known[~hole])


def test_a_part_is_drawn_from_what_surrounds_it(both, given):
    """The rest of the hole is filled along its lines, and counts as known."""
    shown, hole, known = given
    lines = np.where(hole, np.random.default_rng(0).integers(0, 2, hole.shape) * 255, known).astype(np.uint8)
    region = np.zeros_like(hole)
    region[:, :20] = True
    part = hole & region
    assert part.any() and (hole & ~part).any()
    again = both.predict_again(shown, hole, lines, region)
    around = both.fill(shown, hole, lines)
    np.testing.assert_array_equal(again, both.predict(around, part, lines))
    np.testing.assert_array_equal(again[~part], lines[~part])
    other_lines = np.where(hole & ~part, 255 - lines, lines)  # in the rest of the hole
    assert (both.predict_again(shown, hole, other_lines, region)[part] != again[part]).any()


def test_what_is_under_the_hole_does_not_matter(both, given):
    shown, hole, known = given
    other = shown._replace(color=np.where(hole[..., None], 255 - shown.color, shown.color))
    region = np.zeros_like(hole)
    region[:16] = True
    for call in (both.predict, both.fill):
        first, second = call(shown, hole, known), call(other, hole, known)
        np.testing.assert_array_equal(getattr(first, "color", first), getattr(second, "color", second))
    np.testing.assert_array_equal(
        both.predict_again(shown, hole, known, region), both.predict_again(other, hole, known, region)
    )


def test_a_region_that_covers_the_hole_and_one_that_misses_it(both, given, monkeypatch):
    shown, hole, known = given
    whole = both.predict(shown, hole, known)
    monkeypatch.setattr(Steps, "fill", lambda *_: pytest.fail("nothing is left to fill"))
    np.testing.assert_array_equal(both.predict_again(shown, hole, known, np.ones_like(hole)), whole)
    monkeypatch.setattr(Steps, "predict", lambda *_: pytest.fail("nothing is to be drawn"))
    np.testing.assert_array_equal(both.predict_again(shown, hole, known, ~hole), known)


def test_weights_are_prepared_once_for_both_steps(loaded, monkeypatch):
    prepared, prepare = [], compiled._prepare
    monkeypatch.setattr(
        compiled, "_prepare", lambda module, *rest: (prepared.append(type(module)), prepare(module, *rest))[1]
    )
    Steps(loaded)
    assert prepared == [EdgeGenerator, InpaintGenerator]


def test_fingerprints_tell_weights_apart(loaded):
    known = steps.fingerprint(loaded)
    assert known == steps.fingerprint(weights())
    kernel = loaded.networks["edge_generator"]["params"]
    name = next(iter(kernel))
    other = {**loaded.networks, "edge_generator": {"params": {**kernel, name: {}}}}
    assert steps.fingerprint(loaded._replace(networks=other)) != known


@pytest.fixture(scope="module")
def by_hed(loaded, tmp_path_factory):
    """Steps of networks that were trained on edges by HED."""
    config = {"edges": {"source": "hed", "sigma": 2.0, "hed_weights": str(write_hed(tmp_path_factory.mktemp("hed")))}}
    return Steps(loaded._replace(config=config))


def test_known_lines_by_hed_are_found_where_networks_run(by_hed, given, monkeypatch):
    shown, hole, _ = given
    device, ran = Device(3), []
    detect = by_hed.known.detector.known
    threads = lambda *arrays: ran.append(threading.current_thread().name) or detect(*arrays)  # noqa: E731
    monkeypatch.setattr(by_hed.known.detector, "known", threads)
    operations = Operations(Model(by_hed, "", "", {}, "float32", "cpu"), device, 10_000)
    uploads = (("image", shown.color), ("mask", hole.astype(np.uint8) * np.uint8(255)))
    files = Given(*(Upload(field, encode_png(array), "a.png") for field, array in uploads))
    drawn, without = (read_gray8(asyncio.run(operations.edges(files, sigma, 0)).value) for sigma in (None, -1))
    device.close()
    assert len(ran) == 1 and ran[0].startswith("device")
    known = steps.to_bytes(detect(shown.color, hole))
    np.testing.assert_array_equal(drawn[~hole], known[~hole])
    assert known[~hole].any() and not without[~hole].any()


def test_a_service_without_the_weights_of_hed_does_not_start(loaded):
    with pytest.raises(ValueError, match="the known edges are HED's, and its weights are missing"):
        Steps(loaded._replace(config={"edges": {"source": "hed", "sigma": 2.0}}))
