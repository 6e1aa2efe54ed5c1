"""Assembles the service from one application per system, and manages its lifespan."""

import contextlib
import pathlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, NamedTuple

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.routing import Mount, Router
from starlette.types import ASGIApp

import edgeconnect_jax
from edgeconnect_jax.serving import errors, service
from edgeconnect_jax.serving.device import Device
from edgeconnect_jax.serving.guard import Guard
from edgeconnect_jax.serving.page import Model, Page
from edgeconnect_jax.serving.settings import Settings

Pages = Mapping[str, tuple[Page, Model[Any]]]  # system -> its page and its loaded networks

STATIC = pathlib.Path(__file__).parent / "static"  # files that all pages share


class Service(NamedTuple):
    """The service.

    Attributes:
        asgi: the application for a server. It starts to warm up the device when the server starts.
        device: the device, shared by all systems.
        systems: system -> its application.
    """

    asgi: ASGIApp
    device: Device
    systems: Mapping[str, FastAPI]


def create(pages: Pages, settings: Settings) -> Service:
    """Builds the service.

    Args:
        pages: at least one page. Each is served under /SYSTEM/, the first also under /.
        settings: settings of the service.
    """
    device = Device(settings.queue)
    systems = {name: _application(name, pages, device, settings) for name in pages}

    @contextlib.asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        device.warm_up(_warm_ups(pages, settings))
        yield
        device.close()

    # The first system's application also handles all other paths.
    routes = [Mount(f"/{name}", app) for name, app in systems.items()]
    router = Router(routes, default=next(iter(systems.values())), lifespan=lifespan)
    return Service(Guard(router, settings.allow_origin), device, systems)


def _application(name: str, pages: Pages, device: Device, settings: Settings) -> FastAPI:
    page, model = pages[name]
    # No documentation pages, because FastAPI's load scripts from other hosts.
    app = FastAPI(
        title="edgeconnect_jax",
        version=edgeconnect_jax.__version__,
        description=page.description,
        docs_url=None,
        redoc_url=None,
    )
    app.state.model, app.state.device, app.state.settings = model, device, settings
    app.state.max_bytes = settings.max_bytes(page.bytes_per_pixel)
    app.state.system, app.state.titles = name, {system: page.title for system, (page, _) in pages.items()}
    errors.install(app)
    service.install(app)
    page.install(app, model, device, settings)
    _serve_files(app, page.static)
    return app


def _serve_files(app: FastAPI, folder: pathlib.Path) -> None:
    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return FileResponse(folder / "index.html")

    app.mount("/static/shared", StaticFiles(directory=STATIC))
    app.mount("/static", StaticFiles(directory=folder))


def _warm_ups(pages: Pages, settings: Settings) -> list[Callable[[], object]]:
    sizes = [size for size in settings.warm_up if size[0] * size[1] <= settings.max_pixels]
    return [work for size in sizes for page, model in pages.values() for work in page.warm_ups(model, size)]
