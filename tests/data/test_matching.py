import pathlib

import numpy as np
import pytest

from edgeconnect_jax.data.matching import PICTURE, match_by_stem, pair
from edgeconnect_jax.images.files import write_png


def files(folder, names, size=(4, 5)):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(folder / name, np.zeros(size, np.uint8))
    return [folder / name for name in names]


def test_partners_are_found_by_stem_not_by_order(tmp_path):
    pictures = files(tmp_path, ["p/b.png", "p/a.png"])
    masks = files(tmp_path, ["m/a.PNG", "m/b.bmp.png", "m/b.png"])[::2]
    edges = files(tmp_path, ["e/a.png", "e/b.png"])
    jobs = pair(pictures, {"mask": masks, "edge map": edges})
    found = {job.picture.name: ([path.name for path in job.files.values()], job.size) for job in jobs}
    assert found == {"a.png": (["a.png", "a.PNG", "a.png"], (4, 5)), "b.png": (["b.png"] * 3, (4, 5))}
    assert all(list(job.files) == [PICTURE, "mask", "edge map"] for job in jobs)


def test_one_mask_serves_all(tmp_path):
    pictures = files(tmp_path, ["p/b.png", "p/a.png"])
    (mask,) = files(tmp_path, ["mask.png"])
    assert [job.files["mask"] for job in pair(pictures, {"mask": mask})] == [mask] * 2


def test_pictures_of_one_size_are_next_to_each_other(tmp_path):
    pictures = [
        *files(tmp_path, ["a.png"], (8, 8)),
        *files(tmp_path, ["b.png"], (4, 4)),
        *files(tmp_path, ["c.png"], (8, 8)),
    ]
    (mask,) = files(tmp_path, ["mask.png"])
    assert [job.picture.stem for job in pair(pictures, {"mask": mask}, any_size=True)] == ["b", "a", "c"]


def test_every_missing_and_doubled_partner_is_listed(tmp_path):
    pictures = files(tmp_path, ["p/a.png", "p/b.png", "p/c.png", "p/d.png", "p/sub/d.png"])
    masks = files(tmp_path, ["m/a.png", "m/sub/a.png", "m/d.png", "m/z.png"])
    edges = files(tmp_path, ["e/a.png", "e/b.png", "e/d.png"])
    with pytest.raises(ValueError) as error:
        pair(pictures, {"mask": masks, "edge map": edges})
    lines = str(error.value).splitlines()
    for expected in (
        f"{pictures[3]}, {pictures[4]}: pictures with one stem",
        f"{pictures[1]}: no mask with the stem b",
        f"{pictures[2]}: no mask with the stem c",
        f"{masks[0]}, {masks[1]}: masks with one stem",
        f"{masks[3]}: mask without a picture",
        f"{pictures[2]}: no edge map with the stem c",
    ):
        assert [line for line in lines if line.startswith(expected)], (expected, lines)
    assert len(lines) == 6


def test_other_sizes_and_unreadable_files_are_problems_of_their_jobs_alone(tmp_path):
    pictures = files(tmp_path, ["p/a.png", "p/b.png", "p/c.png", "p/d.png"])
    masks = [*files(tmp_path, ["m/a.png", "m/b.png"], (4, 6)), *files(tmp_path, ["m/c.png", "m/d.png"])]
    masks[2].write_bytes(b"broken")
    edges = [*files(tmp_path, ["e/a.png", "e/b.png", "e/d.png"]), *files(tmp_path, ["e/c.png"], (5, 4))]
    problems = {
        job.picture.stem: job.problem.splitlines() for job in pair(pictures, {"mask": masks, "edge map": edges})
    }
    (a,), (b,), c = problems["a"], problems["b"], problems["c"]
    for line, path, text in (
        (a, masks[0], "mask has 6 x 4 pixels"),
        (b, masks[1], "mask has 6 x 4 pixels"),
        (c[0], masks[2], "not a picture"),
        (c[1], edges[3], "edge map has 4 x 5 pixels"),
    ):
        assert line.startswith(f"{path}: ") and text in line
    assert not problems["d"] and len(c) == 2
    masks[2] = files(tmp_path, ["m/c.png"])[0]
    assert not any(job.problem for job in pair(pictures, {"mask": masks, "edge map": edges}, any_size=True))


def test_of_an_unreadable_picture_the_size_is_not_known(tmp_path):
    pictures, masks = files(tmp_path, ["p/a.png", "p/b.png"]), files(tmp_path, ["m/a.png", "m/b.png"])
    pictures[1].write_bytes(b"")
    broken, whole = pair(pictures, {"mask": masks})
    assert (broken.picture, broken.size, whole.size) == (pictures[1], (0, 0), (4, 5))
    assert broken.problem.startswith(f"{pictures[1]}: ") and not whole.problem


def test_match_by_stem_follows_the_pictures_order():
    partners = [pathlib.Path("masks/b.png"), pathlib.Path("masks/a.jpg"), pathlib.Path("masks/extra.png")]
    assert match_by_stem(["x/a.png", "y/b.png"], partners, "mask") == [partners[1], partners[0]]


def test_match_by_stem_lists_everything_that_is_wrong():
    partners = [pathlib.Path("b.png"), pathlib.Path("b.jpg"), pathlib.Path("c.png")]
    with pytest.raises(ValueError) as error:
        match_by_stem(["a.png", "b.png", "x/c.png", "y/c.png", "d.png"], partners, "mask")
    lines = str(error.value).splitlines()[1:]
    assert len(lines) == 4
    for expected in ("a.png: no mask", "d.png: no mask", "b.png, b.jpg: masks", "x/c.png, y/c.png: pictures"):
        assert [line for line in lines if expected in line], expected
