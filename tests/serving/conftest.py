"""Services that several tests share."""

from collections.abc import Iterator

import pytest

from edgeconnect_jax.systems.edgeconnect.editor.work import Model
from tests.serving.running import Service, narrow_model, running


@pytest.fixture(scope="session")
def model() -> Model:
    """Narrow networks; their compiled programs are shared by all services."""
    return narrow_model()


@pytest.fixture(scope="session")
def service(model: Model) -> Iterator[Service]:
    """A service with the settings of `running.SETTINGS`. Leave nothing in its queue."""
    with running(model) as service:
        yield service
