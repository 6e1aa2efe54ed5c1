"""Networks and a service that several tests share."""

from collections.abc import Iterator

import pytest

from edgeconnect_jax.serving.page import Model
from tests.serving.services import Service, running
from tests.systems.edgeconnect.editor.narrow import narrow_model, pages_of


@pytest.fixture(scope="session")
def model() -> Model:
    """Narrow networks; their compiled programs are shared by all services."""
    return narrow_model()


@pytest.fixture(scope="session")
def service(model: Model) -> Iterator[Service]:
    """A service with the settings of `services.SETTINGS`. Leave nothing in its queue."""
    with running(pages_of(model)) as service:
        yield service
