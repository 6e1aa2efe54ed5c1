import numpy as np
import pytest

from edgeconnect_jax.evaluation import pairs
from edgeconnect_jax.images import files


def write(folder, **sizes):
    """Gray pictures of the given (height, width) as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in sizes.items():
        files.write_png(folder / f"{name}.png", np.full(size, 200, np.uint8))
    return folder


def test_files_of_one_stem_belong_together_and_sizes_stay_together(tmp_path):
    truth = write(tmp_path / "truth", b=(20, 30), a=(24, 24), c=(20, 30))
    output = write(tmp_path / "output", a=(24, 24), b=(20, 30), c=(20, 30))
    found = pairs.find_pairs(truth, output=output)
    assert [pair.name for pair in found] == ["b", "c", "a"]
    assert all(pair.files == {"output": output / f"{pair.name}.png"} for pair in found)
    assert [pair.size for pair in found] == [(20, 30), (20, 30), (24, 24)]


def test_sub_folders_are_not_searched(tmp_path):
    """Those of an output folder of `inpaint` hold edge maps and masked pictures."""
    truth, output = write(tmp_path / "truth", a=(20, 20)), write(tmp_path / "output", a=(20, 20))
    write(output / "edges", a=(20, 20))
    write(output / "masked", a=(20, 20), other=(9, 9))
    assert [pair.files["output"] for pair in pairs.find_pairs(truth, output=output)] == [output / "a.png"]


def problems(*arguments, **options):
    with pytest.raises(ValueError) as error:
        pairs.find_pairs(*arguments, **options)
    return str(error.value).splitlines()


def test_everything_missing_and_doubled_is_listed_at_once(tmp_path):
    truth = write(tmp_path / "truth", a=(20, 20), b=(20, 20))
    (truth / "a.png").with_suffix(".bmp").write_bytes((truth / "a.png").read_bytes())
    output, mask = write(tmp_path / "output", b=(20, 20), c=(20, 20)), write(tmp_path / "mask", a=(20, 20))
    lines = problems(truth, output=output, mask=mask)
    wanted = (
        "pictures with one stem, a",
        "no output with the stem a",
        "c.png: output without",
        "no mask with the stem b",
    )
    assert all(any(text in line for line in lines) for text in wanted)


def test_what_is_wrong_with_a_file_is_a_problem_of_its_pair_alone(tmp_path):
    truth = write(tmp_path / "truth", a=(20, 20), b=(20, 24), broken=(20, 20), small=(9, 20))
    output = write(tmp_path / "output", a=(20, 20), b=(20, 25), broken=(20, 20), small=(9, 20))
    (truth / "broken.png").write_bytes(b"no picture")
    found = {pair.name: pair for pair in pairs.find_pairs(truth, output=output, smallest={"ssim": 11})}
    assert not found["a"].problem
    assert "b.png: the output has 25 x 20 pixels, its picture" in found["b"].problem
    assert "broken.png: not a picture" in found["broken"].problem and found["broken"].size == (0, 0)
    assert "small.png: 20 x 9 pixels are too few for ssim (11); leave the picture out" in found["small"].problem


def test_all_sizes_that_differ_are_listed(tmp_path):
    truth = write(tmp_path / "truth", a=(20, 20), b=(20, 24))
    output, mask = write(tmp_path / "output", a=(20, 21), b=(20, 24)), write(tmp_path / "mask", a=(20, 20), b=(9, 9))
    lines = problems(truth, output=output, mask=mask)
    assert len(lines) == 2
    assert "output/a.png: the output has 21 x 20 pixels" in lines[0] and "--image_size" in lines[0]
    assert "mask/b.png: the mask has 9 x 9 pixels" in lines[1] and "24 x 20" in lines[1]


def test_what_is_no_picture_or_no_folder_is_named(tmp_path):
    truth = write(tmp_path / "truth", a=(20, 20))
    output = write(tmp_path / "output", a=(20, 20))
    (output / "a.png").write_bytes(b"no picture")
    assert "a.png" in problems(truth, output=output)[0]
    assert len(problems(truth, output=tmp_path / "nowhere", mask=tmp_path / "lost")) == 2
    assert "must be a folder" in problems(truth, output=truth / "a.png")[0]


def test_pictures_are_prepared_as_in_training_and_masks_with_them(tmp_path):
    rng = np.random.default_rng(0)
    picture, mask = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8), np.zeros((40, 60), np.uint8)
    mask[10:30, 20:50] = 255
    for folder, array in (("truth", picture), ("mask", mask), ("own", files.resize_bilinear(mask, 20, 20))):
        (tmp_path / folder).mkdir()
        files.write_png(tmp_path / folder / "a.png", array)
    (pair,) = pairs.find_pairs(tmp_path / "truth", mask=tmp_path / "mask", image_size=20)
    assert pair.size == (20, 20)
    np.testing.assert_array_equal(pairs.read_truth(pair), files.resize_bilinear(picture[:, 10:50], 20, 20))
    hole = files.resize_bilinear(mask[:, 10:50], 20, 20) > 127
    np.testing.assert_array_equal(pairs.hole_of(pair), hole)
    np.testing.assert_array_equal(pairs.hole_of(pair, invert=True), ~hole)
    # A mask that has the size already is taken as it is, not cropped.
    (pair,) = pairs.find_pairs(tmp_path / "truth", mask=tmp_path / "own", image_size=20)
    np.testing.assert_array_equal(pairs.hole_of(pair), files.read_gray8(tmp_path / "own/a.png") > 127)
    assert "the output has 60 x 40" in problems(tmp_path / "truth", output=tmp_path / "mask", image_size=20)[0]


def test_one_mask_serves_all(tmp_path):
    truth, mask = write(tmp_path / "truth", a=(20, 20), b=(20, 20)), write(tmp_path / "mask", m=(20, 20)) / "m.png"
    assert [pair.files["mask"] for pair in pairs.find_pairs(truth, mask=mask)] == [mask, mask]


def test_pictures_that_are_too_small_have_a_problem(tmp_path):
    found = pairs.find_pairs(write(tmp_path / "truth", a=(20, 40), b=(30, 10), c=(60, 60)))
    checked = {pair.name: pair.problem for pair in pairs.check_sides(found, {"ssim": 11, "legacy": 51})}
    assert "legacy (51)" in checked["a"] and "ssim" not in checked["a"]
    assert "ssim (11), legacy (51)" in checked["b"] and not checked["c"]
    with pytest.raises(ValueError) as error:
        pairs.check_sides(found, {"huge": 61})
    assert len(str(error.value).splitlines()) == 3
    assert pairs.check_sides(found, {"ssim": 10}) == found


def test_other_files_belong_to_the_pictures_too(tmp_path):
    truth = write(tmp_path / "truth", a=(20, 30), b=(20, 30))
    labels = write(tmp_path / "labels", a=(20, 30), b=(20, 30))
    exemplars = write(tmp_path / "exemplars", a=(9, 8), b=(7, 7))
    others = [
        pairs.Folder("label", labels, "label map"),
        pairs.Folder("exemplar", exemplars, "exemplar", any_size=True),
    ]
    found = pairs.find_pairs(truth, others=others)
    assert [pair.files for pair in found] == [
        {"label": labels / f"{name}.png", "exemplar": exemplars / f"{name}.png"} for name in "ab"
    ]
    (labels / "b.png").unlink()
    (exemplars / "a.png").rename(exemplars / "c.png")
    lines = problems(truth, others=others)
    assert "no label map with the stem b" in lines[0] and "c.png: exemplar without a picture" in lines[-1]
    wrong = write(tmp_path / "wrong", a=(20, 31), b=(20, 31))
    assert "the label map has 31 x 20" in problems(truth, others=[pairs.Folder("label", wrong, "label map")])[0]
    assert "must be a folder" in problems(truth, others=[pairs.Folder("label", wrong / "a.png", "label map")])[0]
    own = [pairs.Folder("label", labels, "label map", own_size=True)]
    write(labels, b=(20, 30))
    assert not any(pair.problem for pair in pairs.find_pairs(truth, others=own, image_size=10))
