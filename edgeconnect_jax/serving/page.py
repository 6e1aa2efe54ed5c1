"""The contract of a system's page: its networks, its routes and its files for the browser."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from fastapi import FastAPI

from edgeconnect_jax.serving.device import Device
from edgeconnect_jax.serving.settings import Settings, Size

_T = TypeVar("_T")


class Model(NamedTuple, Generic[_T]):
    """The loaded networks of a system.

    Attributes:
        networks: object that runs the networks, of the system's own type.
        name: the checkpoint as given by the user.
        sha256: SHA-256 of the weights.
        sizes: network -> its sizes.
        dtype: dtype of the arithmetic.
        device: platform of the device, such as "cpu".
    """

    networks: _T
    name: str
    sha256: str
    sizes: dict[str, Any]
    dtype: str
    device: str


class Page(NamedTuple):
    """The page of a system, found at `systems.NAME.editor.page.PAGE`.

    `install` adds routes to the system's own application. That application already handles errors, /healthz, / (the
    file index.html of `static`), /static (the files of `static`) and /static/shared (those of `serving/static`). It may
    be mounted under a prefix, so the page must use relative URLs only. Routes that take pictures use
    `uploads.FormRoute`; the route /api/info returns `service.facts`.

    Attributes:
        title: display name of the system, as in links between pages.
        description: description of the service in OpenAPI.
        static: the folder of the page's files.
        load: (checkpoints, dtype) -> the model. Raises ValueError or OSError if a checkpoint cannot be used.
        warm_ups: (model, (height, width)) -> work that compiles the programs for pictures of that size.
        install: (application, model, device, settings) -> None; adds the routes.
        bytes_per_pixel: maximum size of an uncompressed form, over all its files, per pixel of the picture.
    """

    title: str
    description: str
    static: pathlib.Path
    load: Callable[[Sequence[str | pathlib.Path], str], Model[Any]]
    warm_ups: Callable[[Model[Any], Size], Sequence[Callable[[], object]]]
    install: Callable[[FastAPI, Model[Any], Device, Settings], None]
    bytes_per_pixel: int
