"""Recipes: everything needed to reproduce a filled picture byte for byte, except the picture and the checkpoint.

A recipe is a JSON file with the mask, the lines, and the SHA-256 of the picture's file and of the weights.
"""

import base64
import binascii
import hashlib
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

import edgeconnect_jax
from edgeconnect_jax.images import files, holes
from edgeconnect_jax.systems.edgeconnect.inference import DTYPES

FORMAT = 1
_LARGEST = 256 * 2**20  # bytes; more than a mask and lines of a hundred million pixels take
_FIELDS: dict[str, Any] = {
    "format": int,
    "version": str,
    "picture": {"name": str, "sha256": str, "width": int, "height": int},
    "checkpoint": {"sha256": str},
    "sigma": float,
    "threshold": float,
    "dtype": str,
    "device": str,
    "mask": str,
    "lines": str,
}
_KINDS = {int: "a whole number", float: "a number", str: "a text"}


class Recipe(NamedTuple):
    """How a picture was filled.

    Attributes:
        name: name of the picture's file.
        sha256: SHA-256 of the picture's file.
        size: (height, width) of the upright picture.
        checkpoint: SHA-256 of the weights, see `steps.fingerprint`.
        sigma: sigma of Canny's Gaussian for the known lines; for information only.
        threshold: threshold of the predicted lines; for information only.
        dtype: dtype of the networks' arithmetic.
        device: kind of device that filled the picture, such as "cpu".
        mask: contents of a PNG file, 255 = hole.
        lines: contents of a PNG file, 255 = edge.
        version: version of this program.
    """

    name: str
    sha256: str
    size: tuple[int, int]
    checkpoint: str
    sigma: float
    threshold: float
    dtype: str
    device: str
    mask: bytes
    lines: bytes
    version: str = edgeconnect_jax.__version__


class Filling(NamedTuple):
    """What to fill: the picture, its hole bool [H, W] and its lines uint8 [H, W]."""

    picture: files.Picture
    hole: np.ndarray
    lines: np.ndarray


def encode(hole: np.ndarray, lines: np.ndarray) -> tuple[bytes, bytes]:
    """Encodes the hole, bool [H, W], and the lines, uint8 [H, W], as the mask and the lines of a recipe."""
    return files.encode_png(hole.astype(np.uint8) * np.uint8(255)), files.encode_png(lines)


def sha256(data: bytes) -> str:
    """The hash by which a recipe identifies a picture's file."""
    return hashlib.sha256(data).hexdigest()


def to_json(recipe: Recipe) -> dict[str, Any]:
    """The contents of a recipe's file."""
    height, width = recipe.size
    return {
        "format": FORMAT,
        "version": recipe.version,
        "picture": {"name": recipe.name, "sha256": recipe.sha256, "width": width, "height": height},
        "checkpoint": {"sha256": recipe.checkpoint},
        "sigma": recipe.sigma,
        "threshold": recipe.threshold,
        "dtype": recipe.dtype,
        "device": recipe.device,
        "mask": base64.b64encode(recipe.mask).decode(),
        "lines": base64.b64encode(recipe.lines).decode(),
    }


def read(path: str | os.PathLike) -> Recipe:
    """Reads a recipe's file. Mask and lines are decoded later, once their size has been checked.

    Raises:
        ValueError: there is no such file, or it is not a recipe that this version can read; lists every problem.
    """
    path = pathlib.Path(path)
    found = _read_json(path)
    if "format" in found and found["format"] != FORMAT:
        raise ValueError(f"{path}: a recipe of format {found['format']!r:.20}, this version reads {FORMAT}")
    problems = _problems(found, _FIELDS)
    if problems:
        raise ValueError("\n".join(f"{path}: {problem}; download the recipe again" for problem in problems))
    picture = found["picture"]
    if found["dtype"] not in DTYPES:
        raise ValueError(f"{path}: dtype must be one of {', '.join(DTYPES)}, not {found['dtype']:.20}")
    return Recipe(
        name=picture["name"],
        sha256=picture["sha256"],
        size=(picture["height"], picture["width"]),
        checkpoint=found["checkpoint"]["sha256"],
        sigma=found["sigma"],
        threshold=found["threshold"],
        dtype=found["dtype"],
        device=found["device"],
        mask=_from_base64(path, "mask", found["mask"]),
        lines=_from_base64(path, "lines", found["lines"]),
        version=found["version"],
    )


def _read_json(path: pathlib.Path) -> dict[str, Any]:
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise ValueError(f"{size} bytes, a recipe has at most {_LARGEST}")
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a recipe ({error}); use the recipe.json that the editor saved") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: not a recipe (no JSON object); use the recipe.json that the editor saved")
    return found


def _problems(found: Mapping[str, Any], expected: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The entries that are missing, unknown or of the wrong type."""
    problems = [f"{prefix}{name:.40}: not a part of a recipe" for name in found if name not in expected]
    for name, kind in expected.items():
        value = found.get(name)
        if name not in found:
            problems.append(f"{prefix}{name}: missing")
        elif isinstance(kind, dict):
            inner = isinstance(value, dict)
            problems += _problems(value, kind, f"{prefix}{name}.") if inner else [f"{prefix}{name}: must be an object"]
        elif not isinstance(value, (int, float) if kind is float else kind) or isinstance(value, bool):
            problems.append(f"{prefix}{name}: must be {_KINDS[kind]}")
    return problems


def _from_base64(path: pathlib.Path, field: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{path}: {field}: not base64 ({error}); download the recipe again") from error


def load(recipe: Recipe, path: str | os.PathLike, picture: pathlib.Path, checkpoint: str) -> Filling:
    """Reads the picture of a recipe, and decodes the mask and the lines.

    Args:
        recipe: result of `read`.
        path: path of the recipe, for messages.
        picture: file of the picture.
        checkpoint: SHA-256 of the current weights, see `steps.fingerprint`.

    Raises:
        ValueError: the picture or the weights differ from those of the recipe, or the mask or the lines cannot be
            decoded or differ from the picture in size.
        OSError: the picture cannot be read.
    """
    data, name = picture.read_bytes(), str(picture)
    problems = _differences(recipe, path, name, sha256(data), checkpoint)
    if problems:
        raise ValueError("\n".join(problems))
    size = files.picture_size(data, name)
    layers = {f"{path}: mask": recipe.mask, f"{path}: lines": recipe.lines}
    sizes = {str(path): recipe.size, **{what: files.picture_size(encoded, what) for what, encoded in layers.items()}}
    for what, (height, width) in sizes.items():
        if (height, width) != size:
            raise ValueError(f"{what}: {width} x {height} pixels, its picture {name} has {size[1]} x {size[0]}")
    mask, lines = (files.read_gray8(encoded, what) for what, encoded in layers.items())
    return Filling(files.read_picture(data, name), mask > holes.MASK_THRESHOLD, lines)


def _differences(recipe: Recipe, path: str | os.PathLike, picture: str, found: str, checkpoint: str) -> list[str]:
    """One line each if the SHA-256 of the picture or of the weights differs from the recipe's."""
    problems = []
    if found != recipe.sha256:
        problems.append(
            f"{picture}: not the picture that {path} was made with, {recipe.name!r:.80}: its SHA-256 is {found}, "
            f"that of the recipe {recipe.sha256:.64}"
        )
    if checkpoint != recipe.checkpoint:
        problems.append(
            f"--checkpoint: not the weights that {path} was made with: their SHA-256 is {checkpoint}, that of the "
            f"recipe {recipe.checkpoint:.64}"
        )
    return problems
