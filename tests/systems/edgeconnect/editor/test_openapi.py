"""OpenAPI tells the truth: what it allows is served, and whatever else is sent is answered as it says."""

import hypothesis
import numpy as np
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from edgeconnect_jax.serving import app as serving
from tests.serving.services import SETTINGS, example, png, running
from tests.systems.edgeconnect.editor.narrow import pages_of

FORMS = ("/api/edges", "/api/inpaint", "/api/recipe")
PATHS = ("/healthz", "/api/info", "/api/samples/{name}", *FORMS)

_, HOLE, FORM = example(24, 24)
FILES = {**FORM, "lines": png(HOLE * np.uint8(255)), "region": png(HOLE * np.uint8(255))}


def few(strategy):
    """Runs a test on the same few cases each time."""
    settings = hypothesis.settings(
        max_examples=12,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    return lambda test: settings(hypothesis.given(strategy)(test))()


def checks(name: str) -> list:
    """Schemathesis's check of this name."""
    (found,) = (check for check in CHECKS.get_all() if check.__name__ == name)
    return [found]


@pytest.fixture(scope="module")
def operations(service):
    schema = schemathesis.openapi.from_dict(service.systems["edgeconnect"].openapi())
    schema.config.update(base_url=service.url)
    return {found.ok().path: found.ok() for found in schema.get_all_operations()}


def test_every_route_is_documented(operations, service):
    assert set(operations) == set(PATHS)
    for path, methods in service.systems["edgeconnect"].openapi()["paths"].items():
        for described in methods.values():
            assert described["summary"] and described["description"], path
            if path in FORMS:
                assert {"200", "400", "403", "408", "413", "415", "422", "503"} == set(described["responses"])


@pytest.mark.parametrize("path", PATHS)
def test_what_is_allowed_is_served(operations, path):
    excluded = checks("negative_data_rejection")  # which takes pictures in place of what it made for wrong
    statuses = []

    @few(operations[path].as_strategy(GenerationMode.POSITIVE))
    def served(case):
        if path in FORMS:
            case.body = {name: FILES.get(name, value) for name, value in case.body.items()}
            if "region" in case.body:  # OpenAPI cannot say of a form that one field needs another
                case.body["lines"] = FILES["lines"]
        response = case.call()
        case.validate_response(response, excluded_checks=excluded)
        statuses.append(response.status_code)

    assert statuses and set(statuses) == {200}


@pytest.mark.parametrize("path", PATHS[2:])
@pytest.mark.parametrize("mode", GenerationMode)
def test_whatever_is_sent_is_answered_as_documented(operations, path, mode):
    """Files are no pictures here, and in the negative mode nothing else needs to be right either."""
    excluded = checks("positive_data_acceptance")

    @few(operations[path].as_strategy(mode))
    def answered(case):
        response = case.call()
        assert response.status_code < 500
        case.validate_response(response, excluded_checks=excluded)


def test_the_schema_is_served_and_no_page_that_loads_from_elsewhere(model):
    other = serving.create(pages_of(model), SETTINGS).systems["edgeconnect"]
    with running(pages_of(model), SETTINGS._replace(max_pixels=100)) as service:
        assert service.get("/openapi.json").json() == other.openapi()
        assert service.get("/docs").status_code == 404  # whose scripts would come from elsewhere
