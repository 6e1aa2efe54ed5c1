"""Answers that are pictures, and how OpenAPI documents them."""

from typing import Any

from fastapi import Response

from edgeconnect_jax.serving import errors
from edgeconnect_jax.serving.device import Timed

PNG = "image/png"
_TIMING = {
    "description": "milliseconds that the request waited for the device and that it took to compute",
    "schema": {"type": "string", "examples": ["queue;dur=0.3, compute;dur=1004.2"]},
}
# Of a route that takes a form of pictures.
REFUSALS = errors.responses(400, 403, 408, 413, 415, 422) | errors.FULL


def describe_png(description: str, *, timed: bool = True) -> dict[int | str, dict[str, Any]]:
    """The answer of a route that gives a PNG file, for OpenAPI.

    Args:
        description: of the picture.
        timed: whether it is made by `timed_png`.
    """
    content = {PNG: {"schema": {"type": "string", "format": "binary", "contentMediaType": PNG}}}
    headers = {"headers": {"Server-Timing": _TIMING}} if timed else {}
    return {200: {"description": description, "content": content, **headers}}


def timed_png(done: Timed[bytes]) -> Response:
    """Answers with a PNG file that the device computed, and the time that it took."""
    timing = f"queue;dur={done.waited * 1000:.1f}, compute;dur={done.took * 1000:.1f}"
    return Response(done.value, media_type=PNG, headers={"Server-Timing": timing})
