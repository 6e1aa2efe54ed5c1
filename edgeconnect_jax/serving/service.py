"""Health and facts about the service, the same for every system."""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, Field

import edgeconnect_jax
from edgeconnect_jax.serving.page import Model
from edgeconnect_jax.serving.pictures import TYPES


class Queue(BaseModel):
    """How busy the service is."""

    waiting: int = Field(description="requests that are being read, waiting or being computed")
    limit: int = Field(description="maximum number of these; further requests get status 503")


class WarmUp(BaseModel):
    """Progress of compiling programs for common sizes, which the service does while it is idle."""

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
    url: str = Field(description="relative to the requesting page", examples=["other/", "../other/"])


class Info(BaseModel):
    """Facts that a client can query in advance."""

    version: str
    system: str = Field(description="system to which the networks belong")
    checkpoint: Checkpoint
    networks: dict[str, dict[str, Any]] = Field(description="sizes of each network")
    dtype: str = Field(description="arithmetic of the networks")
    max_pixels: int
    max_bytes: int = Field(description="size limit of a request with all its files")
    types: list[str] = Field(description="accepted media types of pictures")
    device: str
    queue: Queue
    warm_up: WarmUp
    pages: list[OtherPage]


class Health(BaseModel):
    """Sign that the service is running."""

    status: str = Field(examples=["ok"])
    warm_up: WarmUp


router = APIRouter()


def install(app: FastAPI) -> None:
    """Adds /healthz to a system's application."""
    app.include_router(router)


@router.get("/healthz", summary="Whether the service is running", tags=["service"])
async def healthz(request: Request) -> Health:
    """Responds at once, even while the device is busy."""
    return Health(status="ok", warm_up=_warm_up(request))


def facts(request: Request) -> dict[str, Any]:
    """The fields of `Info` for the system that a request addresses."""
    state = request.app.state
    model: Model[Any] = state.model
    return {
        "version": edgeconnect_jax.__version__,
        "system": state.system,
        "checkpoint": Checkpoint(name=model.name, sha256=model.sha256),
        "networks": model.sizes,
        "dtype": model.dtype,
        "max_pixels": state.settings.max_pixels,
        "max_bytes": state.max_bytes,
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
