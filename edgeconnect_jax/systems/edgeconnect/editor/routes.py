"""The routes under /api, as OpenAPI documents them."""

from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Form, Request, Response
from pydantic import BaseModel, Field

import edgeconnect_jax
from edgeconnect_jax.serving import errors
from edgeconnect_jax.serving.device import Timed
from edgeconnect_jax.serving.pictures import take
from edgeconnect_jax.serving.uploads import FormRoute
from edgeconnect_jax.systems.edgeconnect.editor import samples
from edgeconnect_jax.systems.edgeconnect.editor.forms import EdgesForm, InpaintForm, RecipeForm
from edgeconnect_jax.systems.edgeconnect.editor.work import Given, Work

TYPES = ("image/bmp", "image/gif", "image/jpeg", "image/png", "image/tiff", "image/webp", "image/x-portable-pixmap")
PNG = "image/png"
_FORM = "multipart/form-data"
_TIMING = {
    "description": "milliseconds that the request waited for the device and that it computed",
    "schema": {"type": "string", "examples": ["queue;dur=0.3, compute;dur=1004.2"]},
}
_REFUSALS = errors.responses(400, 403, 408, 413, 415, 422) | errors.FULL


def _answers_png(description: str, timed: bool = True) -> dict[int | str, dict[str, Any]]:
    content = {PNG: {"schema": {"type": "string", "format": "binary", "contentMediaType": PNG}}}
    headers = {"headers": {"Server-Timing": _TIMING}} if timed else {}
    return {200: {"description": description, "content": content, **headers}}


class Queue(BaseModel):
    """How busy the service is."""

    waiting: int = Field(description="requests that are read, wait or are computed")
    limit: int = Field(description="of these; more are answered 503")


class WarmUp(BaseModel):
    """How far the service is in compiling programs for common sizes, which it does while nobody asks."""

    done: int
    total: int


class Checkpoint(BaseModel):
    """The weights that the service runs."""

    name: str
    sha256: str


class Info(BaseModel):
    """What a client can know beforehand."""

    version: str
    checkpoint: Checkpoint
    networks: dict[str, dict[str, Any]] = Field(description="sizes of each network")
    dtype: str = Field(description="arithmetic of the networks")
    sigma: float = Field(description="of Canny's Gaussian in pixels, where a request names none")
    max_pixels: int
    max_bytes: int = Field(description="of a request, all its files together")
    types: list[str] = Field(description="media types of pictures that are taken")
    samples: list[str] = Field(description="names for /api/samples/{name}")
    device: str
    queue: Queue
    warm_up: WarmUp


class Health(BaseModel):
    """That the service runs."""

    status: str = Field(examples=["ok"])
    warm_up: WarmUp


class RecipeFile(BaseModel):
    """What recipe.json holds; `python -m edgeconnect_jax.inpaint --recipe` replays it."""

    class Picture(BaseModel):
        """The picture that it is for."""

        name: str
        sha256: str = Field(description="of its file")
        width: int
        height: int

    class Weights(BaseModel):
        """The weights that it is for."""

        sha256: str

    format: int = Field(description="of recipes; raised when an older program could not read it")
    version: str = Field(description="of the program that wrote it")
    picture: Picture
    checkpoint: Weights
    sigma: float
    threshold: float
    dtype: str
    device: str
    mask: str = Field(description="a PNG file in base64, white = hole")
    lines: str = Field(description="a PNG file in base64, white = edge")


router = APIRouter()
forms = APIRouter(prefix="/api", route_class=FormRoute)


def install(app: FastAPI) -> None:
    """Adds all routes to an app."""
    app.include_router(router)
    app.include_router(forms)


@router.get("/healthz", summary="Whether the service runs", tags=["service"])
async def healthz(request: Request) -> Health:
    """Answers at once, whatever the device does."""
    return Health(status="ok", warm_up=_warm_up(request))


@router.get("/api/info", summary="What the service is and takes", tags=["service"])
async def info(request: Request) -> Info:
    """Version, checkpoint, limits and the state of the queue."""
    state, model = request.app.state, request.app.state.work.model
    return Info(
        version=edgeconnect_jax.__version__,
        checkpoint=Checkpoint(name=model.name, sha256=model.sha256),
        networks=model.sizes,
        dtype=model.dtype,
        sigma=model.steps.sigma,
        max_pixels=state.settings.max_pixels,
        max_bytes=state.settings.max_bytes,
        types=list(TYPES),
        samples=[sample.value for sample in samples.Sample],
        device=model.device,
        queue=Queue(waiting=state.device.taken, limit=state.device.places),
        warm_up=_warm_up(request),
    )


@router.get(
    "/api/samples/{name}",
    summary="A photograph to try",
    tags=["service"],
    response_class=Response,
    responses=_answers_png("the photograph", timed=False) | errors.responses(422),
)
def sample(name: samples.Sample) -> Response:
    """One of the pictures that come with scikit-image."""
    return Response(samples.png(name), media_type=PNG)


@forms.post(
    "/edges",
    summary="Predict lines",
    tags=["filling"],
    response_class=Response,
    responses=_answers_png("8-bit gray of the picture's size, white = edge") | _REFUSALS,
)
async def edges(request: Request, form: Annotated[EdgesForm, Form(media_type=_FORM)]) -> Response:
    """Known edges outside the hole and predicted ones inside, as 8-bit gray.

    Known edges are those that Canny finds in the picture or, where `lines` are given, theirs. With a `region` only the
    part of the hole in it is predicted anew, from what the rest of the hole is like when filled along `lines`.
    """
    given = await _given(form)
    return _png(await _work(request).edges(given, form.sigma, form.threshold))


@forms.post(
    "/inpaint",
    summary="Fill the hole",
    tags=["filling"],
    response_class=Response,
    responses=_answers_png("the picture in its own size, depth and transparency, known pixels as they were")
    | _REFUSALS,
)
async def inpaint(request: Request, form: Annotated[InpaintForm, Form(media_type=_FORM)]) -> Response:
    """The picture with its hole filled along lines: those given or, where there are none, those of /api/edges."""
    given = await _given(form)
    return _png(await _work(request).inpaint(given, form.sigma, form.threshold))


@forms.post("/recipe", summary="How a picture was filled", tags=["filling"], responses=_REFUSALS)
async def recipe(request: Request, form: Annotated[RecipeForm, Form(media_type=_FORM)]) -> RecipeFile:
    """A file that holds mask and lines, and knows picture and checkpoint by hash; no network runs.

    `sigma` and `threshold` tell how the lines came about and are not used again.
    """
    given = await _given(form)
    return RecipeFile(**await _work(request).recipe(given, form.sigma, form.threshold))


async def _given(form: EdgesForm | InpaintForm | RecipeForm) -> Given:
    image, mask = await take("image", form.image), await take("mask", form.mask)
    assert image and mask
    return Given(image, mask, await take("lines", form.lines), await take("region", getattr(form, "region", None)))


def _work(request: Request) -> Work:
    return request.app.state.work


def _warm_up(request: Request) -> WarmUp:
    return WarmUp(done=request.app.state.device.warm_ups_done, total=request.app.state.device.warm_ups)


def _png(done: Timed[bytes]) -> Response:
    timing = f"queue;dur={done.waited * 1000:.1f}, compute;dur={done.took * 1000:.1f}"
    return Response(done.value, media_type=PNG, headers={"Server-Timing": timing})
