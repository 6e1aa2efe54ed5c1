"""The fields that EdgeConnect's forms add, with their ranges."""

import re

import numpy as np
import pytest

from tests.serving.services import example, png

_, HOLE, FORM = example()


@pytest.mark.parametrize(
    ("says", "lines"),
    [
        ("lines: 1 x 1 pixels, the picture has 40 x 32", np.zeros((1, 1), np.uint8)),
        ("lines: .*transparent", np.zeros((32, 40, 2), np.uint8)),
    ],
)
def test_lines_that_are_refused(service, says, lines):
    answer = service.post("/api/inpaint", lines=png(lines), **FORM)
    assert answer.status_code == 400 and re.match(says, answer.json()["detail"]), answer.text


@pytest.mark.parametrize(
    ("says", "data"),
    [
        ("sigma: must be -1 .* or from 0.1 to 10", {"sigma": "-0.5"}),
        ("sigma: must be -1", {"sigma": "nan"}),
        ("sigma: must be -1", {"sigma": "0"}),
        ("sigma: Input should be a valid number", {"sigma": "wide"}),
        ("threshold: .* less than or equal to 1", {"threshold": "1.5"}),
        ("threshold: .* finite", {"threshold": "nan"}),
        ("sigma: .*threshold: ", {"sigma": "99", "threshold": "-1"}),
        ("sigma: given more than once", {"sigma": ["1", "2"]}),
        ("quality: not a field of this form", {"quality": "9"}),
    ],
)
def test_fields_that_are_refused(service, says, data):
    answer = service.post("/api/inpaint", data, **FORM)
    assert answer.status_code == 422 and re.match(says, answer.json()["detail"]), answer.text


def test_a_region_needs_lines(service):
    answer = service.post("/api/edges", region=FORM["mask"], **FORM)
    assert answer.status_code == 422 and answer.json()["detail"].startswith("region: needs lines")


def test_a_mask_is_read_like_its_gray_picture(service):
    """One-bit and colour files are masks, too."""
    expected = service.post("/api/edges", **FORM).content
    color = png(np.repeat(HOLE[..., None] * np.uint8(255), 3, -1))
    assert service.post("/api/edges", **FORM | {"mask": color}).content == expected
