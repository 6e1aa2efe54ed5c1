"""Restricts access to the service's own pages, programs, and pages of the origins allowed at start-up.

Any page open in a browser can send requests to a service on the same machine. Browsers name the sending page in the
header Origin; if a page points its own host name at our address (DNS rebinding), the header Host contains that name.
"""

import ipaddress
import socket
import urllib.parse
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgeconnect_jax.serving import errors

_EXPOSED = ("Retry-After", "Server-Timing")
# Pages load nothing from other hosts; pictures that they create themselves are blobs.
_CONTENT = (
    "default-src 'self'; img-src 'self' blob: data:; connect-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """ASGI middleware that rejects requests of foreign pages and adds headers that restrict the service's own."""

    def __init__(self, app: ASGIApp, allow_origin: Sequence[str] = ()):
        """Wraps an application.

        Args:
            app: the application.
            allow_origin: origins of other pages that may use the application, in the form that browsers send.
        """
        self._origins = frozenset(allow_origin)
        allowed_hosts = {urllib.parse.urlsplit(origin).hostname for origin in allow_origin}
        self._names = {"localhost", socket.gethostname().lower(), *filter(None, allowed_hosts)}
        self._app = app
        if allow_origin:
            self._app = CORSMiddleware(app, allow_origin, allow_methods=("GET", "POST"), expose_headers=_EXPOSED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                # The page's files have ETags and are revalidated; responses with pictures are never cached.
                headers.setdefault("Cache-Control", "no-cache" if "etag" in headers else "no-store")
            await send(message)

        problem = self._problem(Headers(scope=scope))
        app = errors.answer(403, problem) if problem else self._app
        await app(scope, receive, send_with_headers)

    def _problem(self, headers: Headers) -> str | None:
        """Why a request is rejected; None if it is allowed."""
        host = headers.get("host", "").lower()
        if not self._is_ours(host):
            return f"Host: {host[:80]!r} is not a name of this service; start it with --allow_origin to add one"
        origin = headers.get("origin")
        if origin is None or origin in self._origins or urllib.parse.urlsplit(origin).netloc == host:
            return None
        return f"Origin: pages of {origin[:80]!r} may not use this service; start it with --allow_origin to allow them"

    def _is_ours(self, host: str) -> bool:
        """Whether only our pages can have this host: an address or a known name, which no other page can claim."""
        try:
            name = urllib.parse.urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True
