"""Several systems in one service: addresses, what they share, and what each keeps to itself."""

import re

import numpy as np
import pytest
import requests

from edgeconnect_jax.serving.app import STATIC
from tests.serving.negative.page import PAGE, Negative
from tests.serving.services import SETTINGS, array_of, example, running, until

IMAGE, HOLE, FORM = example()
PREFIXES = {"": "first", "/first": "first", "/second": "second"}  # of addresses -> whose they are


@pytest.fixture(scope="module")
def models():
    return {name: PAGE.load([f"{name}.ckpt"], "float32") for name in ("first", "second")}


@pytest.fixture(scope="module")
def both(models):
    """A service of two systems, each called as its page is titled."""
    pages = {name: (PAGE._replace(title=name.title()), model) for name, model in models.items()}
    with running(pages, SETTINGS._replace(queue=3, warm_up=((8, 4), (64, 65)))) as service:
        until(lambda: service.device.warm_ups_done == 2)
        yield service


@pytest.mark.parametrize("prefix", PREFIXES)
def test_each_address_is_answered_by_its_system(both, models, prefix):
    info = both.get(f"{prefix}/api/info").json()
    name = PREFIXES[prefix]
    assert info["system"] == name and info["checkpoint"]["name"] == f"{name}.ckpt"
    assert info["checkpoint"]["sha256"] == models[name].sha256
    answer = both.post(f"{prefix}/api/negative", **FORM)
    np.testing.assert_array_equal(array_of(answer.content), np.where(HOLE[..., None], 255 - IMAGE, IMAGE))
    assert both.get(f"{prefix}/healthz").json()["status"] == "ok"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_each_page_and_all_that_it_loads(both, prefix):
    page = both.get(f"{prefix}/")
    assert page.headers["content-type"].startswith("text/html")
    files = re.findall('(?:src|href)="(.+?)"', page.text)
    assert len(files) >= 3 and all(file.startswith("static/") for file in files)
    for file in files:
        assert both.get(f"{prefix}/{file}").status_code == 200
    assert both.get(f"{prefix}/static/shared/store.js").content == (STATIC / "store.js").read_bytes()
    assert "default-src 'self'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_pages_are_linked_relative_to_the_page_that_asks(both, prefix):
    (other,) = both.get(f"{prefix}/api/info").json()["pages"]
    expected = {"first": "second", "second": "first"}[PREFIXES[prefix]]
    assert (other["system"], other["title"]) == (expected, expected.title())
    found = requests.compat.urljoin(f"{both.url}{prefix}/", other["url"])
    assert found == f"{both.url}/{expected}/"


def test_a_system_s_address_without_its_slash_leads_to_its_page(both):
    answer = both.get("/second", allow_redirects=False)
    assert answer.status_code == 307
    assert requests.compat.urljoin(f"{both.url}/second", answer.headers["location"]) == f"{both.url}/second/"


def test_systems_share_the_queue_and_the_warming_up(both, models):
    device = both.device
    with device.place(), device.place(), device.place():
        for prefix in PREFIXES:
            assert both.get(f"{prefix}/api/info").json()["queue"] == {"waiting": 3, "limit": 3}
            assert both.post(f"{prefix}/api/negative", **FORM).status_code == 503
    assert both.get("/healthz").json()["warm_up"] == both.get("/second/healthz").json()["warm_up"]
    for model in models.values():  # the other size is larger than any picture may be
        assert model.networks.warmed == [(8, 4)]


def test_errors_are_sentences_of_every_system(both, monkeypatch):
    monkeypatch.setattr(Negative, "__call__", lambda *_: 1 / 0)
    for prefix in PREFIXES:
        answers = [
            both.get(f"{prefix}/nothing"),
            both.get(f"{prefix}/api/negative"),
            both.post(f"{prefix}/api/negative"),
            both.post(f"{prefix}/api/negative", **FORM),
        ]
        assert [answer.status_code for answer in answers] == [404, 405, 415, 500]
        for answer in answers:
            assert set(answer.json()) == {"detail"} and isinstance(answer.json()["detail"], str)


def test_openapi_names_the_address_of_its_system(both):
    assert "servers" not in both.get("/openapi.json").json()
    assert both.get("/second/openapi.json").json()["servers"] == [{"url": "/second"}]
    assert "/api/negative" in both.get("/second/openapi.json").json()["paths"]


def test_only_files_of_the_page_can_be_named(both):
    for prefix in PREFIXES:
        for path in (
            "../page.py",
            "%2e%2e/page.py",
            "..%2fpage.py",
            "shared/../../app.py",
            "shared/%2e%2e/app.py",
            "%00",
        ):
            request = requests.Request("GET", both.url).prepare()
            request.url = f"{both.url}{prefix}/static/{path}"  # requests would normalise it
            with requests.Session() as session:
                assert session.send(request, timeout=60).status_code in (400, 404), path
