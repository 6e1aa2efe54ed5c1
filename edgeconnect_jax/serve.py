"""Serves the systems' pages and their HTTP service.

python -m edgeconnect_jax.serve --checkpoint C
"""

import argparse
import importlib.util
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from edgeconnect_jax import systems
from edgeconnect_jax.host import compilation_cache
from edgeconnect_jax.host import options as common
from edgeconnect_jax.host.errors import run_command
from edgeconnect_jax.serving.settings import COMMON_SIZES, DEFAULT_MAX_PIXELS, DEFAULT_QUEUE, Settings, Size

_DESCRIPTION = """\
Serves the page of each system that has a checkpoint, and its HTTP service, which programs can also use. The first
system's page is at /, every page at /SYSTEM/. Ctrl-C stops the service.
"""
_NEEDED = {"fastapi": "FastAPI", "uvicorn": "uvicorn", "python_multipart": "python-multipart"}
_GOODBYE_SECONDS = 3  # for pending responses after Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: command-line arguments; None = those of this process.

    Returns:
        The exit status: 0 after Ctrl-C, or 2 after an error message on stderr.
    """
    options = _parser().parse_args(arguments)
    return run_command("serve", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    missing = [name for module, name in _NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ValueError(f"{', '.join(missing)} not installed; pip install -e '.[serve]'")
    try:
        # Listen before loading the networks, so that a port in use is reported at once.
        with _listen(options.host, options.port) as listening:
            _serve(options, listening)
    except KeyboardInterrupt:  # the normal way to stop the service
        pass
    return 0


def _serve(options: argparse.Namespace, listening: socket.socket) -> None:
    import uvicorn

    from edgeconnect_jax.serving import app

    settings = Settings(options.max_pixels, options.queue, tuple(options.allow_origin), tuple(options.warm_up))
    compilation_cache.enable(options.compilation_cache)
    pages = _pages(options.checkpoint, options.dtype)
    config = uvicorn.Config(
        app.create(pages, settings).asgi,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
    )
    url = f"http://{_address(options.host, listening)}"
    print(f"The editor is at {url} (Ctrl-C stops it)", flush=True)
    for name, (page, _) in list(pages.items())[1:]:
        print(f"{page.title} is at {url}/{name}/", flush=True)
    uvicorn.Server(config).run(sockets=[listening])


def _pages(checkpoints: Sequence[str], dtype: str) -> Mapping[str, tuple[Any, Any]]:
    """System -> its page and its networks, loaded from its checkpoints."""
    pages = {name: (systems.load(name).page, paths) for name, paths in systems.of_checkpoints(checkpoints).items()}
    for name, (page, paths) in pages.items():
        if page is None:
            raise ValueError(f"{', '.join(map(str, paths))}: {name} has no page to serve; remove it")
    return {name: (page, page.load(paths, dtype)) for name, (page, paths) in pages.items() if page is not None}


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 = any free port."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        reason = str(error.strerror or error).split(" (")[0]
        raise ValueError(f"--host {host} --port {port}: {reason}; choose another") from error


def _address(host: str, listening: socket.socket) -> str:
    return f"[{host}]:{listening.getsockname()[1]}" if ":" in host else f"{host}:{listening.getsockname()[1]}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m edgeconnect_jax.serve", description=_DESCRIPTION, allow_abbrev=False
    )
    add = parser.add_argument
    add("--checkpoint", **common.CHECKPOINT)
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, only this machine)")
    add("--port", type=common.whole(0, 65535), default=8080, help="0 = any free port (default: 8080)")
    add(
        "--max_pixels",
        type=common.whole(1),
        default=DEFAULT_MAX_PIXELS,
        metavar="N",
        help=f"reject larger pictures (default: {DEFAULT_MAX_PIXELS})",
    )
    add(
        "--queue",
        type=common.whole(1),
        default=DEFAULT_QUEUE,
        metavar="N",
        help=f"maximum number of requests in progress; further ones get status 503 (default: {DEFAULT_QUEUE})",
    )
    add(
        "--allow_origin",
        nargs="+",
        type=_origin,
        default=[],
        metavar="URL",
        help="origins whose pages may use the service, such as https://example.org, and other names of the service "
        "itself",
    )
    add(
        "--warm_up",
        nargs="*",
        type=_size,
        default=COMMON_SIZES,
        metavar="WxH",
        help="picture sizes to compile programs for at the start (default: "
        f"{' '.join(f'{w}x{h}' for h, w in COMMON_SIZES)}; without a value: none)",
    )
    add("--dtype", choices=common.DTYPES, default="float32", help="arithmetic of the networks")
    add("--compilation_cache", metavar="DIR", help=compilation_cache.HELP)
    return parser


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[^/?#\s]+", text):
        raise argparse.ArgumentTypeError(f"{text} is not an origin; write it like https://example.org:8443")
    return text.lower()


def _size(text: str) -> Size:
    if not re.fullmatch(r"[1-9]\d{0,5}x[1-9]\d{0,5}", text):
        raise argparse.ArgumentTypeError(f"{text} is not a size; write it like 512x384")
    width, height = text.split("x")
    return int(height), int(width)


if __name__ == "__main__":
    sys.exit(main())
