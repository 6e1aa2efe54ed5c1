"""The work behind the routes: networks run in the device's thread, everything else in other threads."""

import functools
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.images import files
from edgeconnect_jax.serving import pictures
from edgeconnect_jax.serving.device import Device, Timed
from edgeconnect_jax.serving.page import Model
from edgeconnect_jax.serving.pictures import Upload
from edgeconnect_jax.systems.edgeconnect.editor import recipe, steps


class Given(NamedTuple):
    """The files of a form."""

    image: Upload
    mask: Upload
    lines: Upload | None = None
    region: Upload | None = None


class _Decoded(NamedTuple):
    picture: files.Picture
    hole: np.ndarray
    lines: np.ndarray | None
    region: np.ndarray | None


class Operations:
    """Predicts lines, fills holes and writes recipes."""

    def __init__(self, model: Model[steps.Steps], device: Device, max_pixels: int):
        """Runs the networks of `model` on `device`, for pictures of at most `max_pixels`."""
        self._model = model
        self._steps = model.networks
        self._device = device
        self._max_pixels = max_pixels

    async def edges(self, given: Given, sigma: float | None, threshold: float) -> Timed[bytes]:
        """The lines of a picture as a PNG file, see the route /api/edges."""
        decoded = await self._device.aside(self._decode, given)
        known = await self._device.aside(self._known, decoded, sigma)
        done = await self._device.run(functools.partial(self._predict, decoded, known, threshold))
        return Timed(await self._device.aside(files.encode_png, done.value), done.waited, done.took)

    async def inpaint(self, given: Given, sigma: float | None, threshold: float) -> Timed[bytes]:
        """The filled picture as a PNG file, see the route /api/inpaint."""
        decoded = await self._device.aside(self._decode, given)
        known = await self._device.aside(self._known, decoded, sigma)
        done = await self._device.run(functools.partial(self._fill, decoded, known, threshold))
        return Timed(await self._device.aside(files.encode_picture, done.value), done.waited, done.took)

    async def recipe(self, given: Given, sigma: float | None, threshold: float) -> dict[str, Any]:
        """The contents of a recipe's file, see the route."""
        return await self._device.aside(self._recipe, given, sigma, threshold)

    def _decode(self, given: Given) -> _Decoded:
        pictures.check(given.image, [upload for upload in given[1:] if upload], self._max_pixels)
        return _Decoded(
            pictures.picture_of(given.image),
            pictures.hole_of(given.mask),
            given.lines and pictures.gray_of(given.lines),
            given.region and pictures.hole_of(given.region),
        )

    def _known(self, decoded: _Decoded, sigma: float | None) -> np.ndarray | None:
        """The lines outside the hole; None where a network finds them, which `_predict` then runs."""
        if decoded.lines is not None:
            return decoded.lines
        if self._steps.known.by_network and sigma != -1:
            return None
        return steps.known_lines(decoded.picture, decoded.hole, self._sigma(sigma))

    def _predict(self, decoded: _Decoded, known: np.ndarray | None, threshold: float) -> np.ndarray:
        if known is None:
            known = steps.to_bytes(self._steps.known(decoded.picture.color, decoded.hole))
        if decoded.region is not None:
            return self._steps.predict_again(decoded.picture, decoded.hole, known, decoded.region, threshold)
        return self._steps.predict(decoded.picture, decoded.hole, known, threshold)

    def _fill(self, decoded: _Decoded, known: np.ndarray | None, threshold: float) -> files.Picture:
        lines = decoded.lines if decoded.lines is not None else self._predict(decoded, known, threshold)
        return self._steps.fill(decoded.picture, decoded.hole, lines)

    def _recipe(self, given: Given, sigma: float | None, threshold: float) -> dict[str, Any]:
        decoded = self._decode(given)
        assert decoded.lines is not None
        mask, lines = recipe.encode(decoded.hole, decoded.lines)
        made = recipe.Recipe(
            name=given.image.filename,
            sha256=recipe.sha256(given.image.data),
            size=decoded.hole.shape,
            checkpoint=self._model.sha256,
            sigma=self._sigma(sigma),
            threshold=threshold,
            dtype=self._model.dtype,
            device=self._model.device,
            mask=mask,
            lines=lines,
        )
        return recipe.to_json(made)

    def _sigma(self, sigma: float | None) -> float:
        return self._steps.sigma if sigma is None else sigma
