"""What the routes do with pictures. Networks run on the device's thread, everything else in a few threads beside it."""

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np

from edgeconnect_jax.host.threads import cores
from edgeconnect_jax.images import files
from edgeconnect_jax.serving import pictures
from edgeconnect_jax.serving.device import Device, Timed
from edgeconnect_jax.serving.pictures import Upload
from edgeconnect_jax.systems.edgeconnect.editor import recipe, steps

_T = TypeVar("_T")


class Model(NamedTuple):
    """The networks that the service has loaded.

    Attributes:
      steps: runs them.
      name: of the checkpoint, as it was given.
      sha256: of its weights.
      sizes: network -> its sizes.
      dtype: of their arithmetic.
      device: what computes, such as "cpu".
    """

    steps: steps.Steps
    name: str
    sha256: str
    sizes: dict[str, Any]
    dtype: str
    device: str


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


class Work:
    """Predicts lines, fills holes and writes recipes."""

    def __init__(self, model: Model, device: Device, max_pixels: int):
        """Starts the threads for decoding, Canny and encoding: one a core, since each may hold a few large arrays."""
        self.model = model
        self._device = device
        self._max_pixels = max_pixels
        self._threads = ThreadPoolExecutor(cores(), thread_name_prefix="pictures")

    async def edges(self, given: Given, sigma: float | None, threshold: float) -> Timed[bytes]:
        """The lines of a picture as a PNG file, see the route."""
        decoded = await self._aside(self._decode, given)
        known = await self._aside(self._known, decoded, sigma)
        done = await self._device.run(functools.partial(self._predict, decoded, known, threshold))
        return Timed(await self._aside(files.encode_png, done.value), done.waited, done.took)

    async def inpaint(self, given: Given, sigma: float | None, threshold: float) -> Timed[bytes]:
        """The filled picture as a PNG file, see the route."""
        decoded = await self._aside(self._decode, given)
        known = await self._aside(self._known, decoded, sigma)
        done = await self._device.run(functools.partial(self._fill, decoded, known, threshold))
        return Timed(await self._aside(files.encode_picture, done.value), done.waited, done.took)

    async def recipe(self, given: Given, sigma: float | None, threshold: float) -> dict[str, Any]:
        """What the file of a recipe holds, see the route."""
        return await self._aside(self._recipe, given, sigma, threshold)

    def _decode(self, given: Given) -> _Decoded:
        pictures.check(given.image, [upload for upload in given[1:] if upload], self._max_pixels)
        return _Decoded(
            pictures.picture_of(given.image),
            pictures.hole_of(given.mask),
            given.lines and pictures.gray_of(given.lines),
            given.region and pictures.hole_of(given.region),
        )

    def _known(self, decoded: _Decoded, sigma: float | None) -> np.ndarray:
        if decoded.lines is not None:
            return decoded.lines
        return steps.known_lines(decoded.picture, decoded.hole, self._sigma(sigma))

    def _predict(self, decoded: _Decoded, known: np.ndarray, threshold: float) -> np.ndarray:
        if decoded.region is not None:
            return self.model.steps.predict_again(decoded.picture, decoded.hole, known, decoded.region, threshold)
        return self.model.steps.predict(decoded.picture, decoded.hole, known, threshold)

    def _fill(self, decoded: _Decoded, known: np.ndarray, threshold: float) -> files.Picture:
        lines = known if decoded.lines is not None else self._predict(decoded, known, threshold)
        return self.model.steps.fill(decoded.picture, decoded.hole, lines)

    def _recipe(self, given: Given, sigma: float | None, threshold: float) -> dict[str, Any]:
        decoded = self._decode(given)
        assert decoded.lines is not None
        mask, lines = recipe.encode(decoded.hole, decoded.lines)
        made = recipe.Recipe(
            name=given.image.filename,
            sha256=recipe.sha256(given.image.data),
            size=decoded.hole.shape,
            checkpoint=self.model.sha256,
            sigma=self._sigma(sigma),
            threshold=threshold,
            dtype=self.model.dtype,
            device=self.model.device,
            mask=mask,
            lines=lines,
        )
        return recipe.to_json(made)

    def _sigma(self, sigma: float | None) -> float:
        return self.model.steps.sigma if sigma is None else sigma

    async def _aside(self, work: Callable[..., _T], *arguments: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(cancel_futures=True)
