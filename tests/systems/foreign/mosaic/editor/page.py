"""Its page: a label map and an exemplar in, a picture out."""

import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
from fastapi import APIRouter, FastAPI, File, Form, HTTPException, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.images import files
from edgeconnect_jax.serving import pictures, service
from edgeconnect_jax.serving.answers import REFUSALS, describe_png, timed_png
from edgeconnect_jax.serving.device import Device, Timed
from edgeconnect_jax.serving.page import Model, Page
from edgeconnect_jax.serving.settings import Settings, Size
from edgeconnect_jax.serving.uploads import FormRoute

from ..inference import Mosaicist
from ..networks import NETWORKS


class MosaicForm(BaseModel):
    """A label map and an exemplar of its size."""

    model_config = ConfigDict(extra="forbid")

    labels: Annotated[UploadFile, File()]
    exemplar: Annotated[UploadFile, File()]


router = APIRouter(prefix="/api")
forms = APIRouter(prefix="/api", route_class=FormRoute)


@router.get("/info")
async def info(request: Request) -> service.Info:
    """What the service is."""
    return service.Info(**service.facts(request))


@forms.post("/paint", response_class=Response, responses=describe_png("the picture") | REFUSALS)
async def paint(request: Request, form: Annotated[MosaicForm, Form(media_type="multipart/form-data")]) -> Response:
    """The picture."""
    state = request.app.state
    device: Device = state.device
    labels, exemplar = await pictures.take("labels", form.labels), await pictures.take("exemplar", form.exemplar)
    assert labels and exemplar
    given = await device.aside(_decode, labels, exemplar, state.settings.max_pixels, state.model.networks.classes)
    done = await device.run(lambda: state.model.networks(*given))
    picture = await device.aside(files.encode_picture, files.Picture(done.value))
    return timed_png(Timed(picture, done.waited, done.took))


def _decode(
    labels: pictures.Upload, exemplar: pictures.Upload, max_pixels: int, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    pictures.check(labels, [exemplar], max_pixels)
    layout = pictures.gray_of(labels).astype(np.int32)[..., None]
    if layout.max() >= classes:
        raise HTTPException(400, f"labels: holds {layout.max()}, but there are only {classes} classes")
    return layout, pictures.picture_of(exemplar).color


def load(paths: Sequence[str | pathlib.Path], dtype: str) -> Model[Mosaicist]:
    """Both networks."""
    weights = checkpoints.load_weights(paths, tuple(NETWORKS))
    name, sha256 = pathlib.Path(paths[-1]).name, checkpoints.fingerprint(weights.networks)
    return Model(Mosaicist(weights, dtype), name, sha256, dict(weights.meta), dtype, "cpu")


def warm_ups(model: Model[Mosaicist], size: Size) -> Sequence[Callable[[], object]]:
    """One program."""
    return [functools.partial(model.networks.warm_up, *size)]


def install(app: FastAPI, model: Model[Mosaicist], device: Device, settings: Settings) -> None:
    """Adds the routes."""
    app.include_router(router)
    app.include_router(forms)


PAGE = Page("Mosaic", "Paints label maps.", pathlib.Path(__file__).parent / "static", load, warm_ups, install, 12)
