"""The application: routes, the page, and what starts and ends with it."""

import contextlib
import functools
import pathlib
from collections.abc import AsyncIterator, Sequence

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

import edgeconnect_jax
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.serving import errors
from edgeconnect_jax.serving.device import Device
from edgeconnect_jax.serving.guard import Guard
from edgeconnect_jax.serving.settings import Settings
from edgeconnect_jax.systems.edgeconnect.editor import routes, steps
from edgeconnect_jax.systems.edgeconnect.editor.work import Model, Work

STATIC = pathlib.Path(__file__).parent / "static"
_DESCRIPTION = """\
Fills the holes of pictures in two steps: predict lines, then fill along them. Pictures travel as files of a form. Masks
are white where the hole is, lines white where an edge is; both are of the picture's size. Every error is a JSON object
with one sentence, `detail`.
"""


def load_model(paths: Sequence[str], dtype: str) -> Model:
    """Loads and prepares both networks; raises ValueError or OSError as `Inpainter.from_checkpoint` does."""
    weights = steps.load(list(paths))
    return Model(
        steps=steps.Steps(weights, dtype=dtype),
        name=", ".join(pathlib.Path(path).name for path in paths),
        sha256=steps.fingerprint(weights),
        sizes=dict(weights.meta),
        dtype=dtype,
        device=parallel.devices()[0].device_kind,
    )


def create(model: Model, settings: Settings) -> FastAPI:
    """The application, which begins to warm up when it is started."""
    device = Device(settings.queue)
    work = Work(model, device, settings.max_pixels)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        device.warm_up(_warm_ups(model.steps, settings))
        yield
        device.close()
        work.close()

    # No pages of documentation: FastAPI's load their scripts from elsewhere.
    app = FastAPI(
        title="edgeconnect_jax",
        version=edgeconnect_jax.__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.settings, app.state.device, app.state.work = settings, device, work
    app.add_middleware(Guard, allow_origin=settings.allow_origin)
    errors.install(app)
    routes.install(app)
    _serve_page(app)
    return app


def _warm_ups(networks: steps.Steps, settings: Settings) -> list[functools.partial[None]]:
    sizes = [size for size in settings.warm_up if size[0] * size[1] <= settings.max_pixels]
    return [functools.partial(networks.warm_up, stage, *size) for size in sizes for stage in ("edge", "inpaint")]


def _serve_page(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
