"""The command as a user runs it, on small pictures."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import skimage.data
from PIL import Image

from edgeconnect_jax import inpaint
from edgeconnect_jax.host import compilation_cache
from edgeconnect_jax.images import files
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from edgeconnect_jax.systems.edgeconnect.networks import EdgeGenerator
from tests.synthetic import picture
from tests.systems.edgeconnect import weights
from tests.systems.edgeconnect.weights import write_checkpoint

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def pictures(tmp_path):
    """A folder each of pictures and masks, not all of one size or kind."""
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    shots = {"cat.jpg": skimage.data.chelsea()[100:127, 100:133], "cup.png": skimage.data.coffee()[200:224, 250:278]}
    for seed, (name, array) in enumerate(shots.items()):
        Image.fromarray(array).save(tmp_path / "images" / name)
        mask = picture(seed, *array.shape[:2])[1]
        files.write_png(tmp_path / "masks" / f"{pathlib.Path(name).stem}.png", mask)
    return tmp_path


def arguments(checkpoint, folder, *more):
    return [
        *("--checkpoint", str(checkpoint), "--input", str(folder / "images"), "--mask", str(folder / "masks")),
        *("--output", str(folder / "out"), *map(str, more)),
    ]


def read(path):
    return files.read_picture(path).color


def test_a_folder_of_photographs_in_a_process_of_its_own(checkpoint, pictures):
    run = subprocess.run(
        [sys.executable, "-m", "edgeconnect_jax.inpaint", *arguments(checkpoint, pictures, "--save_edges")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert "2 pictures written" in run.stdout
    assert not run.stderr
    fill = Inpainter.from_checkpoint(checkpoint)
    for name in ("cat.jpg", "cup.png"):
        image, stem = read(pictures / "images" / name), pathlib.Path(name).stem
        result = fill(image, read(pictures / f"masks/{stem}.png"))
        np.testing.assert_array_equal(read(pictures / f"out/{stem}.png"), result.image)
        edges = read(pictures / f"out/edges/{stem}.png")[..., 0]
        np.testing.assert_array_equal(edges, np.rint(result.edges * 255))


def test_one_picture_and_its_mask_from_a_folder(checkpoint, pictures, capsys):
    options = arguments(checkpoint, pictures)
    options[3] = str(pictures / "images/cat.jpg")
    assert inpaint.main(options) == 0
    assert [p.name for p in (pictures / "out").iterdir()] == ["cat.png"]
    assert "1 picture written" in capsys.readouterr().out


def test_one_mask_for_all(checkpoint, pictures):
    Image.open(pictures / "images/cat.jpg").resize((28, 24)).save(pictures / "images/cat.jpg")
    options = arguments(checkpoint, pictures)
    options[5] = str(pictures / "masks/cup.png")
    assert inpaint.main(options) == 0
    hole = read(pictures / "masks/cup.png")[..., 0] > 0
    for name in ("cat", "cup"):
        source = next((pictures / "images").glob(f"{name}.*"))
        np.testing.assert_array_equal(read(pictures / f"out/{name}.png")[~hole], read(source)[~hole])
        assert (read(pictures / f"out/{name}.png")[hole] != read(source)[hole]).any()


@pytest.mark.parametrize(
    "more",
    [
        ["--steps", "edge"],
        ["--steps", "inpaint"],
        ["--compat", "original"],
        ["--invert_mask"],
        ["--dtype", "bfloat16"],
        ["--sigma", "0.5"],
        ["--mask_threshold", "254", "--invert_mask"],
    ],
)
def test_options_change_the_result(checkpoint, pictures, more):
    files.write_png(pictures / "masks/cup.png", np.maximum(read(pictures / "masks/cup.png"), 1))
    assert inpaint.main(arguments(checkpoint, pictures)) == 0
    plain = read(pictures / "out/cup.png")
    assert inpaint.main(arguments(checkpoint, pictures, *more)) == 0
    changed = read(pictures / "out/cup.png")
    assert changed.shape != plain.shape or (changed != plain).any()


def test_edges_and_save_masked(checkpoint, pictures):
    (pictures / "edges").mkdir()
    for stem in ("cat", "cup"):
        mask = read(pictures / f"masks/{stem}.png")
        noise = np.random.default_rng(0).integers(0, 2, mask.shape[:2], dtype=np.uint8) * np.uint8(255)
        files.write_png(pictures / f"edges/{stem}.png", noise)
    more = ("--steps", "inpaint", "--edges", pictures / "edges", "--save_edges", "--save_masked")
    assert inpaint.main(arguments(checkpoint, pictures, *more)) == 0
    np.testing.assert_array_equal(read(pictures / "out/edges/cup.png"), read(pictures / "edges/cup.png"))
    masked, hole = read(pictures / "out/masked/cup.png"), read(pictures / "masks/cup.png")[..., 0] > 0
    assert (masked[hole] == 255).all()
    np.testing.assert_array_equal(masked[~hole], read(pictures / "images/cup.png")[~hole])


def refused(capsys, options):
    """Runs the command, which must fail as documented; returns the lines of its message."""
    assert inpaint.main(options) == 2
    captured = capsys.readouterr()
    assert not captured.out
    assert captured.err.startswith("inpaint: error: ")
    return captured.err.removeprefix("inpaint: error: ").splitlines()


def test_all_missing_masks_are_named_before_any_work(checkpoint, pictures, capsys):
    for path in (pictures / "masks").iterdir():
        path.rename(path.with_stem(f"{path.stem}_mask"))
    lines = refused(capsys, arguments("no checkpoint is read yet", pictures))
    assert len(lines) == 4
    assert not (pictures / "out").exists()


def test_a_mask_of_another_size_needs_resize_masks(checkpoint, pictures, capsys):
    files.write_png(pictures / "masks/cat.png", picture(0, 54, 66)[1])
    told, line = refused(capsys, arguments(checkpoint, pictures))
    assert "1 of 2 pictures are done" in told
    assert "cat.png: the mask has 66 x 54 pixels" in line and "--resize_masks" in line
    assert [path.name for path in (pictures / "out").iterdir()] == ["cup.png"]
    assert inpaint.main(arguments(checkpoint, pictures, "--resize_masks")) == 0
    hole = files.resize_bilinear(picture(0, 54, 66)[1], 27, 33) > 127
    before, after = read(pictures / "images/cat.jpg"), read(pictures / "out/cat.png")
    np.testing.assert_array_equal(after[~hole], before[~hole])
    assert inpaint.main(arguments(checkpoint, pictures, "--compat", "original")) == 0


def test_missing_paths_are_all_named(checkpoint, pictures, capsys):
    options = arguments(checkpoint, pictures, "--edges", pictures / "nowhere")
    options[3] = str(pictures / "lost.png")
    lines = refused(capsys, options)
    assert len(lines) == 2 and "lost.png" in lines[0] and "nowhere" in lines[1]


def test_a_checkpoint_without_the_networks_is_refused(tmp_path, pictures, capsys):
    edge = write_checkpoint(tmp_path / "edge", ("edge_generator",))
    assert "inpaint_generator" in refused(capsys, arguments(edge, pictures))[0]
    assert "nowhere" in refused(capsys, arguments(tmp_path / "nowhere", pictures))[0]
    colour = write_checkpoint(tmp_path / "colour", ("inpaint_generator",))
    assert inpaint.main(["--checkpoint", str(edge), *arguments(colour, pictures)[1:]]) == 0


def test_corrupted_pictures_end_with_status_2_and_the_others_are_filled(checkpoint, pictures, capsys):
    path = pictures / "images/cup.png"
    path.write_bytes(path.read_bytes()[:200])
    lines = refused(capsys, arguments(checkpoint, pictures))
    assert "1 of 2 pictures are done" in lines[0] and "cup.png" in lines[1]
    assert [p.name for p in (pictures / "out").iterdir()] == ["cat.png"]


def test_compiled_programs_are_kept_where_the_user_says(pictures, monkeypatch):
    folders = []
    monkeypatch.setattr(compilation_cache, "enable", folders.append)
    assert inpaint.main(arguments("no checkpoint", pictures, "--compilation_cache", "here")) == 2
    assert inpaint.main(arguments("no checkpoint", pictures)) == 2
    assert folders == ["here", None]


def test_ctrl_c_ends_with_status_130(checkpoint, pictures, monkeypatch, capsys):
    def interrupted(*given, **more):
        raise KeyboardInterrupt

    for name in ("__call__", "from_checkpoint"):
        monkeypatch.setattr(Inpainter, name, interrupted)
        assert inpaint.main(arguments(checkpoint, pictures)) == 130
        assert str(pictures / "out") in capsys.readouterr().err


def test_output_equal_to_or_inside_the_input_is_refused(checkpoint, pictures, capsys):
    for output in ("images", "images/out", "masks"):
        options = arguments(checkpoint, pictures)
        options[7] = str(pictures / output)
        assert "mix with the input" in refused(capsys, options)[0]


def test_edge_maps_are_not_saved_twice(checkpoint, pictures, capsys):
    lines = refused(capsys, arguments(checkpoint, pictures, "--steps", "edge", "--save_edges"))
    assert "--save_edges" in lines[0]


def test_one_edge_map_for_a_folder_is_refused(checkpoint, pictures, capsys):
    lines = refused(capsys, arguments(checkpoint, pictures, "--edges", pictures / "masks/cat.png"))
    assert "must be a folder" in lines[0]


def test_masks_without_a_hole_are_reported(checkpoint, pictures, capsys):
    files.write_png(pictures / "masks/cup.png", np.ones((24, 28), np.uint8))
    assert inpaint.main(arguments(checkpoint, pictures)) == 0
    assert "no hole" in (message := capsys.readouterr().err) and "cup.png" in message


@pytest.mark.parametrize("more", [["--mask_threshold", "255"], ["--mask_threshold", "x"], ["--stag", "edge"]])
def test_wrong_arguments_end_with_status_2(checkpoint, pictures, capsys, more):
    with pytest.raises(SystemExit) as end:
        inpaint.main(arguments(checkpoint, pictures, *more))
    assert end.value.code == 2
    assert more[0] in capsys.readouterr().err


def test_where_nothing_can_be_filled_no_checkpoint_is_read_and_nothing_written(pictures, capsys):
    for path in (pictures / "images").iterdir():
        path.write_bytes(b"")
    lines = refused(capsys, arguments("no checkpoint is read yet", pictures))
    assert len(lines) == 2 and all("not a picture" in line for line in lines)
    assert not (pictures / "out").exists()


def test_a_corrupted_mask_for_all_is_told_once(checkpoint, pictures, capsys):
    (pictures / "masks/cup.png").write_bytes(b"")
    options = arguments(checkpoint, pictures)
    options[5] = str(pictures / "masks/cup.png")
    (line,) = refused(capsys, options)
    assert "cup.png: not a picture" in line


def test_networks_of_any_width_fill_together_and_sizes_that_lie_are_told(tmp_path, pictures, capsys, monkeypatch):
    colour = write_checkpoint(tmp_path / "colour", ("inpaint_generator",))
    monkeypatch.setitem(weights.SIZES, "features", 8)
    lying = write_checkpoint(tmp_path / "lying", ("edge_generator",))  # still 4 wide
    given = arguments(colour, pictures)[1:]
    lines = refused(capsys, ["--checkpoint", str(lying), *given])
    assert str(lying) in lines[0] and "use another one, or create it again" in lines[0] and len(lines) > 10
    wide = {"edge_generator": (EdgeGenerator(**weights.SIZES), 3)}
    monkeypatch.setattr(weights, "_NETWORKS", wide)
    edge = write_checkpoint(tmp_path / "edge", ("edge_generator",))
    assert inpaint.main(["--checkpoint", str(edge), *given]) == 0
