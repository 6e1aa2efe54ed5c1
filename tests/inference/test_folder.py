import threading
import time

import numpy as np
import pytest

from edgeconnect_jax.data.matching import pair
from edgeconnect_jax.host import threads
from edgeconnect_jax.images import files
from edgeconnect_jax.inference import folder
from edgeconnect_jax.inference.folder import Work, Written
from tests.synthetic import picture


def write_examples(tmp_path, count=2, height=24, width=28):
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for i in range(count):
        image, mask = picture(i, height, width)
        files.write_png(tmp_path / f"images/{i}.png", image)
        files.write_png(tmp_path / f"masks/{i}.png", mask)
    return pair(files.list_images(tmp_path / "images"), {"mask": files.list_images(tmp_path / "masks")})


def files_below(path):
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())


def work(output, before=lambda number: None, *, notice="", folders=()):
    """Copies each picture, after `before(number)` of the pictures computed before it."""
    number = 0

    def compute(read):
        nonlocal number
        before(number)
        number += 1
        return read

    def write(computed):
        job, image, _ = computed
        path = output / f"{job.picture.stem}.png"
        files.write_picture(path, image)
        return Written(path, notice)

    def read(job):
        return job, files.read_picture(job.picture), files.read_gray8(job.files["mask"])

    return Work([output, *folders], read, compute, write)


def test_results_come_in_the_order_of_the_jobs(tmp_path):
    jobs = write_examples(tmp_path)
    summary = folder.run(jobs, work(tmp_path / "new/out"))
    assert files_below(tmp_path / "new/out") == ["0.png", "1.png"]
    assert summary.results == [tmp_path / "new/out" / f"{i}.png" for i in range(2)]
    assert not summary.notices and summary.folder == tmp_path / "new/out"
    assert str(summary) == f"2 pictures written in {summary.seconds:.1f} s to {tmp_path / 'new/out'}"
    for i in range(2):
        np.testing.assert_array_equal(files.read_picture(summary.results[i]).color, picture(i, 24, 28)[0])


def test_a_notice_is_given_once(tmp_path):
    summary = folder.run(write_examples(tmp_path, 3), work(tmp_path / "out", notice="a.png: look at it"))
    assert summary.notices == ["a.png: look at it"]


def test_corrupted_files_are_listed_after_the_others_are_done(tmp_path):
    jobs = write_examples(tmp_path, 5)
    jobs[4] = jobs[4]._replace(problem="the mask is too small")
    for path in (jobs[0].picture, jobs[2].files["mask"]):
        path.write_bytes(path.read_bytes()[:100])  # the head still tells the size
    with pytest.raises(folder.UnreadableError) as error:
        folder.run(jobs, work(tmp_path / "out"))
    assert "2 of 5 pictures are done" in str(error.value) and "the mask is too small" in str(error.value)
    assert str(jobs[0].picture) in str(error.value) and str(jobs[2].files["mask"]) in str(error.value)
    assert files_below(tmp_path / "out") == ["1.png", "3.png"]


def test_output_may_not_be_mixed_with_the_input(tmp_path):
    jobs = write_examples(tmp_path, 1)
    for output in ("images", "images/../masks"):
        with pytest.raises(ValueError, match="mix with the input"):
            folder.run(jobs, work(tmp_path / output))
    (tmp_path / "edges").mkdir()
    files.write_png(tmp_path / "edges/0.png", picture(0, 24, 28)[1])
    jobs = [jobs[0]._replace(files={**jobs[0].files, "edge map": tmp_path / "edges/0.png"})]
    with pytest.raises(ValueError, match="edges: results would mix"):
        folder.run(jobs, work(tmp_path, folders=[tmp_path / "edges"]))
    assert files_below(tmp_path) == ["edges/0.png", "images/0.png", "masks/0.png"]


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


def wait_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.001)


def test_files_are_read_ahead_and_written_behind(tmp_path, monkeypatch):
    jobs, read, decode = write_examples(tmp_path, 40), set(), files.read_picture
    monkeypatch.setattr(files, "read_picture", lambda path, name="": read.add(path) or decode(path, name))

    def pictures_read():
        return len(read & {job.picture for job in jobs})

    def before(number):
        # While one is computed, the next is read and the last is written; nothing runs far ahead.
        wait_for(lambda: pictures_read() > min(number + 1, 39))
        if number:
            wait_for(lambda: (tmp_path / f"out/{jobs[number - 1].picture.stem}.png").exists())
        assert pictures_read() <= number + 2 + 2 * folder._THREADS

    summary = folder.run(jobs, work(tmp_path / "out", before))
    assert summary.results == [tmp_path / "out" / f"{job.picture.stem}.png" for job in jobs]


def test_ctrl_c_leaves_whole_files_and_no_threads(tmp_path):
    jobs, running = write_examples(tmp_path, 12), threading.active_count()

    def before(number):
        if number == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder.run(jobs, work(tmp_path / "out", before))
    assert threading.active_count() == running
    for path in (tmp_path / "out").rglob("*.*"):
        assert path.suffix == ".png"
        files.read_picture(path)


def test_ctrl_c_loses_no_picture_that_is_computed(tmp_path, monkeypatch):
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
        folder.run(jobs, work(tmp_path / "out", before))
    assert files_below(tmp_path / "out") == ["0.png", "1.png"]


def test_a_result_that_cannot_be_written_ends_the_run(tmp_path):
    jobs, computed = write_examples(tmp_path, 40), []
    (tmp_path / f"out/{jobs[1].picture.stem}.png").mkdir(parents=True)
    with pytest.raises(OSError):
        folder.run(jobs, work(tmp_path / "out", computed.append))
    assert len(computed) <= 4 + 2 * folder._THREADS


def failing(error):
    def before(number):
        if number == 1:
            raise error

    return before


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: Out of memory")])
def test_a_picture_too_large_for_memory_is_named_and_the_others_are_done(tmp_path, error):
    jobs = write_examples(tmp_path, 2)
    with pytest.raises(folder.UnreadableError, match=r"1 of 2 (.|\n)*1\.png: 28 x 24 pixels need more memory than"):
        folder.run(jobs, work(tmp_path / "out", failing(error)))
    assert files_below(tmp_path / "out") == ["0.png"]


def test_other_errors_of_the_networks_are_no_fault_of_the_picture(tmp_path):
    with pytest.raises(RuntimeError, match="a bug"):
        folder.run(write_examples(tmp_path, 3), work(tmp_path / "out", failing(RuntimeError("a bug"))))
