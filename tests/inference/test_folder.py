import threading
import time

import numpy as np
import pytest

from edgeconnect_jax.data.matching import pair
from edgeconnect_jax.host import threads
from edgeconnect_jax.images import files
from edgeconnect_jax.inference import folder
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter, Result
from tests.synthetic import picture
from tests.systems.edgeconnect.weights import weights


@pytest.fixture(scope="module")
def loaded():
    return weights()


@pytest.fixture(scope="module")
def full(loaded):
    return Inpainter(loaded)


def write_examples(tmp_path, count=2, height=24, width=28):
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for i in range(count):
        image, mask = picture(i, height, width)
        files.write_png(tmp_path / f"images/{i}.png", image)
        files.write_png(tmp_path / f"masks/{i}.png", mask)
    return pair(files.list_images(tmp_path / "images"), files.list_images(tmp_path / "masks"))


def files_below(path):
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())


def test_results_are_what_the_inpainter_returns(tmp_path, full):
    jobs = write_examples(tmp_path)
    summary = folder.fill_folder(full, jobs, tmp_path / "new/out")
    assert files_below(tmp_path / "new/out") == ["0.png", "1.png"]
    assert summary == folder.Summary([tmp_path / "new/out" / f"{i}.png" for i in range(2)], [])
    for i in range(2):
        image, mask = picture(i, 24, 28)
        np.testing.assert_array_equal(files.read_picture(tmp_path / f"new/out/{i}.png").color, full(image, mask).image)


def test_edges_and_masked_pictures_are_saved_beside_the_results(tmp_path, full):
    jobs = write_examples(tmp_path, 1)
    folder.fill_folder(full, jobs, tmp_path / "out", save_edges=True, save_masked=True)
    assert files_below(tmp_path / "out") == ["0.png", "edges/0.png", "masked/0.png"]
    image, mask = picture(0, 24, 28)
    edges = files.read_picture(tmp_path / "out/edges/0.png").color[..., 0]
    np.testing.assert_array_equal(edges, np.rint(full(image, mask).edges * 255))
    masked = files.read_picture(tmp_path / "out/masked/0.png").color
    np.testing.assert_array_equal(masked, np.where(mask[..., None] > 0, 255, image))


def test_steps_edge_writes_edge_maps(tmp_path, loaded):
    jobs = write_examples(tmp_path, 1)
    fill = Inpainter(loaded, steps="edge")
    folder.fill_folder(fill, jobs, tmp_path / "out")
    written = files.read_picture(tmp_path / "out/0.png")
    assert written.color.shape == (24, 28, 1) and written.color.dtype == np.uint8
    np.testing.assert_array_equal(written.color[..., 0], np.rint(fill(*picture(0, 24, 28)).edges * 255))


def test_compat_truncates_edge_maps(tmp_path, loaded):
    jobs = write_examples(tmp_path, 1)
    fill = Inpainter(loaded, steps="edge", compat="original")
    folder.fill_folder(fill, jobs, tmp_path / "out")
    written = files.read_picture(tmp_path / "out/0.png").color[..., 0]
    np.testing.assert_array_equal(written, np.trunc(fill(*picture(0, 24, 28)).edges * np.float32(255)))


def test_edge_maps_are_read(tmp_path, loaded):
    write_examples(tmp_path, 1)
    (tmp_path / "edges").mkdir()
    edges = np.random.default_rng(0).integers(0, 256, (24, 28), dtype=np.uint8)
    files.write_png(tmp_path / "edges/0.png", edges)
    jobs = pair([tmp_path / "images/0.png"], tmp_path / "masks/0.png", tmp_path / "edges/0.png")
    fill = Inpainter(loaded, steps="inpaint")
    folder.fill_folder(fill, jobs, tmp_path / "out", save_edges=True)
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
    folder.fill_folder(full, pair([tmp_path / "a.png"], tmp_path / "mask.png"), tmp_path / "out", save_masked=True)
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
    folder.fill_folder(full, jobs, tmp_path / "together")
    folder.fill_folder(full, jobs[2:], tmp_path / "alone")
    assert (tmp_path / "together/2.png").read_bytes() == (tmp_path / "alone/2.png").read_bytes()


def test_damaged_files_are_listed_after_the_others_are_filled(tmp_path, full):
    jobs = write_examples(tmp_path, 4)
    for path in (jobs[0].image, jobs[2].mask):
        path.write_bytes(path.read_bytes()[:100])  # the head still tells the size
    with pytest.raises(folder.UnreadableError) as error:
        folder.fill_folder(full, jobs, tmp_path / "out")
    assert "2 of 4 pictures were filled" in str(error.value)
    assert str(jobs[0].image) in str(error.value) and str(jobs[2].mask) in str(error.value)
    assert files_below(tmp_path / "out") == ["1.png", "3.png"]


def test_masks_without_a_hole_are_reported(tmp_path, full):
    jobs = write_examples(tmp_path, 2)
    files.write_png(jobs[1].mask, np.ones((24, 28), np.uint8))
    assert folder.fill_folder(full, jobs, tmp_path / "out").without_hole == [jobs[1].mask]
    np.testing.assert_array_equal(
        files.read_picture(tmp_path / "out/1.png").color, files.read_picture(jobs[1].image).color
    )


def test_threshold_and_inversion(tmp_path):
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    files.write_png(tmp_path / "mask.png", values)

    def hole(threshold, invert):
        return folder.read_hole(tmp_path / "mask.png", (16, 16), threshold, invert)

    np.testing.assert_array_equal(hole(127, False), values > 127)
    np.testing.assert_array_equal(hole(0, False), values > 0)
    np.testing.assert_array_equal(hole(127, True), values < 128)
    np.testing.assert_array_equal(hole(254, True), values == 0)
    for threshold, invert in ((0, False), (127, False), (127, True)):
        original = folder.read_hole_as_original(tmp_path / "mask.png", (16, 16), threshold, invert)
        np.testing.assert_array_equal(original, hole(threshold, invert))


def test_options_reach_the_masks(tmp_path, loaded, full):
    soft = np.full((24, 28), 40, np.uint8)
    soft[8:16, 8:16] = 100
    image, _ = picture(0, 24, 28)
    files.write_png(tmp_path / "a.png", image)
    files.write_png(tmp_path / "mask.png", soft)
    jobs = pair([tmp_path / "a.png"], tmp_path / "mask.png")
    original = Inpainter(loaded, compat="original")
    for fill, threshold, invert, hole in (
        (full, None, False, np.zeros_like(soft, bool)),
        (full, 60, False, soft > 60),
        (full, None, True, np.ones_like(soft, bool)),
        (full, 200, True, soft < 55),
        (original, None, False, np.ones_like(soft, bool)),
        (original, 60, False, soft > 60),
    ):
        folder.fill_folder(fill, jobs, tmp_path / "out", mask_threshold=threshold, invert_mask=invert, save_masked=True)
        masked = files.read_picture(tmp_path / "out/masked/a.png").color
        np.testing.assert_array_equal(masked, np.where(hole[..., None], 255, image))


def test_the_originals_resizing_keeps_faint_borders_and_colours(tmp_path):
    """Of a resized mask everything but black is a hole there, ours is cut in the middle."""
    mask = np.zeros((8, 8, 3), np.uint8)
    mask[:4, :, 2] = 1
    files.write_png(tmp_path / "blue.png", mask)
    np.testing.assert_array_equal(
        folder.read_hole_as_original(tmp_path / "blue.png", (8, 8), 0, False), mask[..., 2] > 0
    )
    assert not folder.read_hole(tmp_path / "blue.png", (8, 8), 0, False).any()
    files.write_png(tmp_path / "white.png", mask[..., 2] * 255)
    original = folder.read_hole_as_original(tmp_path / "white.png", (32, 32), 0, False)
    ours = folder.read_hole(tmp_path / "white.png", (32, 32), 127, False)
    assert original.sum() > ours.sum() == 16 * 32
    np.testing.assert_array_equal(ours[:16], True)


def test_output_may_not_be_mixed_with_the_input(tmp_path, full):
    jobs = write_examples(tmp_path, 1)
    with pytest.raises(ValueError, match="mix with the input"):
        folder.fill_folder(full, jobs, tmp_path / "images")
    with pytest.raises(ValueError, match="mix with the input"):
        folder.fill_folder(full, jobs, tmp_path / "images" / ".." / "masks")
    (tmp_path / "edges").mkdir()
    files.write_png(tmp_path / "edges/0.png", picture(0, 24, 28)[1])
    jobs = [jobs[0]._replace(edges=tmp_path / "edges/0.png")]
    with pytest.raises(ValueError, match="edges: results would mix"):
        folder.fill_folder(full, jobs, tmp_path, save_edges=True)
    before = files_below(tmp_path)
    assert before == ["edges/0.png", "images/0.png", "masks/0.png"]


@pytest.mark.parametrize(
    ("output", "refused"),
    [("images", True), ("images/out", True), ("images/sub/..", True), (".", False), ("out", False)],
)
def test_check_output_of_folders(tmp_path, output, refused):
    (tmp_path / "images/sub").mkdir(parents=True)
    if refused:
        with pytest.raises(ValueError, match="mix"):
            folder.check_output([tmp_path / output], [tmp_path / "images"])
    else:
        folder.check_output([tmp_path / output], [tmp_path / "images"])


def test_check_output_of_files(tmp_path):
    (tmp_path / "a.png").touch()
    folder.check_output([tmp_path / "out"], [tmp_path / "a.png"])
    with pytest.raises(ValueError, match="mix"):
        folder.check_output([tmp_path], [tmp_path / "a.png"])
    with pytest.raises(ValueError, match="must be a folder"):
        folder.check_output([tmp_path / "a.png"], [])


class Slow:
    """Stands for an inpainter: gives the picture back after `before(number)` of the pictures filled before it."""

    compat, sigma = None, -1.0

    def __init__(self, before):
        self.before, self.number = before, 0

    def __call__(self, image, mask, edges):
        self.before(self.number)
        self.number += 1
        return Result(image, edges)


def wait_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def test_files_are_read_ahead_and_written_behind(tmp_path, monkeypatch):
    jobs, read, decode = write_examples(tmp_path, 40), set(), files.read_picture
    monkeypatch.setattr(files, "read_picture", lambda path, name="": read.add(path) or decode(path, name))

    def pictures_read():
        return len(read & {job.image for job in jobs})

    def before(number):
        # While one is filled, the next is read and the last is written; nothing runs far ahead.
        wait_for(lambda: pictures_read() > min(number + 1, 39))
        if number:
            wait_for(lambda: (tmp_path / f"out/{jobs[number - 1].image.stem}.png").exists())
        assert pictures_read() <= number + 2 + 2 * folder._THREADS

    summary = folder.fill_folder(Slow(before), jobs, tmp_path / "out")
    assert summary.results == [tmp_path / "out" / f"{job.image.stem}.png" for job in jobs]


def test_ctrl_c_leaves_whole_files_and_no_threads(tmp_path):
    jobs, threads = write_examples(tmp_path, 12), threading.active_count()

    def before(number):
        if number == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder.fill_folder(Slow(before), jobs, tmp_path / "out", save_masked=True)
    assert threading.active_count() == threads
    for path in (tmp_path / "out").rglob("*.*"):
        assert path.suffix == ".png"
        files.read_picture(path)


def test_ctrl_c_loses_no_picture_that_is_filled(tmp_path, monkeypatch):
    jobs, write = write_examples(tmp_path, 6), files.write_picture
    monkeypatch.setattr(threads, "cores", lambda: 1)
    interrupted = threading.Event()

    def before(number):
        if number == 2:
            interrupted.set()
            raise KeyboardInterrupt

    def slow(*given):  # the first is being written and the second waits when Ctrl-C comes
        assert interrupted.wait(20)
        write(*given)

    monkeypatch.setattr(files, "write_picture", slow)
    with pytest.raises(KeyboardInterrupt):
        folder.fill_folder(Slow(before), jobs, tmp_path / "out")
    assert files_below(tmp_path / "out") == ["0.png", "1.png"]


def test_a_result_that_cannot_be_written_ends_the_run(tmp_path):
    jobs, filled = write_examples(tmp_path, 40), []
    (tmp_path / f"out/{jobs[1].image.stem}.png").mkdir(parents=True)
    with pytest.raises(OSError):
        folder.fill_folder(Slow(filled.append), jobs, tmp_path / "out")
    assert len(filled) <= 4 + 2 * folder._THREADS


class Failing(Slow):
    """Raises an error at its second picture."""

    def __init__(self, error):
        super().__init__(lambda number: None)
        self.error = error

    def __call__(self, *given):
        result = super().__call__(*given)
        if self.number == 2:
            raise self.error
        return result


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: Out of memory")])
def test_a_picture_too_large_for_memory_is_named_and_the_others_are_filled(tmp_path, error):
    jobs = write_examples(tmp_path, 3)
    with pytest.raises(folder.UnreadableError, match=r"2 of 3 (.|\n)*1\.png: 28 x 24 pixels take more memory than"):
        folder.fill_folder(Failing(error), jobs, tmp_path / "out")
    assert files_below(tmp_path / "out") == ["0.png", "2.png"]


def test_other_errors_of_the_networks_are_no_fault_of_the_picture(tmp_path):
    with pytest.raises(RuntimeError, match="a bug"):
        folder.fill_folder(Failing(RuntimeError("a bug")), write_examples(tmp_path, 3), tmp_path / "out")
