"""Error responses: one sentence that names the field and the remedy."""

import math
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from edgeconnect_jax.serving.device import Full


class Problem(BaseModel):
    """Why a request failed."""

    detail: str = Field(
        description="names the field and the remedy", examples=["mask: 20 x 20 pixels, the picture has 40 x 30"]
    )


_MEANINGS = {
    400: "A picture cannot be used.",
    403: "The request comes from a page on another host.",
    408: "The request took too long to arrive.",
    413: "The request has more bytes or pixels than the service accepts; checked before decoding.",
    415: "The request is not a form with pictures of the accepted types.",
    422: "A field is missing, unknown or out of range.",
}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for OpenAPI."""
    return {status: {"model": Problem, "description": _MEANINGS[status]} for status in statuses}


FULL: dict[int | str, dict[str, Any]] = {
    503: {
        "model": Problem,
        "description": "The queue is full.",
        "headers": {"Retry-After": {"description": "seconds after which to try again", "schema": {"type": "integer"}}},
    }
}


def answer(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The response to a failed request."""
    return JSONResponse({"detail": detail}, status, headers=dict(headers or {}))


def full(error: Full) -> HTTPException:
    """The error for a request that arrives while the queue is full."""
    seconds = max(1, math.ceil(error.seconds))
    return HTTPException(503, f"the queue is full; try again in {seconds} s", {"Retry-After": str(seconds)})


def install(app: FastAPI) -> None:
    """Makes an application respond to every error with a `Problem`."""

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(422, "; ".join(_sentence(problem) for problem in error.errors()))

    @app.exception_handler(StarletteHTTPException)
    async def refused(_: Request, error: StarletteHTTPException) -> JSONResponse:
        return answer(error.status_code, str(error.detail), error.headers)

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> JSONResponse:
        return answer(500, "the service failed; see its log for the reason")


def _sentence(problem: Mapping[str, Any]) -> str:
    place = [str(part) for part in problem["loc"] if part not in ("body", "path", "query")]
    return ": ".join([*place[:1], _wording(problem)])[:200]


def _wording(problem: Mapping[str, Any]) -> str:
    """Pydantic's message, or our own where Pydantic's refers to Python."""
    if problem["type"] == "value_error" and "UploadFile" in problem["msg"]:
        return "must be sent as a file"
    known = {"missing": "missing", "extra_forbidden": "not a field of this form"}
    return known.get(problem["type"]) or str(problem["msg"]).removeprefix("Value error, ")
