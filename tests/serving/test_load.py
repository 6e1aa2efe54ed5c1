"""Many requests at once: none is mixed up, too many are told so, and those that go away are not computed."""

import gc
import socket
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests

from edgeconnect_jax.serving import pictures
from tests.serving.negative.page import Negative
from tests.serving.services import SETTINGS, Service, array_of, example, png, running, until

SIZES = ((32, 40), (30, 37), (24, 24))
_, _, FORM = example()


@pytest.fixture
def gate(monkeypatch):
    """Holds the network up until it is opened, and lists the pictures that it ran for."""

    class Gate:
        def __init__(self):
            self.open, self.begun = threading.Event(), []

    gate, call = Gate(), Negative.__call__

    def held_up(self, picture, mask, strength):
        gate.begun.append(int(picture.color[0, 0, 0]))
        assert gate.open.wait(60)
        return call(self, picture, mask, strength)

    monkeypatch.setattr(Negative, "__call__", held_up)
    yield gate
    gate.open.set()


def numbered(number: int) -> dict[str, bytes]:
    """A form whose picture tells its number in its first pixel."""
    image = np.full((32, 40, 3), number, np.uint8)
    return {"image": png(image), "mask": FORM["mask"]}


def test_each_answer_belongs_to_its_request(service):
    asked = [example(*SIZES[seed % 3], seed=seed) for seed in range(24)]
    with ThreadPoolExecutor(SETTINGS.queue) as clients:
        answers = list(clients.map(lambda one: service.post("/api/negative", **one[2]), asked))
    for (image, hole, _), answer in zip(asked, answers, strict=True):
        assert answer.status_code == 200, answer.text
        np.testing.assert_array_equal(array_of(answer.content), np.where(hole[..., None], 255 - image, image))
    assert service.device.taken == 0


def test_a_full_queue_says_when_to_come_again(pages, gate):
    with running(pages, SETTINGS._replace(queue=3)) as service, ThreadPoolExecutor(3) as clients:
        first = [clients.submit(service.post, "/api/negative", **numbered(i)) for i in range(3)]
        until(lambda: service.device.taken == 3)
        assert service.get("/api/info").json()["queue"] == {"waiting": 3, "limit": 3}
        for form in (FORM, {**FORM, "mask": bytes(10**5)}):
            refused = service.post("/api/negative", **form)
            assert refused.status_code == 503 and "queue is full" in refused.json()["detail"]
            assert int(refused.headers["retry-after"]) >= 1
        assert service.get("/healthz").status_code == 200  # which needs no place
        gate.open.set()
        assert [future.result().status_code for future in first] == [200] * 3
        assert service.post("/api/negative", **FORM).status_code == 200
        assert len(gate.begun) == 4


def hang_up(service: Service, form: dict[str, bytes]) -> socket.socket:
    """Sends a form and returns the connection, unread."""
    request = requests.Request(
        "POST", service.url + "/api/negative", files={k: (k, v) for k, v in form.items()}
    ).prepare()
    assert isinstance(request.body, bytes)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    connection = socket.create_connection(("127.0.0.1", service.port))
    connection.sendall(f"POST /api/negative HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode() + request.body)
    return connection


def test_a_request_that_goes_away_while_it_waits_is_not_computed(pages, gate):
    with running(pages) as service, ThreadPoolExecutor(2) as clients:
        device = service.device
        first = clients.submit(service.post, "/api/negative", **numbered(1))
        until(lambda: gate.begun == [1])
        leaving = [hang_up(service, numbered(2)), hang_up(service, numbered(3))]
        until(lambda: device.taken == 3)
        last = clients.submit(service.post, "/api/negative", **numbered(4))
        until(lambda: device.taken == 4)
        for connection in leaving:
            connection.close()
        until(lambda: device.taken == 2)  # their places are free at once
        gate.open.set()
        assert first.result().status_code == last.result().status_code == 200
        assert gate.begun == [1, 4]
        assert device.taken == 0


def test_a_request_that_goes_away_while_it_is_computed_does_no_harm(pages, gate):
    with running(pages) as service:
        connection = hang_up(service, numbered(1))
        until(lambda: gate.begun == [1])
        connection.close()
        until(lambda: service.device.taken == 0)
        gate.open.set()
        assert service.post("/api/negative", **FORM).status_code == 200


def test_a_failure_inside_is_told_and_the_service_goes_on(pages, monkeypatch, caplog):
    with running(pages) as service:
        with monkeypatch.context() as broken:
            broken.setattr(Negative, "__call__", lambda *_: 1 / 0)
            answer = service.post("/api/negative", **FORM)
            assert answer.status_code == 500 and answer.json() == {
                "detail": "the service failed; see its log for the reason"
            }
        assert service.post("/api/negative", **FORM).status_code == 200
        assert service.device.taken == 0


def test_pictures_are_let_go_of_after_the_answer(service, monkeypatch):
    held, decode = [], pictures.picture_of

    def watched(upload):
        found = decode(upload)
        held.append(weakref.ref(found.color))
        return found

    monkeypatch.setattr(pictures, "picture_of", watched)
    transparent = png(np.zeros((32, 40, 2), np.uint8))
    for _ in range(2):
        assert service.post("/api/negative", **FORM).status_code == 200
        assert service.post("/api/negative", **FORM | {"mask": transparent}).status_code == 400
        hang_up(service, FORM).close()
    until(lambda: service.device.taken == 0)
    assert len(held) >= 4

    def gone() -> bool:
        gc.collect()
        return not any(reference() is not None for reference in held)

    until(gone)
