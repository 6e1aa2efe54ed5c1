"""What every system's part of the service says of itself."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, Field

import edgeconnect_jax
from edgeconnect_jax.serving.page import Model
from edgeconnect_jax.serving.pictures import TYPES


class Queue(BaseModel):
    """How busy the service is."""

    waiting: int = Field(description="requests that are being read, waiting or being computed")
    limit: int = Field(description="of these; further ones are answered 503")


class WarmUp(BaseModel):
    """How far the service is with compiling programs for common sizes, which it does while it is idle."""

    done: int
    total: int


class Checkpoint(BaseModel):
    """The weights that the service runs."""

    name: str
    sha256: str


class OtherPage(BaseModel):
    """The page of another system of this service."""

    system: str
    title: str
    url: str = Field(description="relative to the page that asks", examples=["srn/", "../srn/"])


class Info(BaseModel):
    """What a client can know beforehand."""

    version: str
    system: str = Field(description="whose networks these are")
    checkpoint: Checkpoint
    networks: dict[str, dict[str, Any]] = Field(description="sizes of each network")
    dtype: str = Field(description="arithmetic of the networks")
    max_pixels: int
    max_bytes: int = Field(description="of a request, all its files together")
    types: list[str] = Field(description="media types of the pictures that are accepted")
    device: str
    queue: Queue
    warm_up: WarmUp
    pages: list[OtherPage]


class Health(BaseModel):
    """That the service runs."""

    status: str = Field(examples=["ok"])
    warm_up: WarmUp


router = APIRouter()


def install(app: FastAPI) -> None:
    """Adds /healthz to a system's application."""
    app.include_router(router)


@router.get("/healthz", summary="Whether the service runs", tags=["service"])
async def healthz(request: Request) -> Health:
    """Answers at once, whatever the device is doing."""
    return Health(status="ok", warm_up=_warm_up(request))


def facts(request: Request) -> dict[str, Any]:
    """The fields of `Info` for the system that a request asks."""
    state = request.app.state
    model: Model[Any] = state.model
    return {
        "version": edgeconnect_jax.__version__,
        "system": state.system,
        "checkpoint": Checkpoint(name=model.name, sha256=model.sha256),
        "networks": model.sizes,
        "dtype": model.dtype,
        "max_pixels": state.settings.max_pixels,
        "max_bytes": state.settings.max_bytes,
        "types": list(TYPES),
        "device": model.device,
        "queue": Queue(waiting=state.device.taken, limit=state.device.places),
        "warm_up": _warm_up(request),
        "pages": _other_pages(request),
    }


def _warm_up(request: Request) -> WarmUp:
    device = request.app.state.device
    return WarmUp(done=device.warm_ups_done, total=device.warm_ups)


def _other_pages(request: Request) -> list[OtherPage]:
    state = request.app.state
    above = "../" if request.scope.get("root_path", "").endswith(f"/{state.system}") else ""
    others = {name: title for name, title in state.titles.items() if name != state.system}
    return [OtherPage(system=name, title=title, url=f"{above}{name}/") for name, title in others.items()]
