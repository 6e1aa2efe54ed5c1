"""Services, run by uvicorn on a free port, and what tests send to them."""

import contextlib
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import requests
import uvicorn
from PIL import Image

from edgeconnect_jax.images import files as images
from edgeconnect_jax.serving import app as serving
from edgeconnect_jax.serving.settings import Settings
from tests.synthetic import picture

SETTINGS = Settings(max_pixels=64 * 64, queue=8, warm_up=())


class Service:
    """A running service.

    Attributes:
        systems: system -> its application.
        device: what they share.
        url: the address.
        port: of the loopback interface.
    """

    def __init__(self, service: serving.Service, port: int):
        self.systems, self.device = service.systems, service.device
        self.port, self.url = port, f"http://127.0.0.1:{port}"

    def get(self, path: str, **more) -> requests.Response:
        return requests.get(self.url + path, timeout=60, **more)

    def post(self, path: str, data=None, headers=None, **files: bytes | None) -> requests.Response:
        """Sends a form of files, and of fields in `data`."""
        sent = {name: (f"{name}.png", content) for name, content in files.items() if content is not None}
        return requests.post(self.url + path, files=sent, data=data, headers=headers, timeout=60)


@contextlib.contextmanager
def running(pages: serving.Pages, settings: Settings = SETTINGS) -> Iterator[Service]:
    """Runs a service in a thread, and ends it."""
    service = serving.create(pages, settings)
    config = uvicorn.Config(service.asgi, log_config=None, log_level="critical", timeout_graceful_shutdown=5)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Service(service, listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(60)
            assert not thread.is_alive()


def png(array: np.ndarray) -> bytes:
    """The PNG file of an array."""
    return images.encode_png(array)


def array_of(content: bytes) -> np.ndarray:
    """The array of a PNG file as Pillow reads it."""
    return np.array(Image.open(io.BytesIO(content)))


def example(height: int = 32, width: int = 40, seed: int = 5) -> tuple[np.ndarray, np.ndarray, dict[str, bytes]]:
    """A picture uint8 [H, W, 3], its hole bool [H, W], and both as the files of a form."""
    image, mask = picture(seed, height, width)
    return image, mask > 0, {"image": png(image), "mask": png(mask)}


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)
