"""The routes under /api, with their OpenAPI documentation."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Form, Request, Response
from pydantic import BaseModel, Field

from edgeconnect_jax.serving import errors, service
from edgeconnect_jax.serving.answers import PNG, REFUSALS, describe_png, timed_png
from edgeconnect_jax.serving.pictures import take
from edgeconnect_jax.serving.uploads import FormRoute
from edgeconnect_jax.systems.edgeconnect.editor import samples
from edgeconnect_jax.systems.edgeconnect.editor.forms import EdgesForm, InpaintForm, RecipeForm
from edgeconnect_jax.systems.edgeconnect.editor.work import Given, Operations

_FORM = "multipart/form-data"


class Info(service.Info):
    """Facts that a client can query in advance."""

    sigma: float = Field(description="default sigma of Canny's Gaussian in pixels")
    edge_source: str = Field(description='how known lines are found: "canny", or "hed", where sigma only matters if -1')
    samples: list[str] = Field(description="names for /api/samples/{name}")


class RecipeFile(BaseModel):
    """The contents of recipe.json, which `python -m edgeconnect_jax.inpaint --recipe` replays."""

    class Picture(BaseModel):
        """The picture that the recipe is for."""

        name: str
        sha256: str = Field(description="SHA-256 of its file")
        width: int
        height: int

    class Weights(BaseModel):
        """The weights that the recipe is for."""

        sha256: str

    format: int = Field(
        description="version of the file format; increases when older programs cannot read newer recipes"
    )
    version: str = Field(description="version of the program that wrote the recipe")
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
    """Adds the routes to an application."""
    app.include_router(router)
    app.include_router(forms)


@router.get("/api/info", summary="Facts about the service and its limits", tags=["service"])
async def info(request: Request) -> Info:
    """Version, checkpoint, limits and the state of the queue."""
    names = [sample.value for sample in samples.Sample]
    networks = request.app.state.model.networks
    facts = service.facts(request)
    return Info(**facts, sigma=networks.sigma, edge_source=networks.known.source, samples=names)


@router.get(
    "/api/samples/{name}",
    summary="A photograph to try",
    tags=["service"],
    response_class=Response,
    responses=describe_png("the photograph", timed=False) | errors.responses(422),
)
def sample(name: samples.Sample) -> Response:
    """One of the pictures that come with scikit-image."""
    return Response(samples.png(name), media_type=PNG)


@forms.post(
    "/edges",
    summary="Predict lines",
    tags=["filling"],
    response_class=Response,
    responses=describe_png("8-bit gray of the picture's size, white = edge") | REFUSALS,
)
async def edges(request: Request, form: Annotated[EdgesForm, Form(media_type=_FORM)]) -> Response:
    """Known edges outside the hole and predicted ones inside, as 8-bit gray.

    Known edges come from `lines` if given, otherwise they are found in the picture as in
    training, by Canny or HED. With a `region`, only the part of the
    hole inside it is predicted again, after the rest of the hole has been filled along `lines`.
    """
    given = await _given(form)
    return timed_png(await _work(request).edges(given, form.sigma, form.threshold))


@forms.post(
    "/inpaint",
    summary="Fill the hole",
    tags=["filling"],
    response_class=Response,
    responses=describe_png("the picture in its own size, depth and transparency, with unchanged known pixels")
    | REFUSALS,
)
async def inpaint(request: Request, form: Annotated[InpaintForm, Form(media_type=_FORM)]) -> Response:
    """The picture with its hole filled along the given lines, or along those of /api/edges if none are given."""
    given = await _given(form)
    return timed_png(await _work(request).inpaint(given, form.sigma, form.threshold))


@forms.post("/recipe", summary="How a picture was filled", tags=["filling"], responses=REFUSALS)
async def recipe(request: Request, form: Annotated[RecipeForm, Form(media_type=_FORM)]) -> RecipeFile:
    """A file with the mask, the lines, and the hashes of the picture and the checkpoint; no network runs.

    `sigma` and `threshold` only record how the lines were made.
    """
    given = await _given(form)
    return RecipeFile(**await _work(request).recipe(given, form.sigma, form.threshold))


async def _given(form: EdgesForm | InpaintForm | RecipeForm) -> Given:
    image, mask = await take("image", form.image), await take("mask", form.mask)
    assert image and mask
    return Given(image, mask, await take("lines", form.lines), await take("region", getattr(form, "region", None)))


def _work(request: Request) -> Operations:
    return request.app.state.work
