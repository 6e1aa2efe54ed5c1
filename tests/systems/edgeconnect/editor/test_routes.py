"""What the service answers, beside what the library gives."""

import base64
import http.client
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

import edgeconnect_jax
from edgeconnect_jax.images import files
from edgeconnect_jax.systems.edgeconnect.editor import recipe, steps
from edgeconnect_jax.systems.edgeconnect.editor.page import PAGE
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from tests.serving.services import SETTINGS, array_of, example, png
from tests.systems.edgeconnect.weights import weights


def test_edges_are_those_of_the_library_in_eight_bits(service):
    image, hole, form = example()
    answer = service.post("/api/edges", **form)
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    lines = array_of(answer.content)
    assert lines.dtype == np.uint8 and lines.shape == hole.shape
    expected = Inpainter(weights(), steps="edge")(image, hole).edges
    np.testing.assert_array_equal(lines, np.rint(expected * 255))
    assert len(np.unique(lines[hole])) > 10  # soft
    assert set(np.unique(lines[~hole])) == {0, 255}  # known


def test_a_threshold_makes_lines_hard_inside_the_hole(service):
    _, hole, form = example()
    soft = array_of(service.post("/api/edges", **form).content)
    threshold = float(np.median(soft[hole])) / 255
    hard = array_of(service.post("/api/edges", {"threshold": threshold}, **form).content)
    np.testing.assert_array_equal(hard[hole], np.where(soft[hole] > 255 * threshold, 255, 0))
    np.testing.assert_array_equal(hard[~hole], soft[~hole])
    assert set(np.unique(hard[hole])) == {0, 255}


def test_sigma_chooses_the_known_edges(service):
    _, hole, form = example()
    without = array_of(service.post("/api/edges", {"sigma": "-1"}, **form).content)
    assert not without[~hole].any()
    default, given, other = (
        array_of(service.post("/api/edges", {"sigma": s} if s else {}, **form).content) for s in (None, "2", "1")
    )
    np.testing.assert_array_equal(default, given)
    assert (default != other).any()


def test_lines_replace_the_known_edges_outside_the_hole(service):
    _, hole, form = example()
    lines = np.random.default_rng(1).integers(0, 256, hole.shape, dtype=np.uint8)
    answer = array_of(service.post("/api/edges", lines=png(lines), **form).content)
    np.testing.assert_array_equal(answer[~hole], lines[~hole])
    inside_changed = np.where(hole, 255 - lines, lines)
    np.testing.assert_array_equal(
        array_of(service.post("/api/edges", lines=png(inside_changed), **form).content), answer
    )


def test_a_region_is_drawn_anew_and_nothing_else(service):
    image, hole, form = example()
    lines = np.where(hole, np.random.default_rng(1).integers(0, 256, hole.shape), 0).astype(np.uint8)
    region = np.zeros_like(lines)
    region[:, :20] = 255
    inside = hole & (region > 0)
    assert inside.any() and (hole & ~inside).any()
    answer = array_of(service.post("/api/edges", lines=png(lines), region=png(region), **form).content)
    np.testing.assert_array_equal(answer[~inside], lines[~inside])
    assert (answer[inside] != lines[inside]).mean() > 0.5
    # What the picture has under its hole is not looked at.
    other = png(np.where(hole[..., None], 255 - image, image).astype(np.uint8))
    again = service.post("/api/edges", lines=png(lines), region=png(region), **form | {"image": other})
    np.testing.assert_array_equal(array_of(again.content), answer)


def test_inpaint_follows_all_of_the_lines(service):
    image, hole, form = example()
    lines = np.random.default_rng(1).integers(0, 256, hole.shape, dtype=np.uint8)
    answer = service.post("/api/inpaint", lines=png(lines), **form)
    expected = Inpainter(weights(), steps="inpaint")(image, hole, lines).image
    np.testing.assert_array_equal(array_of(answer.content), expected)
    assert answer.content == png(expected)
    other = service.post("/api/inpaint", lines=png(np.where(hole, 255 - lines, lines)), **form)
    assert other.content != answer.content


@pytest.mark.parametrize("data", [{}, {"threshold": "0.5", "sigma": "1"}])
def test_both_steps_in_one_request_give_the_bytes_of_two(service, data):
    _, _, form = example()
    lines = service.post("/api/edges", data, **form).content
    in_two = service.post("/api/inpaint", lines=lines, **form).content
    assert service.post("/api/inpaint", data, **form).content == in_two


def test_a_picture_keeps_its_depth_its_transparency_and_its_profile(service):
    rgb, hole, form = example()
    deep = rgb.astype(np.uint16) * 256 + np.random.default_rng(0).integers(0, 256, rgb.shape, dtype=np.uint16)
    deep = np.concatenate([deep, deep[..., :1] ^ 1], -1)
    profile = b"some profile"
    answer = service.post("/api/inpaint", **form | {"image": files.encode_png(deep, profile)})
    found = files.read_picture(answer.content)
    assert found.color.dtype == np.uint16 and found.icc_profile == profile
    np.testing.assert_array_equal(found.alpha, deep[..., 3:])
    np.testing.assert_array_equal(found.color[~hole], deep[~hole][:, :3])
    assert (found.color[hole] != deep[hole][:, :3]).any()


def test_a_jpeg_is_turned_upright_and_its_mask_is_of_the_upright_size(service):
    image, hole, form = example()
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = io.BytesIO()
    Image.fromarray(np.rot90(image).copy()).save(turned, "JPEG", exif=exif, quality=95)
    form["image"] = turned.getvalue()
    answer = service.post("/api/inpaint", **form)
    assert answer.status_code == 200, answer.text
    np.testing.assert_array_equal(array_of(answer.content)[~hole], files.read_picture(form["image"]).color[~hole])


def test_times_are_told(service):
    for path in ("edges", "inpaint"):
        timing = service.post(f"/api/{path}", **example()[2]).headers["server-timing"]
        assert re.fullmatch(r"queue;dur=\d+\.\d, compute;dur=\d+\.\d", timing)


def test_a_recipe_holds_what_was_filled(service, model):
    _, hole, form = example()
    lines = np.random.default_rng(1).integers(0, 256, hole.shape, dtype=np.uint8)
    answer = service.post("/api/recipe", {"sigma": "1.5", "threshold": "0.25"}, lines=png(lines), **form)
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert found["format"] == recipe.FORMAT and found["version"] == edgeconnect_jax.__version__
    assert found["picture"] == {"name": "image.png", "sha256": recipe.sha256(form["image"]), "width": 40, "height": 32}
    assert found["checkpoint"] == {"sha256": model.sha256} == {"sha256": steps.fingerprint(weights())}
    assert (found["sigma"], found["threshold"], found["dtype"]) == (1.5, 0.25, "float32")
    np.testing.assert_array_equal(array_of(base64.b64decode(found["lines"])), lines)
    np.testing.assert_array_equal(array_of(base64.b64decode(found["mask"])), hole * 255)


def test_health_and_info(service, model):
    assert service.get("/healthz").json() == {"status": "ok", "warm_up": {"done": 0, "total": 0}}
    info = service.get("/api/info").json()
    assert info["version"] == edgeconnect_jax.__version__ and info["sigma"] == 2
    assert info["edge_source"] == "canny"
    assert info["system"] == "edgeconnect" and info["pages"] == []
    assert info["checkpoint"] == {"name": "narrow", "sha256": model.sha256}
    assert info["networks"]["inpaint_generator"] == {"features": 4, "residual_blocks": 1}
    assert info["max_pixels"] == SETTINGS.max_pixels and info["max_bytes"] == SETTINGS.max_bytes(PAGE.bytes_per_pixel)
    assert info["queue"] == {"waiting": 0, "limit": SETTINGS.queue}
    assert {"image/png", "image/jpeg", "image/webp"} <= set(info["types"])


def test_samples_are_pictures_of_scikit_image(service):
    names = service.get("/api/info").json()["samples"]
    assert "chelsea" in names
    for name in names:
        answer = service.get(f"/api/samples/{name}")
        assert answer.headers["content-type"] == "image/png" and min(array_of(answer.content).shape[:2]) >= 300
    for other in ("lfw_subset", "../samples", "%2e%2e%2f%2e%2e%2fsetup.py", "astronaut.png"):
        assert service.get(f"/api/samples/{other}").status_code in (404, 422)


def test_no_file_but_those_of_the_page_can_be_named(service):
    for path in ("../app.py", "%2e%2e/app.py", "..%2fapp.py", "....//app.py", "/etc/passwd", "%00", "", "."):
        connection = http.client.HTTPConnection("127.0.0.1", service.port)
        connection.request("GET", f"/static/{path}")
        assert connection.getresponse().status in (400, 404), path
        connection.close()


def test_every_error_is_a_sentence(service):
    answers = [
        service.get("/nothing"),
        service.get("/api/edges"),
        service.post("/api/edges"),
        service.post("/api/recipe", image=b""),
    ]
    assert [answer.status_code for answer in answers] == [404, 405, 415, 422]
    for answer in answers:
        assert set(json.loads(answer.content)) == {"detail"} and isinstance(answer.json()["detail"], str)
