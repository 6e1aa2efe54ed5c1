"""Many requests at once: none is mixed up, too many are told so, and those that go away are not computed."""

import gc
import random
import socket
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests

from edgeconnect_jax.serving import pictures
from edgeconnect_jax.systems.edgeconnect.editor import steps
from edgeconnect_jax.systems.edgeconnect.inference import Inpainter
from tests.serving.running import SETTINGS, Service, array_of, example, png, running, until
from tests.systems.edgeconnect.weights import weights

SIZES = ((32, 40), (30, 37), (24, 24))
_, HOLE, FORM = example()


@pytest.fixture
def gate(monkeypatch):
    """Holds the networks up until it is opened, and counts how often they run."""

    class Gate:
        def __init__(self):
            self.open, self.begun = threading.Event(), []

    gate, predict = Gate(), steps.Steps.predict

    def held_up(self, picture, hole, known, threshold=0):
        gate.begun.append(int(picture.color[0, 0, 0]))
        assert gate.open.wait(60)
        return predict(self, picture, hole, known, threshold)

    monkeypatch.setattr(steps.Steps, "predict", held_up)
    yield gate
    gate.open.set()


def numbered(number: int) -> dict[str, bytes]:
    """A form whose picture tells its number in its first pixel."""
    image = np.full((32, 40, 3), number, np.uint8)
    return {"image": png(image), "mask": FORM["mask"]}


def test_each_answer_belongs_to_its_request(service):
    both, fill = Inpainter(weights(), stage="edge"), Inpainter(weights(), stage="inpaint")
    asked = []
    for seed in range(12):
        image, hole, form = example(*SIZES[seed % 3], seed=seed)
        lines = steps.to_bytes(both(image, hole).edges)
        asked.append(("/api/edges", form, lines))
        asked.append(("/api/inpaint", form, fill(image, hole, lines).image))
        other = np.where(hole, 255 - lines, lines)
        asked.append(("/api/inpaint", {**form, "lines": png(other)}, fill(image, hole, other).image))
    random.Random(0).shuffle(asked)
    with ThreadPoolExecutor(SETTINGS.queue) as clients:
        answers = list(clients.map(lambda one: service.post(one[0], **one[1]), asked))
    for (path, _, expected), answer in zip(asked, answers, strict=True):
        assert answer.status_code == 200, (path, answer.text)
        np.testing.assert_array_equal(array_of(answer.content), expected)
    assert service.app.state.device.taken == 0


def test_a_full_queue_says_when_to_come_again(model, gate):
    with running(model, SETTINGS._replace(queue=3)) as service, ThreadPoolExecutor(3) as clients:
        first = [clients.submit(service.post, "/api/edges", **numbered(i)) for i in range(3)]
        until(lambda: service.app.state.device.taken == 3)
        assert service.get("/api/info").json()["queue"] == {"waiting": 3, "limit": 3}
        for path, form in (
            ("/api/edges", FORM),
            ("/api/inpaint", FORM),
            ("/api/recipe", {**FORM, "lines": bytes(10**5)}),
        ):
            refused = service.post(path, **form)
            assert refused.status_code == 503 and "queue is full" in refused.json()["detail"]
            assert int(refused.headers["retry-after"]) >= 1
        assert service.get("/healthz").status_code == 200  # which needs no place
        gate.open.set()
        assert [future.result().status_code for future in first] == [200] * 3
        assert service.post("/api/edges", **FORM).status_code == 200
        assert len(gate.begun) == 4


def hang_up(service: Service, form: dict[str, bytes]) -> socket.socket:
    """Sends a form and returns the connection, unread."""
    request = requests.Request("POST", service.url + "/api/edges", files={k: (k, v) for k, v in form.items()}).prepare()
    assert isinstance(request.body, bytes)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    connection = socket.create_connection(("127.0.0.1", service.port))
    connection.sendall(f"POST /api/edges HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode() + request.body)
    return connection


def test_a_request_that_goes_away_while_it_waits_is_not_computed(model, gate):
    with running(model) as service, ThreadPoolExecutor(2) as clients:
        device = service.app.state.device
        first = clients.submit(service.post, "/api/edges", **numbered(1))
        until(lambda: gate.begun == [1])
        leaving = [hang_up(service, numbered(2)), hang_up(service, numbered(3))]
        until(lambda: device.taken == 3)
        last = clients.submit(service.post, "/api/edges", **numbered(4))
        until(lambda: device.taken == 4)
        for connection in leaving:
            connection.close()
        until(lambda: device.taken == 2)  # their places are free at once
        gate.open.set()
        assert first.result().status_code == last.result().status_code == 200
        assert gate.begun == [1, 4]
        assert device.taken == 0


def test_a_request_that_goes_away_while_it_is_computed_does_no_harm(model, gate):
    with running(model) as service:
        connection = hang_up(service, numbered(1))
        until(lambda: gate.begun == [1])
        connection.close()
        until(lambda: service.app.state.device.taken == 0)
        gate.open.set()
        assert service.post("/api/edges", **FORM).status_code == 200


def test_a_failure_inside_is_told_and_the_service_goes_on(model, monkeypatch, caplog):
    with running(model) as service:
        with monkeypatch.context() as broken:
            broken.setattr(steps.Steps, "predict", lambda *_: 1 / 0)
            answer = service.post("/api/edges", **FORM)
            assert answer.status_code == 500 and answer.json() == {"detail": "the service failed; its log says why"}
        assert service.post("/api/edges", **FORM).status_code == 200
        assert service.app.state.device.taken == 0


def test_pictures_are_let_go_of_after_the_answer(service, monkeypatch):
    held, decode = [], pictures.picture_of

    def watched(upload):
        found = decode(upload)
        held.append(weakref.ref(found.color))
        return found

    monkeypatch.setattr(pictures, "picture_of", watched)
    for path in ("/api/edges", "/api/inpaint"):
        assert service.post(path, **FORM).status_code == 200
        assert service.post(path, **FORM, lines=png(np.zeros((32, 40, 2), np.uint8))).status_code == 400
        hang_up(service, FORM).close()
    until(lambda: service.app.state.device.taken == 0)
    assert len(held) >= 4

    def gone() -> bool:
        gc.collect()
        return not any(reference() is not None for reference in held)

    until(gone)
