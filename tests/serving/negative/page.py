"""A small system's page for the tests: the part of a picture under a mask becomes its negative. No networks."""

import functools
import hashlib
import pathlib
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
from fastapi import APIRouter, FastAPI, File, Form, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from edgeconnect_jax.images import files
from edgeconnect_jax.serving import pictures, service
from edgeconnect_jax.serving.answers import REFUSALS, describe_png, timed_png
from edgeconnect_jax.serving.device import Device, Timed
from edgeconnect_jax.serving.page import Model, Page
from edgeconnect_jax.serving.settings import Settings, Size
from edgeconnect_jax.serving.uploads import FormRoute


class Negative:
    """Stands for networks; `warmed` lists the sizes that it was warmed up for."""

    def __init__(self):
        self.warmed: list[Size] = []

    def __call__(self, picture: files.Picture, mask: np.ndarray, strength: float) -> files.Picture:
        turned = np.rint(picture.color + strength * (255.0 - 2.0 * picture.color)).astype(np.uint8)
        return picture._replace(color=np.where(mask[..., None], turned, picture.color))


class NegativeForm(BaseModel):
    """A picture and its mask."""

    model_config = ConfigDict(extra="forbid")

    image: Annotated[UploadFile, File()]
    mask: Annotated[UploadFile, File()]
    strength: float = Field(1, ge=0, le=1, allow_inf_nan=False)


router = APIRouter(prefix="/api")
forms = APIRouter(prefix="/api", route_class=FormRoute)


@router.get("/info")
async def info(request: Request) -> service.Info:
    """What the service is."""
    return service.Info(**service.facts(request))


@forms.post("/negative", response_class=Response, responses=describe_png("the picture") | REFUSALS)
async def negative(request: Request, form: Annotated[NegativeForm, Form(media_type="multipart/form-data")]) -> Response:
    """The picture with its negative under the mask."""
    state = request.app.state
    device: Device = state.device
    image, mask = await pictures.take("image", form.image), await pictures.take("mask", form.mask)
    assert image and mask
    picture, hole = await device.aside(_decode, image, mask, state.settings.max_pixels)
    done = await device.run(lambda: state.model.networks(picture, hole, form.strength))
    return timed_png(Timed(await device.aside(files.encode_picture, done.value), done.waited, done.took))


def _decode(image: pictures.Upload, mask: pictures.Upload, max_pixels: int) -> tuple[files.Picture, np.ndarray]:
    pictures.check(image, [mask], max_pixels)
    return pictures.picture_of(image), pictures.hole_of(mask)


def load(paths: Sequence[str | pathlib.Path], dtype: str) -> Model[Negative]:
    """A model whose SHA-256 is that of the checkpoints' names."""
    name = ", ".join(pathlib.Path(path).name for path in paths)
    return Model(Negative(), name, hashlib.sha256(name.encode()).hexdigest(), {}, dtype, "cpu")


def warm_ups(model: Model[Negative], size: Size) -> Sequence[Callable[[], object]]:
    """One for each size."""
    return [functools.partial(model.networks.warmed.append, size)]


def install(app: FastAPI, model: Model[Negative], device: Device, settings: Settings) -> None:
    """Adds the routes."""
    assert app.state.model is model and app.state.device is device and app.state.settings is settings
    app.include_router(router)
    app.include_router(forms)


PAGE = Page("Negative", "Makes negatives.", pathlib.Path(__file__).parent / "static", load, warm_ups, install, 12)
