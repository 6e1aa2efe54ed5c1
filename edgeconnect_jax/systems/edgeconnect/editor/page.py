"""EdgeConnect's page: predict the lines inside a hole, change them, and fill along them."""

import functools
import pathlib
from collections.abc import Callable, Sequence

from fastapi import FastAPI

from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.serving.device import Device
from edgeconnect_jax.serving.page import Model, Page
from edgeconnect_jax.serving.settings import Settings, Size
from edgeconnect_jax.systems.edgeconnect.editor import routes, steps
from edgeconnect_jax.systems.edgeconnect.editor.work import Operations

_DESCRIPTION = """\
Fills holes in pictures in two steps: predict lines, then fill along them. Send pictures as files of a form. Masks are
white where the hole is, lines white where an edge is; both have the picture's size. Every error is a JSON object with
one sentence, `detail`.
"""


def load(paths: Sequence[str | pathlib.Path], dtype: str) -> Model[steps.Steps]:
    """Loads and prepares both networks; raises ValueError or OSError as `Inpainter.from_checkpoint` does."""
    weights = steps.load(paths)
    return Model(
        networks=steps.Steps(weights, dtype=dtype),
        name=", ".join(pathlib.Path(path).name for path in paths),
        sha256=steps.fingerprint(weights),
        sizes=dict(weights.meta),
        dtype=dtype,
        device=parallel.devices()[0].device_kind,
    )


def warm_ups(model: Model[steps.Steps], size: Size) -> Sequence[Callable[[], object]]:
    """Work that compiles each step for pictures of (height, width)."""
    return [functools.partial(model.networks.warm_up, step, *size) for step in steps.IN_TURN]


def install(app: FastAPI, model: Model[steps.Steps], device: Device, settings: Settings) -> None:
    """Adds the routes under /api to an application."""
    app.state.work = Operations(model, device, settings.max_pixels)
    routes.install(app)


PAGE = Page(
    title="EdgeConnect",
    description=_DESCRIPTION,
    static=pathlib.Path(__file__).parent / "static",
    load=load,
    warm_ups=warm_ups,
    install=install,
    # four 16-bit values of the picture, and one 8-bit value each of the mask, the lines and the region
    bytes_per_pixel=4 * 2 + 3,
)
