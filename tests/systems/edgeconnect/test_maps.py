"""HED's maps of pictures: computed once, then read like any record, by workers too."""

import numpy as np
import pytest

import main
from configs.default import get_config
from edgeconnect_jax import systems
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.data import pipeline, records, sources
from edgeconnect_jax.data.prepared import format
from edgeconnect_jax.images import edges
from edgeconnect_jax.inference.edges import EdgeDetector
from edgeconnect_jax.systems.edgeconnect import maps
from edgeconnect_jax.systems.edgeconnect.data import READER
from edgeconnect_jax.systems.edgeconnect.rules import RULES
from scripts import prepare_data
from tests.conftest import write_photographs
from tests.systems.edgeconnect import sets
from tests.systems.edgeconnect.weights import write_checkpoint, write_hed


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with four photographs, HED's weights, and its maps of the photographs at 32 x 32."""
    home = tmp_path_factory.mktemp("home")
    write_photographs(home / "images", 42, 57)
    write_hed(home / "hed")
    maps.compute(computed(home))
    return home


def computed(home, **changes):
    wanted = {"edges": "hed", "hed_weights": str(home / "hed"), "hed_maps": str(home / "maps")}
    return sets.computed(home / "images", **{**wanted, **changes})


def config(home, **changes):
    source = {"edges__source": "hed", "edges__hed_weights": str(home / "hed"), "edges__hed_maps": str(home / "maps")}
    return sets.config({"images": str(home / "images")}, **source, **changes)


def test_records_have_hed_s_edges_of_their_pictures(home):
    detector = EdgeDetector.from_checkpoint(home / "hed")
    for record in computed(home):
        assert record["edges"].shape == (32, 32, 1) and record["edges"].dtype == np.uint8
        np.testing.assert_array_equal(record["edges"][..., 0], np.rint(255 * detector(record["image"])))
    soft = computed(home)[0]
    threshold = float(np.median(soft["edges"])) / 255
    hard = computed(home, hed_threshold=threshold)[0]
    np.testing.assert_array_equal(hard["edges"], 255 * (soft["edges"] > 255 * threshold))
    lines = edges.canny_edges(edges.to_gray(soft["image"]), 1.0) > 0
    thin = computed(home, nms=True, sigma=1.0)[0]
    np.testing.assert_array_equal(thin["edges"][..., 0], soft["edges"][..., 0] * lines)


def test_only_what_is_missing_is_computed(home, tmp_path, monkeypatch):
    loaded = []
    real = EdgeDetector.from_checkpoint
    monkeypatch.setattr(EdgeDetector, "from_checkpoint", lambda path: loaded.append(path) or real(path))
    maps.compute(computed(home))
    assert not loaded
    (tmp_path / "some").mkdir()
    some = computed(home, hed_maps=str(tmp_path / "some"))
    maps.compute(some.select([2]))
    (written,) = (tmp_path / "some").rglob("*.png")
    before = written.stat().st_mtime_ns
    maps.compute(some)
    assert len(loaded) == 2 and len(list((tmp_path / "some").rglob("*.png"))) == 4
    assert written.stat().st_mtime_ns == before


def test_other_weights_have_other_maps(home, tmp_path):
    other = computed(home, hed_weights=str(write_hed(tmp_path / "other", seed=1)))
    with pytest.raises(ValueError, match="no such edge map by HED"):
        _ = other[0]


def test_unusable_pictures_are_named_or_left_out(home, tmp_path):
    write_photographs(tmp_path / "images", 42, 57)
    (tmp_path / "images/coffee.png").write_bytes(b"no picture")
    options = computed(home).options
    broken = records.compute_records(READER, options, sources.open_source(str(tmp_path / "images")), check_sizes=False)
    with pytest.raises(ValueError, match=r"coffee\.png"):
        maps.compute(broken)
    maps.compute(broken, skip_bad=1)
    assert broken[0]["edges"].any()


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_are_those_of_a_prepared_set(workers, home, tmp_path, capsys):
    arguments = ["--input", str(home / "images"), "--output", str(tmp_path / "set"), "--image_size", "32"]
    arguments += ["--edges", "hed", "--hed_weights", str(home / "hed"), "--hed_maps", str(tmp_path / "maps")]
    assert prepare_data.main([*arguments, "--hed_threshold", "0.1", "--workers", "0"]) == 0, capsys.readouterr().err
    made = config(home, edges__hed_threshold=0.1, data__workers=workers)
    prepared = config(home, edges__hed_threshold=0.1, data__train=str(tmp_path / "set"))
    found = [next(iter(pipeline.train_iterator(x, READER))) for x in (made, prepared)]
    for field, array in found[0].items():
        np.testing.assert_array_equal(array, found[1][field], err_msg=field)
    assert 0 < (found[0]["edge"] > 0).mean() < 1
    stored = format.read_manifest(tmp_path / "set").options
    assert stored["edges"] == "hed" and len(stored["hed"]) == 64
    assert not {"hed_weights", "hed_maps"} & stored.keys()
    with pytest.raises(ValueError, match=r"edges\.hed_threshold: prepared with 0\.1, the configuration says 0\.0"):
        pipeline.open_train(config(home, data__train=str(tmp_path / "set")), READER)


def test_rules(home, tmp_path):
    configuration.validate(config(home, losses__vgg_weights="random"), RULES, READER)
    wrong = {
        'edges.hed_weights is empty, but edges.source="hed": convert': {"edges__hed_weights": ""},
        "no hed among its networks": {"edges__hed_weights": str(write_checkpoint(tmp_path / "others"))},
        "edges.hed_threshold=1.0": {"edges__hed_threshold": 1.0},
    }
    for words, changes in wrong.items():
        chosen = config(home)
        chosen.update_from_flattened_dict({key.replace("__", "."): value for key, value in changes.items()})
        with pytest.raises(ValueError, match="the configuration is invalid") as error:
            configuration.validate(chosen, RULES, READER)
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--edges", "hed"], "--edges hed needs --hed_weights: convert the weights"),
        (["--hed_weights", "weights"], "--hed_weights, --hed_threshold and --hed_maps go with --edges hed"),
        (["--edges", "hed", "--hed_weights", "none"], "none: no such checkpoint"),
    ],
)
def test_preparation_names_what_is_missing(arguments, words, tmp_path, capsys):
    given = ["--input", "skimage:train", "--output", str(tmp_path / "set"), *arguments]
    assert prepare_data.main(given) == 2
    assert words in capsys.readouterr().err


def test_main_computes_the_maps_of_each_set_once(home, tmp_path):
    wanted = config(home, losses__vgg_weights="random", data__validation=str(home / "images/rocket.png"))
    wanted.stages = (("edge", {"task.name": "edge"}), ("inpaint", {"task.name": "inpaint"}))
    calls = []
    system = systems.System("edgeconnect")
    system.maps = lambda records, skip_bad: calls.append((len(records), skip_bad))
    main._compute_maps(wanted, system)
    assert calls == [(4, 0), (1, 0)]
    wanted.train.mode = "test"
    main._compute_maps(wanted, system)
    wanted.train.mode, wanted.edges.source = "train", "canny"
    main._compute_maps(wanted, system)
    assert len(calls) == 2
    assert systems.load("edgeconnect").maps is maps.compute


def test_maps_lie_in_the_cache_folder_by_default(home, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    plain = get_config()
    plain.edges.update(source="hed", hed_weights=str(home / "hed"))
    assert READER.options(plain).hed_maps == str(home / "cache/edgeconnect_jax/maps")
