"""Responses with pictures, and their OpenAPI documentation."""

from typing import Any

from fastapi import Response

from edgeconnect_jax.serving import errors
from edgeconnect_jax.serving.device import Timed

PNG = "image/png"
_TIMING = {
    "description": "milliseconds for which the request waited for the device and was computed",
    "schema": {"type": "string", "examples": ["queue;dur=0.3, compute;dur=1004.2"]},
}
# The errors of a route that takes a form of pictures.
REFUSALS = errors.responses(400, 403, 408, 413, 415, 422) | errors.FULL


def describe_png(description: str, *, timed: bool = True) -> dict[int | str, dict[str, Any]]:
    """OpenAPI documentation of a response with a PNG file.

    Args:
        description: description of the picture.
        timed: whether the response comes from `timed_png`.
    """
    content = {PNG: {"schema": {"type": "string", "format": "binary", "contentMediaType": PNG}}}
    headers = {"headers": {"Server-Timing": _TIMING}} if timed else {}
    return {200: {"description": description, "content": content, **headers}}


def timed_png(done: Timed[bytes]) -> Response:
    """A response with a PNG file computed on the device, and its timing."""
    timing = f"queue;dur={done.waited * 1000:.1f}, compute;dur={done.took * 1000:.1f}"
    return Response(done.value, media_type=PNG, headers={"Server-Timing": timing})
