"""Filling files: what is read and written; in train.mode="test", which sigma and which edge maps the networks see."""

import numpy as np
import pytest

from configs import default
from edgeconnect_jax.images import edges, files
from edgeconnect_jax.inference import folder
from edgeconnect_jax.systems.edgeconnect import files as edgeconnect
from edgeconnect_jax.systems.edgeconnect import pictures
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from tests.synthetic import picture
from tests.systems.edgeconnect.weights import weights, write_checkpoint, write_hed


@pytest.fixture
def folders(tmp_path, rng):
    """A workdir with a checkpoint, and one picture with its mask and a soft edge map of another size."""
    image, mask = picture(5, 32, 40)
    for kind, array in {"p": image, "m": mask, "e": rng.integers(0, 256, (48, 60), dtype=np.uint8)}.items():
        (tmp_path / kind).mkdir()
        files.write_png(tmp_path / kind / "one.png", array)
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
    folder.test(edgeconnect.FILES, configured(folders, **edge_options), folders / "run")
    image, mask = picture(5, 32, 40)
    edge = files.resize_bilinear(files.read_gray8(folders / "e/one.png"), 32, 40)
    return files.read_rgb8(folders / "run/results/one.png"), image, mask > 0, edge


@pytest.mark.parametrize(("trained", "asked", "meant"), [(None, 1.0, 1.0), (None, 0.0, 2.0), (1.0, 3.0, 1.0)])
def test_sigma_is_the_checkpoints_or_for_a_converted_one_the_configs(
    trained, asked, meant, folders, monkeypatch, capsys
):
    config = {} if trained is None else {"edges": {"sigma": trained}}
    monkeypatch.setattr(folder.checkpoints, "load_weights", lambda *_, **__: weights()._replace(config=config))
    result, image, hole, _ = filled(folders, sigma=asked)
    np.testing.assert_array_equal(result, Inpainter(weights(), sigma=meant)(image, hole).image)
    assert (pictures.known_edges(image, hole, meant) != pictures.known_edges(image, hole, 4.0)).any()
    assert ("edges.sigma=1, from the checkpoint" in capsys.readouterr().out) == (trained is not None)


def test_nms_thins_external_edges_to_lines_of_the_known_part(folders):
    fill = Inpainter(weights())
    plain, image, hole, edge = filled(folders, source="external", test=str(folders / "e"))
    np.testing.assert_array_equal(plain, fill(image, hole, edge).image)
    thinned, *_ = filled(folders, source="external", test=str(folders / "e"), nms=True)
    lines = edges.canny_edges(edges.to_gray(image), 2.0, mask=~hole) > 0
    assert lines.any() and not lines[hole].any()
    np.testing.assert_array_equal(thinned, fill(image, hole, edge * lines.astype(np.uint8)).image)
    assert (thinned != plain).any()


@pytest.fixture(scope="module")
def loaded():
    return weights()


@pytest.fixture(scope="module")
def full(loaded):
    return Inpainter(loaded)


def write_examples(tmp_path, count=2, height=24, width=28):
    """Pictures and masks in files; returns the paths of both."""
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for i in range(count):
        image, mask = picture(i, height, width)
        files.write_png(tmp_path / f"images/{i}.png", image)
        files.write_png(tmp_path / f"masks/{i}.png", mask)
    return files.list_images(tmp_path / "images"), files.list_images(tmp_path / "masks")


def fill_folder(inpainter, paths, output, **more):
    """Fills pictures with masks and perhaps edge maps, as paths, with an inpainter in memory."""
    images, masks, *edge_maps = paths
    options = edgeconnect.Options(images, masks, output, edges=edge_maps[0] if edge_maps else None, **more)
    return folder.run(edgeconnect.find_jobs(options), edgeconnect.work_of(inpainter, options))


def files_below(path):
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())


def test_results_are_what_the_inpainter_returns(tmp_path, full):
    jobs = write_examples(tmp_path)
    summary = fill_folder(full, jobs, tmp_path / "new/out")
    assert files_below(tmp_path / "new/out") == ["0.png", "1.png"]
    assert summary.results == [tmp_path / "new/out" / f"{i}.png" for i in range(2)] and not summary.notices
    for i in range(2):
        image, mask = picture(i, 24, 28)
        np.testing.assert_array_equal(files.read_picture(tmp_path / f"new/out/{i}.png").color, full(image, mask).image)


def test_edges_and_masked_pictures_are_saved_beside_the_results(tmp_path, full):
    jobs = write_examples(tmp_path, 1)
    fill_folder(full, jobs, tmp_path / "out", save_edges=True, save_masked=True)
    assert files_below(tmp_path / "out") == ["0.png", "edges/0.png", "masked/0.png"]
    image, mask = picture(0, 24, 28)
    edges = files.read_picture(tmp_path / "out/edges/0.png").color[..., 0]
    np.testing.assert_array_equal(edges, np.rint(full(image, mask).edges * 255))
    masked = files.read_picture(tmp_path / "out/masked/0.png").color
    np.testing.assert_array_equal(masked, np.where(mask[..., None] > 0, 255, image))


def test_steps_edge_writes_edge_maps(tmp_path, loaded):
    jobs = write_examples(tmp_path, 1)
    fill = Inpainter(loaded, steps="edge")
    fill_folder(fill, jobs, tmp_path / "out")
    written = files.read_picture(tmp_path / "out/0.png")
    assert written.color.shape == (24, 28, 1) and written.color.dtype == np.uint8
    np.testing.assert_array_equal(written.color[..., 0], np.rint(fill(*picture(0, 24, 28)).edges * 255))


def test_compat_truncates_edge_maps(tmp_path, loaded):
    jobs = write_examples(tmp_path, 1)
    fill = Inpainter(loaded, steps="edge", compat="original")
    fill_folder(fill, jobs, tmp_path / "out")
    written = files.read_picture(tmp_path / "out/0.png").color[..., 0]
    np.testing.assert_array_equal(written, np.trunc(fill(*picture(0, 24, 28)).edges * np.float32(255)))


def test_edge_maps_are_read(tmp_path, loaded):
    write_examples(tmp_path, 1)
    (tmp_path / "edges").mkdir()
    edges = np.random.default_rng(0).integers(0, 256, (24, 28), dtype=np.uint8)
    files.write_png(tmp_path / "edges/0.png", edges)
    jobs = [tmp_path / "images/0.png"], tmp_path / "masks/0.png", tmp_path / "edges/0.png"
    fill = Inpainter(loaded, steps="inpaint")
    fill_folder(fill, jobs, tmp_path / "out", save_edges=True)
    np.testing.assert_array_equal(files.read_gray8(tmp_path / "out/edges/0.png"), edges)
    expected = fill(*picture(0, 24, 28), edges).image
    np.testing.assert_array_equal(files.read_picture(tmp_path / "out/0.png").color, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_files_keep_depth_channels_alpha_profile_and_known_pixels(tmp_path, full, channels, dtype):
    rng = np.random.default_rng(0)
    array = rng.integers(0, np.iinfo(dtype).max + 1, (18, 21, channels), dtype=dtype)
    hole = picture(0, 18, 21)[1]
    files.write_png(tmp_path / "a.png", array, b"profile")
    files.write_png(tmp_path / "mask.png", hole)
    fill_folder(full, ([tmp_path / "a.png"], tmp_path / "mask.png"), tmp_path / "out", save_masked=True)
    for name in ("a.png", "masked/a.png"):
        back = files.read_picture(tmp_path / "out" / name)
        layers = [back.color] if back.alpha is None else [back.color, back.alpha]
        written = np.concatenate(layers, -1)
        assert written.dtype == dtype and written.shape == array.shape
        np.testing.assert_array_equal(written[hole == 0], array[hole == 0])
        np.testing.assert_array_equal(written[..., len(layers[0][0, 0]) :], array[..., len(layers[0][0, 0]) :])
        assert (written[hole > 0] != array[hole > 0]).any()
        assert back.icc_profile == b"profile"


def test_a_result_does_not_depend_on_the_other_pictures(tmp_path, full):
    jobs = write_examples(tmp_path, 3)
    fill_folder(full, jobs, tmp_path / "together")
    fill_folder(full, tuple(paths[2:] for paths in jobs), tmp_path / "alone")
    assert (tmp_path / "together/2.png").read_bytes() == (tmp_path / "alone/2.png").read_bytes()


def test_masks_without_a_hole_are_reported(tmp_path, full):
    jobs = write_examples(tmp_path, 2)
    files.write_png(jobs[1][1], np.ones((24, 28), np.uint8))
    (notice,) = fill_folder(full, jobs, tmp_path / "out").notices
    assert notice.startswith(f"{jobs[1][1]}: no hole")
    np.testing.assert_array_equal(
        files.read_picture(tmp_path / "out/1.png").color, files.read_picture(jobs[0][1]).color
    )


def test_options_reach_the_masks(tmp_path, loaded, full):
    soft = np.full((24, 28), 40, np.uint8)
    soft[8:16, 8:16] = 100
    image, _ = picture(0, 24, 28)
    files.write_png(tmp_path / "a.png", image)
    files.write_png(tmp_path / "mask.png", soft)
    jobs = ([tmp_path / "a.png"], tmp_path / "mask.png")
    original = Inpainter(loaded, compat="original")
    for fill, threshold, invert, hole in (
        (full, None, False, np.zeros_like(soft, bool)),
        (full, 60, False, soft > 60),
        (full, None, True, np.ones_like(soft, bool)),
        (full, 200, True, soft < 55),
        (original, None, False, np.ones_like(soft, bool)),
        (original, 60, False, soft > 60),
    ):
        fill_folder(fill, jobs, tmp_path / "out", mask_threshold=threshold, invert_mask=invert, save_masked=True)
        masked = files.read_picture(tmp_path / "out/masked/a.png").color
        np.testing.assert_array_equal(masked, np.where(hole[..., None], 255, image))


@pytest.fixture(scope="module")
def hed(tmp_path_factory):
    return write_hed(tmp_path_factory.mktemp("hed"))


@pytest.fixture
def trained(monkeypatch):
    """Gives checkpoints of any path a training with a group `edges` (None = they were converted); returns weights."""
    real = folder.checkpoints.load_weights

    def changed(edges):
        found = weights()._replace(config={} if edges is None else {"edges": edges})
        monkeypatch.setattr(
            *(folder.checkpoints, "load_weights"),
            lambda paths, names, **options: real(paths, names, **options) if "hed" in names else found,
        )
        return found

    return changed


def test_edges_are_found_by_hed_where_training_had_them_from_it(folders, hed, trained, capsys):
    found = trained({"source": "hed", "sigma": 2.0, "hed_weights": str(hed), "hed_threshold": 0.1})
    result, image, hole, _ = filled(folders)
    np.testing.assert_array_equal(result, Inpainter(found)(image, hole).image)
    assert (result != Inpainter(weights())(image, hole).image).any()
    assert "edges.source=hed, from the checkpoint's training, instead of canny" in capsys.readouterr().out
    trained(None)  # a converted checkpoint, for which the configuration says it
    again, *_ = filled(folders, source="hed", hed_weights=str(hed), hed_threshold=0.1)
    np.testing.assert_array_equal(again, result)


def test_missing_weights_of_hed_are_reported_before_any_work(folders, trained):
    trained({"source": "hed", "sigma": 2.0, "hed_weights": "moved"})
    with pytest.raises(ValueError, match="moved: no such checkpoint"):
        filled(folders)
    assert not (folders / "run/results").exists()
    filled(folders, source="external", test=str(folders / "e"))  # which needs no HED
