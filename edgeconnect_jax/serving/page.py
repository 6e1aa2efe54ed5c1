"""What a system brings to the service: its networks, its routes and its page in the browser."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from fastapi import FastAPI

from edgeconnect_jax.serving.device import Device
from edgeconnect_jax.serving.settings import Settings, Size

_T = TypeVar("_T")


class Model(NamedTuple, Generic[_T]):
    """The networks of a system, loaded.

    Attributes:
        networks: runs them; of the system's own type.
        name: of the checkpoint, as it was given.
        sha256: of the weights.
        sizes: network -> its sizes.
        dtype: of the arithmetic.
        device: what computes, such as "cpu".
    """

    networks: _T
    name: str
    sha256: str
    sizes: dict[str, Any]
    dtype: str
    device: str


class Page(NamedTuple):
    """What `systems.NAME.editor.page.PAGE` is.

    `install` adds routes to the system's own application. That application already answers errors, /healthz, / (the
    file index.html of `static`), /static (the files of `static`) and /static/shared (those of `serving/static`); all of
    it may lie under a prefix, so that the page asks by relative addresses only. Routes that take pictures use
    `uploads.FormRoute`; the one for /api/info returns `service.facts`.

    Attributes:
        title: the system's name for people, as in links between pages.
        description: what OpenAPI says of the service.
        static: the folder of the page's files.
        load: (checkpoints, dtype) -> the model. Raises ValueError or OSError if a checkpoint cannot be used.
        warm_ups: (model, (height, width)) -> work that compiles the programs for pictures of that size.
        install: (application, model, device, settings) adds the routes.
    """

    title: str
    description: str
    static: pathlib.Path
    load: Callable[[Sequence[str | pathlib.Path], str], Model[Any]]
    warm_ups: Callable[[Model[Any], Size], Sequence[Callable[[], object]]]
    install: Callable[[FastAPI, Model[Any], Device, Settings], None]
