"""Drawn scenes: the same on every machine, at every size, and with maps that fit them."""

import hashlib
import pickle

import cv2
import numpy as np
import pytest

from edgeconnect_jax.data import sources
from edgeconnect_jax.data.scenes import compose, draw
from edgeconnect_jax.data.scenes.classes import CLASSES, LABELS
from edgeconnect_jax.data.scenes.draws import Draws, hsv
from edgeconnect_jax.data.scenes.palette import TIMES
from edgeconnect_jax.data.scenes.source import SceneSource


@pytest.fixture(scope="module")
def scenes():
    return [compose.scene(0, index) for index in range(24)]


def digest(*arrays):
    found = hashlib.sha256()
    for array in arrays:
        found.update(repr((array.shape, str(array.dtype))).encode() + array.tobytes())
    return found.hexdigest()[:16]


def test_pictures_and_maps_are_those_of_version_1(scenes):
    """They change only together with `compose.VERSION`."""
    assert compose.VERSION == 1
    pictures = digest(*(draw.picture(scene, 64) for scene in scenes[:8]))
    maps = digest(*(f(scene, 64) for scene in scenes[:8] for f in (draw.labels, draw.instances)))
    assert (pictures, maps) == ("d4b36058f44f2d37", "d07098ed72ee22d2")


def test_a_scene_looks_the_same_at_every_size(scenes):
    for scene in scenes[:6]:
        large = draw.picture(scene, 256)
        for side in (32, 64, 128):
            small = cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA).astype(int)
            assert np.abs(draw.picture(scene, side) - small).mean() < 4


def test_label_maps_fit_the_pictures(scenes):
    """Where the label changes, colours mostly do; inside a patch of one label less."""
    across, within = [], []
    for scene in scenes[:8]:
        picture, label = draw.picture(scene, 128).astype(int), draw.labels(scene, 128)[..., 0]
        step = np.abs(np.diff(picture, axis=1)).max(axis=-1)
        changes = np.diff(label, axis=1) != 0
        across.append(step[changes].mean())
        within.append(step[~changes].mean())
    assert np.mean(across) > 5 * np.mean(within)


def test_every_class_is_drawn_and_every_pixel_has_one(scenes):
    maps = [draw.labels(scene, 128) for scene in scenes]
    assert all(m.dtype == np.int32 and m.shape == (128, 128, 1) for m in maps)
    assert set(np.unique(maps)) == set(range(len(CLASSES)))
    assert (maps[0][0] != LABELS["ground"]).all()


def test_things_have_instances_and_the_rest_have_their_class(scenes):
    for scene in scenes[:8]:
        label, instance = draw.labels(scene, 96), draw.instances(scene, 96)
        thing = np.isin(label, [n for n, row in enumerate(CLASSES) if row.thing])
        np.testing.assert_array_equal(instance[~thing], label[~thing])
        np.testing.assert_array_equal(instance[thing] // 1000, label[thing])
        assert (instance[thing] % 1000 > 0).all()


def test_objects_of_a_class_are_told_apart(scenes):
    found = [
        len(set(np.unique(draw.instances(scene, 128)[draw.labels(scene, 128) == LABELS["foliage"]])))
        for scene in scenes
    ]
    assert max(found) > 3


def test_scenes_of_all_splits_differ():
    pictures = [
        SceneSource(split, 32, 12)[index].tobytes() for split in ("train", "validation", "test") for index in range(12)
    ]
    assert len(set(pictures)) == len(pictures)


def test_a_source_is_opened_by_name_and_can_be_pickled():
    source = sources.open_source("scenes:validation:48:7")
    assert (len(source), source[0].shape, source[0].dtype) == (7, (48, 48, 3), np.uint8)
    assert len(sources.open_source("scenes:train")) == 6000 and sources.open_source("scenes:test")[3].shape[0] == 256
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source))[6], source[6])
    assert source.name(6) == "scenes:validation:48/000006"
    np.testing.assert_array_equal(sources.open_source("scenes:validation:48:1000")[6], source[6])
    with pytest.raises(IndexError):
        source[7]
    assert source.identity(0) != sources.open_source("scenes:validation:32:7").identity(0)
    assert {"time", "kind", "ground", "light"} <= set(source.facts(0))


def test_a_kind_and_a_time_can_be_asked_for():
    for spec, kinds, times in (
        ("scenes:train:16:8:lake:dusk", {"lake"}, {"dusk"}),
        ("scenes:train:16:30:day", set(compose.KINDS), {"day"}),
        ("scenes:train:16:30:city", {"city"}, set(TIMES)),
    ):
        source = sources.open_source(spec)
        facts = [source.facts(index) for index in range(len(source))]
        assert {fact["kind"] for fact in facts} == kinds and {fact["time"] for fact in facts} == times
        named = source.name(3).removesuffix("/000003").split(":")
        assert set(named[3:]) == (kinds if len(kinds) == 1 else set()) | (times if len(times) == 1 else set())


@pytest.mark.parametrize(
    "spec",
    [
        *("scenes:", "scenes:all", "scenes:train:big", "scenes:train:0", "scenes:train:32:0"),
        *("scenes:train:32:9:town", "scenes:train:lake:city", "scenes:train:day:dusk"),
    ],
)
def test_a_wrong_name_says_how_to_write_it(spec):
    with pytest.raises(ValueError, match=r"write scenes:SPLIT, .*train, validation, test"):
        sources.open_source(spec)


def test_draws_are_pcg64s_raw_doubles():
    raw = np.random.Generator(np.random.PCG64(np.random.SeedSequence((3, 4)))).random(5)
    draws = Draws(3, 4)
    assert draws.uniform(-1, 1) == -1 + 2 * raw[0]
    assert draws.whole(2, 5) == 2 + int(raw[1] * 4)
    assert draws.chance(0.5) == (raw[2] < 0.5)
    assert draws.choice("abc") == "abc"[int(raw[3] * 3)]


def test_hsv_is_colorsys():
    import colorsys

    for hue, saturation, value in np.random.default_rng(0).random((20, 3)):
        np.testing.assert_allclose(hsv(hue, saturation, value), colorsys.hsv_to_rgb(hue, saturation, value), atol=1e-12)
