"""Recipes: what is read back, and what is refused by name."""

import base64
import json

import numpy as np
import pytest

from edgeconnect_jax.images import files
from edgeconnect_jax.systems.edgeconnect.editor import recipe
from tests.synthetic import picture

IMAGE, MASK = picture(5, 32, 40)
LINES = np.random.default_rng(0).integers(0, 256, (32, 40), dtype=np.uint8)


@pytest.fixture
def made(tmp_path):
    """A picture's file and a recipe for it."""
    files.write_png(tmp_path / "cat.png", IMAGE)
    mask, lines = recipe.encode(MASK > 0, LINES)
    return recipe.Recipe(
        name="cat.png",
        sha256=recipe.sha256((tmp_path / "cat.png").read_bytes()),
        size=(32, 40),
        checkpoint="c" * 64,
        sigma=2,
        threshold=0.5,
        dtype="float32",
        device="cpu",
        mask=mask,
        lines=lines,
    )


def write(folder, content):
    path = folder / "recipe.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_recipe_is_read_back(made, tmp_path):
    path = write(tmp_path, recipe.to_json(made))
    assert recipe.read(path) == made
    picture_, hole, lines = recipe.load(made, path, tmp_path / "cat.png", "c" * 64)
    np.testing.assert_array_equal(picture_.color, IMAGE)
    np.testing.assert_array_equal(hole, MASK > 0)
    np.testing.assert_array_equal(lines, LINES)


def test_another_picture_and_other_weights_are_both_named(made, tmp_path):
    other = tmp_path / "dog.png"
    files.write_png(other, 255 - IMAGE)
    with pytest.raises(ValueError) as told:
        recipe.load(made, "recipe.json", other, "d" * 64)
    first, second = str(told.value).splitlines()
    assert str(other) in first and "cat.png" in first and made.sha256 in first
    assert "--checkpoint" in second and "d" * 64 in second and "c" * 64 in second


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not a recipe"),
        ("{", "not a recipe"),
        ("[1]", "no JSON object"),
        ("[" * 100_000, "not a recipe"),
        ('{"format": 2}', "format 2, this version reads 1"),
        ('{"format": true}', "format: must be a whole number"),
        ('{"format": 1}', "mask: missing"),
        ("9" * 10_000, "not a recipe"),
    ],
)
def test_files_that_are_not_recipes(tmp_path, content, says):
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match=says) as told:
        recipe.read(path)
    assert str(path) in str(told.value) and len(str(told.value)) < 3000


def test_bytes_that_are_no_text_and_files_that_are_missing_or_huge(tmp_path, monkeypatch):
    path = tmp_path / "recipe.json"
    with pytest.raises(ValueError, match="cannot be read"):
        recipe.read(path)
    path.write_bytes(b"\xff\x00\xfe")
    with pytest.raises(ValueError, match="not a recipe"):
        recipe.read(path)
    monkeypatch.setattr(recipe, "_LARGEST", 2)
    with pytest.raises(ValueError, match="3 bytes, a recipe has at most 2"):
        recipe.read(path)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sigma": "2"}, "sigma: must be a number"),
        ({"sigma": None}, "sigma: must be a number"),
        ({"threshold": True}, "threshold: must be a number"),
        ({"picture": []}, "picture: must be an object"),
        (
            {"picture": {"name": "x", "sha256": "y", "width": 1.5, "height": 2}},
            r"picture.width: must be a whole number",
        ),
        ({"checkpoint": {}}, "checkpoint.sha256: missing"),
        ({"checkpoint": {"sha256": "x", "path": "/etc"}}, "checkpoint.path: not a part of a recipe"),
        ({"mask": 5, "lines": {}}, "(?s)mask: must be a text.*lines: must be a text"),
        ({"mask": "a b"}, "mask: not base64"),
        ({"lines": "\u00e9"}, "lines: not base64"),
        ({"dtype": "float16"}, "dtype must be one of float32, bfloat16, not float16"),
        ({"stage": "edge"}, "stage: not a part of a recipe"),
    ],
)
def test_parts_that_are_wrong_are_named(made, tmp_path, changes, says):
    path = write(tmp_path, recipe.to_json(made) | changes)
    with pytest.raises(ValueError, match=says) as told:
        recipe.read(path)
    assert all(line.startswith(str(path)) for line in str(told.value).splitlines())


@pytest.mark.parametrize(
    ("field", "content", "says"),
    [
        ("mask", files.encode_png(MASK[:, :20]), "mask: 20 x 32 pixels, its picture .*cat.png has 40 x 32"),
        ("lines", files.encode_png(np.zeros((1, 1), np.uint8)), "lines: 1 x 1 pixels"),
        ("mask", b"no picture", "mask: not a picture"),
        ("lines", files.encode_png(LINES)[:200], "lines: not a picture"),
        ("lines", files.encode_png(np.zeros((32, 40, 2), np.uint8)), "lines: .*transparent"),
    ],
)
def test_masks_and_lines_that_do_not_fit(made, tmp_path, field, content, says):
    changed = recipe.to_json(made) | {field: base64.b64encode(content).decode()}
    path = write(tmp_path, changed)
    with pytest.raises(ValueError, match=says):
        recipe.load(recipe.read(path), path, tmp_path / "cat.png", "c" * 64)


def test_a_size_that_is_not_the_picture_s(made, tmp_path):
    with pytest.raises(ValueError, match=r"recipe\.json: 9 x 32 pixels"):
        recipe.load(made._replace(size=(32, 9)), "recipe.json", tmp_path / "cat.png", "c" * 64)
