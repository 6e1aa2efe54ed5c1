"""EdgeConnect's page with narrow networks."""

from edgeconnect_jax.serving.app import Pages
from edgeconnect_jax.serving.page import Model
from edgeconnect_jax.systems.edgeconnect.editor import steps
from edgeconnect_jax.systems.edgeconnect.editor.page import PAGE
from tests.systems.edgeconnect.weights import weights


def narrow_model() -> Model[steps.Steps]:
    """Both networks, narrow, with random weights."""
    loaded = weights()
    return Model(steps.Steps(loaded), "narrow", steps.fingerprint(loaded), dict(loaded.meta), "float32", "cpu")


def pages_of(model: Model[steps.Steps]) -> Pages:
    """What `app.create` takes."""
    return {"edgeconnect": (PAGE, model)}
