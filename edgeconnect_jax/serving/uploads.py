"""Reads forms of pictures: in memory only, with limits enforced while they arrive, and with a place in the queue."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from edgeconnect_jax.serving import errors
from edgeconnect_jax.serving.device import Full
from edgeconnect_jax.serving.settings import Settings

_FORM = b"multipart/form-data"
_MOST_PARTS = 8  # of each kind; no route has more fields
_LONGEST_NUMBER = 256  # bytes of a field that is not a file
# Time limit for reading the rest of a rejected form: clients read the response only after sending everything.
_POLITE_SECONDS = 10
_CLIENT_CLOSED = 499  # nginx's status for its log; no client reads this response

Handler = Callable[[Request], Awaitable[Response]]


class FormRoute(APIRoute):
    """A route that reads a form and holds a place in the queue from the form's first byte to the response."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Wraps FastAPI's own handler."""
        handler = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            form = _FormRequest(request.scope, request.receive)
            try:
                with request.app.state.device.place():
                    return await _while_connected(form, handler)
            except Full as error:
                await form.discard()
                raise errors.full(error) from error
            except ClientDisconnect:
                return Response(status_code=_CLIENT_CLOSED)

        return bounded


async def _while_connected(request: "_FormRequest", handler: Handler) -> Response:
    """Handles a request, and cancels the handler as soon as the client disconnects.

    Raises:
        ClientDisconnect: the client disconnected.
    """
    task = asyncio.ensure_future(handler(request))
    gone = asyncio.ensure_future(request.gone())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        gone.cancel()
        task.cancel()
        # Release the work and the pictures of the request before its place in the queue.
        await asyncio.wait({task, gone})


class _FormRequest(Request):
    """A request whose form is read within the limits of the settings."""

    def __init__(self, scope: Any, receive: Any):
        super().__init__(scope, receive)
        self._begun = False
        self._read = asyncio.Event()
        self._settings: Settings = self.app.state.settings
        self._max_bytes: int = self.app.state.max_bytes

    async def form(self, **_: Any) -> FormData:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Reads the form; our limits replace the caller's.

        Raises:
            HTTPException: the form is too large, too slow, of another type or corrupted, or repeats a field.
            ClientDisconnect: the client disconnected.
        """
        try:
            async with asyncio.timeout(self._settings.upload_seconds):
                self._form = await self._parse()
        except TimeoutError as error:
            raise HTTPException(408, f"form: did not arrive within {self._settings.upload_seconds:g} s") from error
        except MultiPartException as error:
            await self.discard()
            raise HTTPException(400, f"form: {error.message}") from error
        except HTTPException:
            await self.discard()
            raise
        self._read.set()
        return self._form

    async def _parse(self) -> FormData:
        if parse_options_header(self.headers.get("content-type"))[0] != _FORM:
            raise HTTPException(415, "send the pictures as a form, multipart/form-data")
        parser = MultiPartParser(
            self.headers,
            self.stream(),
            max_files=_MOST_PARTS,
            max_fields=_MOST_PARTS,
            max_part_size=_LONGEST_NUMBER,
        )
        parser.spool_max_size = self._max_bytes + 1  # in memory; larger files would be written to disk
        form = await parser.parse()
        repeated = [name for name, count in Counter(name for name, _ in form.multi_items()).items() if count > 1]
        if repeated:
            await form.close()
            raise HTTPException(422, f"{', '.join(name[:40] for name in repeated)}: given more than once")
        return form

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yields the body in pieces; raises HTTPException if it is too large, by its header or while it arrives."""
        largest = self._max_bytes
        announced = self.headers.get("content-length", "0")
        if not announced.isdecimal() or int(announced[:20]) > largest:
            raise _too_large(largest)
        arrived, self._begun = 0, True
        async for piece in super().stream():
            arrived += len(piece)
            if arrived > largest:
                raise _too_large(largest)
            yield piece

    async def discard(self) -> None:
        """Reads the rest of a rejected request for a limited time.

        Reads nothing if the client waits for permission to send (Expect: 100-continue).
        """
        if "expect" in self.headers and not self._begun:
            return
        with contextlib.suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(_POLITE_SECONDS):
                while not self._stream_consumed:
                    message = await self.receive()
                    self._stream_consumed = not message.get("more_body", False)

    async def gone(self) -> None:
        """Waits until the client disconnects; starts after the form is read, because reading itself notices it."""
        await self._read.wait()
        while (await self.receive())["type"] != "http.disconnect":
            pass


def _too_large(largest: int) -> HTTPException:
    return HTTPException(
        413, f"form: larger than {largest} bytes; send smaller pictures or compress them as PNG or JPEG"
    )
