"""The editor in a browser, and the service behind it.

python -m edgeconnect_jax.serve --checkpoint C
"""

import argparse
import importlib.util
import re
import socket
import sys
from collections.abc import Sequence

from edgeconnect_jax.host import compilation_cache
from edgeconnect_jax.host import options as common
from edgeconnect_jax.serving.settings import COMMON_SIZES, DEFAULT_MAX_PIXELS, DEFAULT_QUEUE, Settings
from edgeconnect_jax.systems.edgeconnect.inference import DTYPES

_DESCRIPTION = """\
Serves the editor: a page on which the predicted lines of a hole are seen and changed before it is filled, and the
HTTP service behind it, which programs can use as well. Ctrl-C ends it.
"""
_NEEDED = {"fastapi": "FastAPI", "uvicorn": "uvicorn", "python_multipart": "python-multipart"}
_GOODBYE_SECONDS = 3  # that answers under way may take after Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
      arguments: of the command line; None = those of this process.

    Returns:
      The exit status: 0 after Ctrl-C, or 2 after a message on stderr that says what is wrong.
    """
    options = _parser().parse_args(arguments)
    missing = [name for module, name in _NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        return _fail(f"{', '.join(missing)} not installed; pip install -e '.[serve]'")
    try:
        # Before the networks are loaded, so that a port in use is told at once.
        with _listen(options.host, options.port) as listening:
            return _serve(options, listening)
    except (ValueError, OSError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return 0


def _serve(options: argparse.Namespace, listening: socket.socket) -> int:
    import uvicorn

    from edgeconnect_jax.serving import app

    settings = Settings(options.max_pixels, options.queue, tuple(options.allow_origin), tuple(options.warm_up))
    compilation_cache.enable(options.compilation_cache)
    model = app.load_model(options.checkpoint, options.dtype)
    config = uvicorn.Config(
        app.create(model, settings),
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
    )
    print(f"The editor is at http://{_address(options.host, listening)} (Ctrl-C ends it)", flush=True)
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 = one that is free."""
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
    add("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine alone)")
    add("--port", type=_port, default=8080, help="0 = any that is free (default: 8080)")
    add(
        "--max_pixels",
        type=_positive,
        default=DEFAULT_MAX_PIXELS,
        metavar="N",
        help=f"larger pictures are refused (default: {DEFAULT_MAX_PIXELS})",
    )
    add(
        "--queue",
        type=_positive,
        default=DEFAULT_QUEUE,
        metavar="N",
        help=f"requests that may wait or be computed at once; more are answered 503 (default: {DEFAULT_QUEUE})",
    )
    add(
        "--allow_origin",
        nargs="+",
        type=_origin,
        default=[],
        metavar="URL",
        help="origins whose pages may use the service, such as https://example.org; also names under which it is "
        "reached itself",
    )
    add(
        "--warm_up",
        nargs="*",
        type=_size,
        default=COMMON_SIZES,
        metavar="WxH",
        help="sizes of pictures to compile for at the start (default: "
        f"{' '.join(f'{w}x{h}' for h, w in COMMON_SIZES)}; without a value: none)",
    )
    add("--dtype", choices=DTYPES, default="float32", help="arithmetic of the networks")
    add("--compilation_cache", metavar="DIR", help=compilation_cache.HELP)
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not in 0 to 65535")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number over 0")
    return int(text)


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[^/?#\s]+", text):
        raise argparse.ArgumentTypeError(f"{text} is no origin; write it like https://example.org:8443")
    return text.lower()


def _size(text: str) -> tuple[int, int]:
    if not re.fullmatch(r"[1-9]\d{0,5}x[1-9]\d{0,5}", text):
        raise argparse.ArgumentTypeError(f"{text} is no size; write it like 512x384")
    width, height = text.split("x")
    return int(height), int(width)


def _fail(message: str) -> int:
    print(f"serve: error: {message}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
