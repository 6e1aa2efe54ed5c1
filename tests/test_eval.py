"""The command as a user runs it, on small pictures."""

import csv
import json
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from edgeconnect_jax import eval as command
from edgeconnect_jax.checkpoints.weights import save_weights
from edgeconnect_jax.evaluation.definitions import by_key
from edgeconnect_jax.evaluation.groups import PIXELS as GROUPS
from edgeconnect_jax.images import files
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from tests.conftest import PHOTOGRAPHS
from tests.systems.edgeconnect.weights import write_checkpoint

ROOT = pathlib.Path(__file__).parents[1]
PIXELS = ("--metrics", "psnr", "ssim", "l1", "edges")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "mine")


def run(*arguments):
    """Runs the command, which must succeed, with a report that is there as soon as it is done."""
    assert command.main([str(argument) for argument in arguments]) == 0


def refused(capsys, *arguments):
    """Runs the command, which must fail as documented; returns the lines of its message."""
    assert command.main([str(argument) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert not captured.out and captured.err.startswith("eval: error: ")
    return captured.err.removeprefix("eval: error: ").splitlines()


def results(folder):
    report = json.loads((folder / "report.json").read_text())
    return {key: entry["value"] for key, entry in report["results"].items()}


def write_outputs(truth, folder, rng):
    """Noisy versions of the true pictures."""
    folder.mkdir()
    for path in truth.iterdir():
        picture = files.read_rgb8(path)
        noisy = np.clip(picture + rng.normal(0, 20, picture.shape), 0, 255).astype(np.uint8)
        files.write_png(folder / path.name, noisy)
    return folder


def test_results_on_disk_in_a_process_of_its_own(photographs, photograph_masks, tmp_path, rng):
    output = write_outputs(photographs, tmp_path / "output", rng)
    write_outputs(photographs, output / "edges", rng)  # belongs to no picture: sub-folders are not searched
    options = ["--truth", photographs, "--output", output, "--mask", photograph_masks, *PIXELS]
    done = subprocess.run(
        [sys.executable, "-m", "edgeconnect_jax.eval", *map(str, options), "--report", str(tmp_path / "report")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pairs = [(files.read_rgb8(photographs / f"{n}.png"), files.read_rgb8(output / f"{n}.png")) for n in PHOTOGRAPHS]
    ssim = [
        structural_similarity(
            *pair, channel_axis=-1, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        for pair in pairs
    ]
    found = results(tmp_path / "report")
    assert found["psnr"] == pytest.approx(np.mean([peak_signal_noise_ratio(*pair) for pair in pairs]), rel=1e-6)
    assert found["ssim"] == pytest.approx(np.mean(ssim), rel=1e-6)
    assert set(found) == {"psnr", "psnr_hole", "ssim", "ssim_hole", "l1", "l1_hole"}
    for key in found:
        assert f"\n{by_key(GROUPS)[key].name}: " in done.stdout
    with (tmp_path / "report/per_image.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["name"] for line in lines] == sorted(PHOTOGRAPHS)
    assert float(lines[0]["PSNR (RGB) [dB]"]) == pytest.approx(peak_signal_noise_ratio(*pairs[0]))
    assert files.read_rgb8(tmp_path / "report/sheet.png").shape[1] >= 3 * 160
    assert (tmp_path / "report/plot.png").exists() == ("not drawn" not in done.stderr)


def test_a_model_and_what_it_saves_measure_the_same(checkpoint, photographs, tmp_path, capsys):
    given = ("--truth", photographs, "--image_size", 32, *PIXELS)
    run(*given, "--checkpoint", checkpoint, "--masks", "freeform", "--mask_area", 0.2, 0.4, "--seed", 5,
        "--save", tmp_path / "saved", "--report", tmp_path / "model")  # fmt: skip
    assert "freeform, 0.2 to 0.4 of the area, seed 5" in capsys.readouterr().out
    model = json.loads((tmp_path / "model/report.json").read_text())
    assert model["seed"] == 5 and model["name"] == "mine" and model["measured"]["kind"] == "model"
    saved = tmp_path / "saved"
    truth = files.resize_bilinear(files.centre_square(files.read_rgb8(photographs / "coffee.png")), 32, 32)
    hole = files.read_gray8(saved / "masks/coffee.png") > 0
    assert 0.2 <= hole.mean() <= 0.4
    filled = Inpainter.from_checkpoint(checkpoint)(truth, hole).image
    np.testing.assert_array_equal(files.read_rgb8(saved / "coffee.png"), filled)
    run(*given, "--output", saved, "--mask", saved / "masks", "--edges", saved / "edges", "--sigma", 2,
        "--report", tmp_path / "disk")  # fmt: skip
    found, expected = results(tmp_path / "disk"), results(tmp_path / "model")
    assert found.keys() == expected.keys() >= {"edge_precision", "edge_recall", "ssim_hole", "chance_precision"}
    assert found == pytest.approx(expected, rel=1e-9)
    assert files.read_rgb8(tmp_path / "model/sheet.png").shape[1] >= 4 * 160  # with edges


def test_the_effect_of_the_lines(checkpoint, photographs, tmp_path, capsys):
    run("--truth", photographs, "--image_size", 32, "--checkpoint", checkpoint, "--masks", "block", "--lines_effect",
        "--metrics", "psnr", "--report", tmp_path / "report", "--save", tmp_path / "saved")  # fmt: skip
    assert "PSNR (RGB) without lines, hole [dB]" in capsys.readouterr().out
    found = results(tmp_path / "report")
    assert found["psnr_hole"] == found["psnr_hole_predicted_lines"]
    assert found["change_no_lines"] > 0 and found["response_no_lines"] > 0
    assert files.read_rgb8(tmp_path / "report/sheet.png").shape[1] >= 9 * 160
    for name in ("true_lines", "filled_true_lines"):
        assert (tmp_path / "saved" / name / "coffee.png").exists()


def test_baselines_and_a_model_in_one_table(checkpoint, photographs, tmp_path, capsys):
    given = ("--truth", photographs, "--image_size", 32, "--masks", "block", "--metrics", "psnr", "l1")
    for name in ("mean", "telea", "navier_stokes"):
        run(*given, "--baseline", name, "--report", tmp_path / name)
    run(*given, "--checkpoint", checkpoint, "--report", tmp_path / "model", "--name", "my model")
    capsys.readouterr()
    run("--compare", *(tmp_path / name for name in ("mean", "telea", "navier_stokes", "model")))
    printed = capsys.readouterr().out
    head = [cell.strip() for cell in printed.splitlines()[0].strip("|").split("|")]
    assert head == ["metric", "better", "mean", "telea", "navier_stokes", "my model"]
    assert results(tmp_path / "telea")["psnr_hole"] > results(tmp_path / "mean")["psnr_hole"]
    assert f"{results(tmp_path / 'telea')['psnr']:.3f}" in printed
    run(*given, "--baseline", "mean", "--seed", 1, "--report", tmp_path / "other")
    capsys.readouterr()
    assert "different seeds (0 and 1)" in refused(capsys, "--compare", tmp_path / "mean", tmp_path / "other")[0]


def test_without_masks_whole_pictures_are_measured_and_that_is_said(photographs, tmp_path, rng, capsys):
    output = write_outputs(photographs, tmp_path / "output", rng)
    run("--truth", photographs, "--output", output, *PIXELS, "--legacy", "--report", tmp_path / "report")
    captured = capsys.readouterr()
    assert "without masks: only whole pictures are measured" in captured.out
    assert set(results(tmp_path / "report")) == {"psnr", "ssim", "l1", "legacy_psnr", "legacy_ssim", "legacy_mae"}
    assert "SSIM (original's, uniform 51, gray)" in captured.out
    assert "FID (original's) is not measured" in captured.err
    assert not (tmp_path / "report/plot.png").exists() and (tmp_path / "report/sheet.png").exists()


def test_metrics_without_weights_are_refused_by_name_and_the_others_run(photographs, tmp_path, capsys):
    run("--truth", photographs, "--baseline", "mean", "--masks", "half", "--report", tmp_path / "report")
    lines = capsys.readouterr().err.splitlines()
    missing = [
        "LPIPS (AlexNet)",
        "LPIPS (VGG16)",
        "FID (pytorch-fid)",
        "clean-FID",
        "P-IDS (CoModGAN)",
        "U-IDS (CoModGAN)",
        "Feature distance, EfficientNet-lite0",
        "Frechet distance, EfficientNet-lite0",
        "edge precision and recall",
    ]
    assert [line.split(" is not measured")[0] for line in lines] == [f"eval: {name}" for name in missing]
    assert all("convert_torch_ckpt.py" in line for line in lines[:-1]) and "a baseline predicts no edges" in lines[-1]
    report = json.loads((tmp_path / "report/report.json").read_text())
    assert list(report["refused"]) == missing and "ssim" in report["results"]


def test_pictures_may_differ_in_size(photographs, tmp_path):
    truth = tmp_path / "truth"
    truth.mkdir()
    for number, path in enumerate(sorted(photographs.iterdir())):
        files.write_png(truth / path.name, files.read_rgb8(path)[: 40 + 8 * (number % 2)])
    run("--truth", truth, "--baseline", "mean", "--masks", "block", "--metrics", "l1", "--report", tmp_path / "report")
    with (tmp_path / "report/per_image.csv").open() as file:
        assert [line["height"] for line in csv.DictReader(file)] == ["40", "48", "40", "48"]


def test_everything_that_does_not_match_is_listed_before_any_work(photographs, tmp_path, capsys, rng):
    output = write_outputs(photographs, tmp_path / "output", rng)
    (output / "rocket.png").rename(output / "racket.png")
    (output / "coffee.png").unlink()
    lines = refused(capsys, "--truth", photographs, "--output", output, "--report", tmp_path / "report")
    assert len(lines) == 3 and not (tmp_path / "report").exists()


def test_corrupted_pictures_are_all_named_and_the_others_measured(photographs, tmp_path, capsys, rng):
    output = write_outputs(photographs, tmp_path / "output", rng)
    for name, length in (("coffee", 200), ("rocket", 0)):  # one is noticed by its head, one later
        path = output / f"{name}.png"
        path.write_bytes(path.read_bytes()[:length])
    given = ("--truth", photographs, "--output", output, "--metrics", "l1")
    assert command.main([*map(str, given), "--report", str(tmp_path / "report")]) == 2
    captured = capsys.readouterr()
    lines = captured.err.removeprefix("eval: error: ").splitlines()
    assert len(lines) == 3 and "2 of 4 pictures were measured" in lines[0]
    assert {pathlib.Path(line.split(": ")[0]).stem for line in lines[1:]} == {"coffee", "rocket"}
    report = json.loads((tmp_path / "report/report.json").read_text())
    assert report["pictures"]["count"] == 2 and sorted(report["left out"]) == sorted(lines[1:])
    assert "2 of 4 pictures are left out" in captured.out
    # A report of all of them is of other pictures.
    shutil.copytree(output, tmp_path / "whole")
    for name in ("coffee", "rocket"):
        shutil.copy(photographs / f"{name}.png", tmp_path / f"whole/{name}.png")
    run("--truth", photographs, "--output", tmp_path / "whole", "--metrics", "l1", "--report", tmp_path / "all")
    capsys.readouterr()
    assert "different pictures" in refused(capsys, "--compare", tmp_path / "report", tmp_path / "all")[0]


def test_where_no_picture_can_be_measured_nothing_is_reported(photographs, tmp_path, capsys):
    for length in (0, 200):
        output = tmp_path / f"output{length}"
        output.mkdir()
        for path in photographs.iterdir():
            (output / path.name).write_bytes(path.read_bytes()[:length])
        given = ("--truth", photographs, "--output", output, "--metrics", "l1", "--report", tmp_path / "report")
        assert len(refused(capsys, *given)) >= 4
        assert not (tmp_path / "report").exists()


def test_a_report_is_only_replaced_on_demand(photographs, tmp_path, capsys):
    given = ("--truth", photographs, "--baseline", "mean", "--masks", "half", "--metrics", "l1")
    run(*given, "--report", tmp_path)
    before = (tmp_path / "report.json").read_bytes()
    capsys.readouterr()
    assert "--overwrite" in refused(capsys, *given, "--report", tmp_path, "--name", "new")[0]
    assert (tmp_path / "report.json").read_bytes() == before
    run(*given, "--report", tmp_path, "--name", "new", "--overwrite")
    assert (tmp_path / "report.json").read_bytes() != before


def test_the_report_goes_to_a_folder_of_its_name(photographs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("--truth", photographs, "--baseline", "mean", "--masks", "half", "--metrics", "l1")
    run("--truth", photographs, "--baseline", "mean", "--masks", "half", "--metrics", "l1", "--name", "a/b c")
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == ["a_b_c", "mean"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--output", "o", "--masks", "half"], "--masks: results on disk"),
        (["--baseline", "mean"], "a hole is missing"),
        (["--baseline", "mean", "--masks", "half", "--mask", "m"], "--mask and --masks"),
        (["--baseline", "mean", "--masks", "half", "--mask_area", "0.1", "0.2"], "--mask_area goes with"),
        (["--baseline", "mean", "--masks", "freeform", "--mask_area", "0.3", "0.2"], "LOW <= HIGH"),
        (["--baseline", "mean", "--masks", "half", "--compat", "original"], "--compat goes with"),
        (["--baseline", "mean", "--masks", "half", "--dtype", "bfloat16"], "--dtype goes with"),
        (["--baseline", "mean", "--masks", "half", "--sigma", "1"], "--sigma: no edges are measured"),
        (["--baseline", "mean", "--masks", "half", "--edge_threshold", "0.1"], "--edge_threshold: no edges"),
        (["--baseline", "mean", "--masks", "half", "--edge_tolerance", "2"], "--edge_tolerance: no edges"),
        (["--baseline", "mean", "--masks", "half", "--invert_mask"], "--invert_mask goes with"),
        (["--baseline", "mean", "--mask", "m", "--edges", "e"], "--edges goes with"),
        (["--baseline", "mean", "--masks", "half", "--lines_effect"], "--lines_effect goes with"),
        (["--output", "o", "--edges", "e"], "name --mask"),
        (["--output", "o", "--save", "s"], "--save goes with"),
        (["--output", "o", "--seed", "0"], "--seed goes with"),
    ],
)
def test_options_that_cannot_be_combined_are_refused(photographs, capsys, options, message):
    assert message in refused(capsys, "--truth", photographs, *options)[0]


def test_a_comparison_takes_no_options_of_a_measurement(photographs, tmp_path, capsys):
    lines = refused(capsys, "--compare", "a", "b", "--truth", "t", "--seed", "0", "--overwrite", "--metrics", "l1")
    assert [line.split(":")[0] for line in lines] == ["--truth", "--seed", "--metrics", "--overwrite"]


def test_the_truth_is_no_result(photographs, tmp_path, capsys):
    same = photographs / ".." / photographs.name
    assert "--output: is the folder of --truth" in refused(capsys, "--truth", photographs, "--output", same)[0]


def test_what_can_measure_nothing_ends_with_status_2(photographs, tmp_path, capsys):
    given = ("--truth", photographs, "--baseline", "mean", "--masks", "half", "--report", tmp_path / "r")
    lines = refused(capsys, *given, "--metrics", "edges", "lpips_alex")
    assert lines[0] == "nothing can be measured:" and len(lines) == 3 and not (tmp_path / "r").exists()


def test_saved_pictures_mix_with_no_report_and_replace_nothing(photographs, tmp_path, capsys):
    given = ("--truth", photographs, "--baseline", "mean", "--masks", "half", "--metrics", "l1", "--report",
             tmp_path / "r")  # fmt: skip
    for save in (tmp_path / "r", tmp_path / "r/saved"):
        assert "is the folder of the report" in refused(capsys, *given, "--save", save)[0]
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/notes.txt").write_text("mine")
    assert "is not empty" in refused(capsys, *given, "--save", tmp_path / "saved")[0]
    run(*given, "--save", tmp_path / "saved", "--overwrite")
    assert (tmp_path / "saved/coffee.png").exists()


def test_an_older_report_leaves_no_files_and_a_failure_prints_the_table(photographs, tmp_path, capsys, monkeypatch):
    given = ("--truth", photographs, "--baseline", "mean", "--masks", "half", "--metrics", "l1", "--report", tmp_path)
    run(*given)

    def full(*_):
        raise OSError("no space left")

    capsys.readouterr()
    monkeypatch.setattr("edgeconnect_jax.evaluation.report.write_whole", full)
    assert command.main([*map(str, given), "--overwrite"]) == 2
    captured = capsys.readouterr()
    assert "L1 (MAE, RGB), hole" in captured.out and "no space left" in captured.err
    assert not (tmp_path / "report.json").exists() and not (tmp_path / "per_image.csv").exists()


def test_a_folder_that_cannot_be_made_is_found_before_any_work(photographs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("edgeconnect_jax.evaluation.run.evaluate", lambda *_, **__: pytest.fail("measured"))
    (tmp_path / "file").write_text("")
    given = ("--truth", photographs, "--baseline", "mean", "--masks", "half", "--metrics", "l1")
    assert "file" in refused(capsys, *given, "--report", tmp_path / "file/report")[0]


def test_an_interrupt_has_a_short_message(photographs, tmp_path, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("edgeconnect_jax.evaluation.run.evaluate", interrupted)
    given = ["--truth", photographs, "--baseline", "mean", "--masks", "half", "--metrics", "l1"]
    assert command.main([*map(str, given), "--report", str(tmp_path / "r")]) == 130
    assert "interrupted" in capsys.readouterr().err and not (tmp_path / "r").exists()


def test_masks_are_read_as_by_the_original_on_demand(checkpoint, photographs, tmp_path):
    mask = np.zeros((32, 32), np.uint8)
    mask[8:24, 8:24] = 60
    files.write_png(tmp_path / "mask.png", mask)
    given = ("--truth", photographs, "--image_size", 32, "--checkpoint", checkpoint, "--metrics", "l1",
             "--mask", tmp_path / "mask.png")  # fmt: skip
    for name, more, share, threshold in (("own", (), 0, 127), ("original", ("--compat", "original"), 0.25, 0)):
        run(*given, *more, "--report", tmp_path / name)
        report = json.loads((tmp_path / name / "report.json").read_text())
        assert report["masks"]["threshold"] == threshold
        with (tmp_path / name / "per_image.csv").open() as file:
            assert {float(line["hole [%]"]) for line in csv.DictReader(file)} == {100 * share}


def test_a_checkpoint_names_its_system(checkpoint, photographs, tmp_path, capsys):
    given = ("--truth", photographs, "--masks", "half", "--metrics", "l1", "--report", tmp_path / "r")
    assert "unknown system 'nothing'" in refused(capsys, *given, "--baseline", "mean", "--system", "nothing")[0]
    assert "no such checkpoint" in refused(capsys, *given, "--checkpoint", tmp_path / "nowhere")[0]
    save_weights(tmp_path / "foreign", {"any": {"params": {"bias": np.zeros(1)}}}, {"any": {}}, system="nothing")
    assert "unknown system" in refused(capsys, *given, "--checkpoint", tmp_path / "foreign")[0]
    run(*given, "--checkpoint", checkpoint)
    assert json.loads((tmp_path / "r/report.json").read_text())["system"] == "edgeconnect"


def test_all_wrong_options_are_named_at_once(capsys):
    lines = refused(capsys, "--baseline", "mean", "--compat", "original", "--invert_mask")
    assert len(lines) == 4 and "--truth is missing" in lines[0]


def test_reference_statistics_belong_to_one_kind_of_fid(photographs, tmp_path, capsys):
    given = ("--truth", photographs, "--baseline", "mean", "--masks", "half", "--report", tmp_path / "r")
    lines = refused(capsys, *given, "--reference_statistics", "a.npz")
    assert "fid=FILE.npz clean_fid=FILE.npz frechet_efficientnet_lite0=FILE.npz" in lines[0]
    twice = ("--reference_statistics", "fid=a.npz", "fid=b.npz")
    assert "named twice" in refused(capsys, *given, *twice)[0]
    twice = ("--reference_statistics", "fid=a.npz", "clean_fid=a.npz")
    assert "named twice" in refused(capsys, *given, *twice)[0]
    assert "not among the metrics" in refused(capsys, *given, "--reference_statistics", "legacy_fid=a.npz")[0]
    lines = refused(capsys, *given, "--metrics", "fid", "--reference_statistics", "a.npz")
    assert "fid is not measured" in lines[0]


def test_pictures_too_small_for_a_metric_are_named(photographs, tmp_path, capsys):
    given = ("--truth", photographs, "--baseline", "mean", "--masks", "half", "--report", tmp_path / "r")
    lines = refused(capsys, *given, "--image_size", "40", "--metrics", "psnr", "--legacy")
    assert len(lines) == 4 and all("legacy (51)" in line for line in lines)
    assert "ssim (11)" in refused(capsys, *given, "--image_size", "10")[0]
    run(*given, "--image_size", "10", "--metrics", "psnr")


def test_results_never_land_among_the_pictures(photographs, tmp_path, capsys):
    given = ("--truth", photographs, "--baseline", "mean", "--masks", "half")
    for more in (("--report", photographs), ("--report", tmp_path / "r", "--save", photographs / "out")):
        assert "mix with the input" in refused(capsys, *given, *more)[0]


@pytest.mark.parametrize(
    "more",
    [
        ["--metrics", "psnr2"],
        ["--seed", "-1"],
        ["--image_size", "x"],
        ["--bas", "mean"],
        ["--edge_threshold", "1"],
        ["--edge_threshold", "nan"],
        ["--edge_tolerance", "-1"],
        ["--sigma", "0"],
        ["--sigma", "nan"],
        ["--sigma", "inf"],
    ],
)
def test_wrong_arguments_end_with_status_2(photographs, capsys, more):
    with pytest.raises(SystemExit) as end:
        command.main(["--truth", str(photographs), "--baseline", "mean", *more])
    assert end.value.code == 2
    assert more[0] in capsys.readouterr().err
