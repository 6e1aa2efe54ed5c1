"""A service that several tests share."""

from collections.abc import Iterator

import pytest

from edgeconnect_jax.serving.app import Pages
from tests.serving.negative.page import PAGE
from tests.serving.services import Service, running


@pytest.fixture(scope="session")
def pages() -> Pages:
    """The page of the small system."""
    return {"negative": (PAGE, PAGE.load(["small"], "float32"))}


@pytest.fixture(scope="session")
def service(pages: Pages) -> Iterator[Service]:
    """A service with the settings of `services.SETTINGS`. Leave nothing in its queue."""
    with running(pages) as service:
        yield service
