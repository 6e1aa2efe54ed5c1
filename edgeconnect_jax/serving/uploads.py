"""Reading a form of pictures: in memory only, bounded while it arrives, where there is a place in the queue."""

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
_LONGEST_NUMBER = 256  # bytes of a field that is no file
# Of a form that is refused unread: what is sent of it is read, so that the client gets to reading the answer.
_POLITE_SECONDS = 10
_CLIENT_CLOSED = 499  # as nginx logs it; nobody reads this answer

Handler = Callable[[Request], Awaitable[Response]]


class FormRoute(APIRoute):
    """A route that reads a form, and holds a place in the queue from its first byte to the answer."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Wraps FastAPI's own."""
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
    """Handles a request, and gives up as soon as its client goes away.

    Raises:
      ClientDisconnect: it went away.
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
        # What it was doing, and the pictures it held, are let go of before the place in the queue is.
        await asyncio.wait({task, gone})


class _FormRequest(Request):
    """A request whose form is read within the limits of the settings."""

    def __init__(self, scope: Any, receive: Any):
        super().__init__(scope, receive)
        self._begun = False
        self._read = asyncio.Event()
        self._settings: Settings = self.app.state.settings

    async def form(self, **_: Any) -> FormData:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The form; whatever limits the caller has are replaced by ours.

        Raises:
          HTTPException: too large, too slow, of another type, damaged, or a field given twice.
          ClientDisconnect: the client went away.
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
        parser.spool_max_size = self._settings.max_bytes + 1  # of a file in memory; a larger one would go to the disk
        form = await parser.parse()
        doubled = [name for name, count in Counter(name for name, _ in form.multi_items()).items() if count > 1]
        if doubled:
            await form.close()
            raise HTTPException(422, f"{', '.join(name[:40] for name in doubled)}: given more than once")
        return form

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces; raises HTTPException where it is larger than is taken, by its head or as it arrives."""
        largest = self._settings.max_bytes
        told = self.headers.get("content-length", "0")
        if not told.isdecimal() or int(told[:20]) > largest:
            raise _too_large(largest)
        arrived, self._begun = 0, True
        async for piece in super().stream():
            arrived += len(piece)
            if arrived > largest:
                raise _too_large(largest)
            yield piece

    async def discard(self) -> None:
        """Reads the rest of a request that is refused, as long as it does not take too long.

        A client that asks before it sends is not made to.
        """
        if "expect" in self.headers and not self._begun:
            return
        with contextlib.suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(_POLITE_SECONDS):
                while not self._stream_consumed:
                    message = await self.receive()
                    self._stream_consumed = not message.get("more_body", False)

    async def gone(self) -> None:
        """Returns when the client has gone away; waits for the form to be read before, which notices by itself."""
        await self._read.wait()
        while (await self.receive())["type"] != "http.disconnect":
            pass


def _too_large(largest: int) -> HTTPException:
    return HTTPException(
        413, f"form: larger than {largest} bytes; send smaller pictures or compress them as PNG or JPEG"
    )
