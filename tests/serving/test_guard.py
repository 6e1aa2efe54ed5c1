"""Who may ask. The guard is tried around an app that answers everybody, as browsers and programs would ask."""

import asyncio
import socket

import pytest
from fastapi.responses import PlainTextResponse
from starlette.datastructures import Headers

from edgeconnect_jax.serving.guard import Guard
from tests.serving.services import SETTINGS, example, running


def ask(headers: dict[str, str], allow=(), method="POST") -> tuple[int, Headers]:
    """The status and the headers with which a guarded app answers."""
    sent = []
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": "/api/negative", "headers": raw}

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    asyncio.run(Guard(PlainTextResponse("done"), allow)(scope, receive, send))
    return sent[0]["status"], Headers(raw=sent[0]["headers"])


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8080",
        "LOCALHOST",
        "127.0.0.1:8080",
        "[::1]:8080",
        "192.168.1.20:8080",
        f"{socket.gethostname()}:8080",
    ],
)
def test_hosts_that_are_ours(host):
    assert ask({"Host": host})[0] == 200
    assert ask({"Host": host, "Origin": f"http://{host.lower()}"})[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "",
        "[::1",
        "a@b",
        "localhost@evil.example",
        "2130706433",
    ],
)
def test_names_that_others_could_give_to_our_address(host):
    assert ask({"Host": host})[0] == 403
    assert ask({"Host": host, "Origin": f"http://{host}"})[0] == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:3000",
        "http://127.0.0.1:80800",
        "null",
        "",
        "http://localhost:8080@evil.example",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_pages_of_others(origin, method):
    status, headers = ask({"Host": "localhost:8080", "Origin": origin}, method=method)
    assert status == 403 and "access-control-allow-origin" not in headers


def test_pages_that_are_allowed():
    allowed = "https://paint.example.org"
    asked = {"Host": "localhost:8080", "Origin": allowed}
    status, headers = ask(asked, [allowed])
    assert status == 200 and headers["access-control-allow-origin"] == allowed
    assert "Server-Timing" in headers["access-control-expose-headers"]
    status, headers = ask(asked | {"Access-Control-Request-Method": "POST"}, [allowed], "OPTIONS")
    assert status == 200 and "POST" in headers["access-control-allow-methods"]
    assert ask(asked | {"Origin": "https://paint.example.org.evil.example"}, [allowed])[0] == 403
    assert ask(asked | {"Origin": "http://paint.example.org"}, [allowed])[0] == 403
    assert ask({"Host": "paint.example.org", "Origin": allowed}, [allowed])[0] == 200  # reached through a proxy


def test_every_answer_binds_the_page_to_what_the_service_has():
    for headers in (ask({"Host": "localhost"})[1], ask({"Host": "evil.example"})[1]):
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"


def test_the_service_is_guarded(service, pages):
    form = example()[2]
    assert service.post("/api/negative", headers={"Origin": "http://evil.example"}, **form).status_code == 403
    assert service.get("/healthz", headers={"Host": "evil.example"}).status_code == 403
    assert service.post("/api/negative", headers={"Origin": service.url}, **form).status_code == 200
    with running(pages, SETTINGS._replace(allow_origin=("http://friend.example",))) as other:
        answer = other.post("/api/negative", headers={"Origin": "http://friend.example"}, **form)
        assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "http://friend.example"
