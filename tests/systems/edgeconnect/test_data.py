"""The deterministic part of examples, step by step against Pillow and scikit-image."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import skimage.feature
from PIL import Image

from configs.default import get_config
from edgeconnect_jax.data import records, sources
from edgeconnect_jax.images import edges
from edgeconnect_jax.systems.edgeconnect.data import READER, Options, options_of
from tests.synthetic import picture
from tests.systems.edgeconnect import sets

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture(scope="module")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pathlib.Path]:
    """One picture, 50 high and 71 wide, and a mask and a soft edge map of twice that size."""
    home = tmp_path_factory.mktemp("uneven")
    image, _ = picture(101, 50, 71)
    folders = {name: home / name for name in ("images", "edges", "masks")}
    for folder in folders.values():
        folder.mkdir()
    Image.fromarray(image).save(folders["images"] / "p.png")
    soft = np.zeros((100, 142), np.uint8)
    soft[40:60, 20:120] = 120
    Image.fromarray(soft).save(folders["edges"] / "p.png")
    hole = np.zeros((100, 142), np.uint8)
    hole[:, :30] = 1
    Image.fromarray(hole).save(folders["masks"] / "p.png")
    return folders


def _pillow(path: pathlib.Path, box: tuple | None, size: tuple[int, int]) -> np.ndarray:
    return np.array(Image.open(path).crop(box).resize(size, Image.Resampling.BILINEAR))


def test_center_crop_is_resized_and_canny_sees_the_result(uneven: dict[str, pathlib.Path]) -> None:
    record = sets.computed(uneven["images"])[0]
    wanted = _pillow(uneven["images"] / "p.png", (10, 0, 60, 50), (32, 32))
    np.testing.assert_array_equal(record["image"], wanted)
    lines = skimage.feature.canny(edges.to_gray(wanted), sigma=2.0)
    assert record["edges"].shape == (32, 32, 1) and lines.any()
    np.testing.assert_array_equal(record["edges"][..., 0], 255 * lines)
    assert "mask" not in record


def test_random_crop_keeps_the_whole_picture(uneven: dict[str, pathlib.Path]) -> None:
    record = sets.computed(uneven["images"], crop="random", short_side=40)[0]
    np.testing.assert_array_equal(record["image"], _pillow(uneven["images"] / "p.png", None, (57, 40)))
    assert record["edges"].shape == (40, 57, 1)
    assert sets.computed(uneven["images"], crop="random")[0]["image"].shape == (50, 71, 3)


def test_own_size_is_cut_to_a_multiple_of_four(uneven: dict[str, pathlib.Path]) -> None:
    record = sets.computed(uneven["images"], image_size=0)[0]
    whole = np.array(Image.open(uneven["images"] / "p.png"))
    np.testing.assert_array_equal(record["image"], whole[:48, :68])
    lines = skimage.feature.canny(edges.to_gray(whole[:48, :68]), sigma=2.0)
    np.testing.assert_array_equal(record["edges"][..., 0], 255 * lines)


def test_external_edges_are_cropped_like_the_picture(uneven: dict[str, pathlib.Path]) -> None:
    record = sets.computed(uneven["images"], uneven["edges"], edges="external")[0]
    wanted = _pillow(uneven["edges"] / "p.png", (21, 0, 121, 100), (32, 32))
    np.testing.assert_array_equal(record["edges"][..., 0], wanted)
    assert {0, 120} < set(np.unique(wanted))  # soft values stay


def test_external_edges_of_a_whole_picture_are_not_cropped(uneven: dict[str, pathlib.Path]) -> None:
    path = uneven["edges"] / "p.png"
    whole = sets.computed(uneven["images"], uneven["edges"], edges="external", image_size=0)[0]
    np.testing.assert_array_equal(whole["edges"][..., 0], _pillow(path, None, (71, 50))[:48, :68])
    random = sets.computed(uneven["images"], uneven["edges"], edges="external", crop="random", short_side=40)
    np.testing.assert_array_equal(random[0]["edges"][..., 0], _pillow(path, None, (57, 40)))


@pytest.mark.parametrize(("sigma", "meant"), [(2.0, 2.0), (0, 0), (-1, 0)])
def test_nms_keeps_external_edges_on_canny_lines(sigma: float, meant: float, uneven: dict[str, pathlib.Path]) -> None:
    plain = sets.computed(uneven["images"], uneven["edges"], edges="external")[0]
    thin = sets.computed(uneven["images"], uneven["edges"], edges="external", nms=True, sigma=sigma)[0]
    lines = skimage.feature.canny(edges.to_gray(plain["image"]), sigma=meant)
    np.testing.assert_array_equal(thin["edges"][..., 0], plain["edges"][..., 0] * lines)
    assert thin["edges"].any() and (thin["edges"] != plain["edges"]).any()


@pytest.mark.parametrize(
    ("changes", "size"),
    [({}, (32, 32)), (dict(crop="random", short_side=40), (57, 40)), (dict(image_size=0), (71, 50))],
)
def test_paired_masks_are_resized_without_a_crop(
    changes: dict, size: tuple[int, int], uneven: dict[str, pathlib.Path]
) -> None:
    record = sets.computed(uneven["images"], masks=str(uneven["masks"]), paired_masks=True, **changes)[0]
    height, width = record["image"].shape[:2]
    stored = np.array(Image.open(uneven["masks"] / "p.png")) * np.uint8(255)
    resized = np.array(Image.fromarray(stored).resize(size, Image.Resampling.BILINEAR))[:height, :width]
    mask = record["mask"][..., 0]
    assert set(np.unique(mask)) == {0, 255}
    # The stored hole is 1 of 255: it survives where the resize leaves at least half of it.
    assert np.all((mask > 0)[resized > 140]) and not mask[resized == 0].any()


@pytest.mark.parametrize(("sigma", "maps"), [(1.5, 1), (0, 4)])
def test_number_of_maps(sigma: float, maps: int, uneven: dict[str, pathlib.Path]) -> None:
    assert sets.computed(uneven["images"], sigma=sigma)[0]["edges"].shape == (32, 32, maps)


def test_without_edges_there_are_no_maps(uneven: dict[str, pathlib.Path]) -> None:
    assert sets.computed(uneven["images"], sigma=-1)[0].keys() == {"image"}


def test_options_without_effect_are_neutral() -> None:
    assert sets.options(short_side=500) == sets.options()
    assert sets.options(image_size=0, crop="random", short_side=9) == sets.options(image_size=0)
    assert sets.options(edges="external", sigma=1) == sets.options(edges="external", sigma=3)
    assert sets.options(nms=True) == sets.options()
    assert sets.options(edges="external", sigma=1, nms=True) != sets.options(edges="external", sigma=3, nms=True)


def test_options_list_every_problem() -> None:
    with pytest.raises(ValueError) as error:
        sets.options(image_size=30, crop="corner", edges="sobel", sigma=-2)
    for name in ("data.image_size=30", "data.crop='corner'", "edges.source='sobel'", "edges.sigma=-2"):
        assert name in str(error.value)
    with pytest.raises(ValueError, match=r"data\.short_side=16"):
        sets.options(crop="random", short_side=16)


def test_options_follow_the_configuration() -> None:
    config = get_config()
    first = options_of(config)
    assert first == Options(256, "center", 0, "canny", 2.0, False, False)
    for change in (
        {"data.image_size": 64},
        {"data.crop": "random"},
        {"edges.sigma": 1.0},
        {"edges.source": "external"},
        {"masks.kind": "paired"},
    ):
        changed = config.copy_and_resolve_references()
        changed.update_from_flattened_dict(change)
        assert options_of(changed) != first


def test_too_small_pictures(tmp_path: pathlib.Path) -> None:
    Image.new("RGB", (20, 3)).save(tmp_path / "strip.png")
    Image.new("RGB", (31, 90)).save(tmp_path / "tower.png")
    with pytest.raises(ValueError, match=r"strip.png: 20 x 3 pixels.*data.short_side(.|\n)*tower.png: 31 x 90"):
        sets.computed(tmp_path, crop="random")
    assert sets.computed(tmp_path, crop="random", short_side=32)[1]["image"].shape == (93, 32, 3)
    with pytest.raises(ValueError, match=r"strip.png: 20 x 3 pixels"):
        sets.computed(tmp_path, image_size=0)


def test_pictures_too_small_for_the_discriminator_are_named_before_any_is_read(tmp_path: pathlib.Path) -> None:
    for name, size in (("low", (40, 23)), ("narrow", (23, 40)), ("enough", (24, 24))):
        Image.new("RGB", size).save(tmp_path / f"{name}.png")
    with pytest.raises(ValueError, match=r"low.png: 40 x 23 (.|\n)*under 24(.|\n)*narrow.png: 23 x 40") as error:
        sets.computed(tmp_path, image_size=0)
    assert "enough" not in str(error.value)
    assert sets.computed(tmp_path / "enough.png", image_size=0)[0]["image"].shape == (24, 24, 3)
    # Those without a file are found when they are read.
    unread = records.ComputedRecords(READER, sets.options(image_size=0), sources.open_source(str(tmp_path / "low.png")))
    with pytest.raises(ValueError, match=r"low.png: 40 x 23 pixels is too small"):
        unread[0]


def test_workers_read_and_draw_without_jax() -> None:
    script = """
import pickle, sys
from edgeconnect_jax.systems.edgeconnect.data import READER
assert pickle.loads(pickle.dumps(READER)) == READER
print(sorted({"jax", "flax"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_partners(photographs: pathlib.Path, tmp_path: pathlib.Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "coffee.png")
    with pytest.raises(ValueError, match=r"astronaut.png: no mask(.|\n)*rocket.png: no mask"):
        sets.computed(photographs, masks=str(tmp_path), paired_masks=True)
    with pytest.raises(ValueError, match=r'edges\.train is empty, but edges\.source="external" needs edge maps'):
        sets.computed(photographs, edges="external")


def test_external_masks_are_square_cropped_then_resized(tmp_path: pathlib.Path) -> None:
    hole = np.zeros((40, 60), np.uint8)
    hole[:, :20] = 255
    Image.fromarray(hole).save(tmp_path / "m.png")
    cropped = sets.pool(tmp_path, image_size=20)[0][..., 0]
    wanted = np.zeros((20, 20), np.uint8)
    wanted[:, :6] = 255  # 10 of 40 columns are left, and bilinear resizing by 2 spreads them by one
    np.testing.assert_array_equal(cropped, wanted)
    np.testing.assert_array_equal(sets.pool(tmp_path, image_size=0)[0][..., 0], hole)
