"""Runs commands of the pages in this process, as a user would run them, but on small networks."""

import contextlib
import importlib
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence

import requests
from absl import flags

from edgeconnect_jax.serving.settings import Settings
from tests.serving import services

ADDRESS = "http://127.0.0.1:8080"  # where the pages say that the service is

# Whatever a page trains, the tests train a step of narrow networks on 32 x 32 pixels.
SMALL_RUN = (
    *("--config.train.steps=1", "--config.train.batch_size=2", "--config.train.devices=0,"),
    *("--config.data.image_size=32", "--config.task.features=4", "--config.eval.repeats=1"),
)
# And all of them with the same program for a stage, so that each is compiled once.
SMALL_EDGECONNECT = (
    *("--config.task.residual_blocks=1", "--config.losses.content=0", "--config.losses.style=0"),
    *("--config.losses.adversarial=0.1", "--config.train.ema_decay=0", "--config.eval.report=False"),
    *("--config.optimizer.learning_rate=1e-4", "--config.optimizer.beta1=0.5"),
    *("--config.optimizer.beta2=0.9", "--config.optimizer.decay_start=0", "--config.optimizer.decay_end=0"),
    *("--config.optimizer.schedule=constant", "--config.optimizer.boundaries=()"),
)
DATA = ("--config.data.train=photos/train", "--config.data.validation=photos/val")  # in place of TFDS
# What makes a command small; of options that are given twice the last counts.
_SMALL: Mapping[str, Sequence[str]] = {
    "main.py": SMALL_RUN,
    "scripts/prepare_data.py": ("--image_size", "32", "--workers", "0"),
    "edgeconnect_jax.serve": ("--port", "0", "--warm_up"),
}


def run_main(arguments: Sequence[str]) -> int:
    """The exit status of main.py."""
    import main

    flags.FLAGS.unparse_flags()
    for name in [name for name in flags.FLAGS if name.startswith("config.")]:  # overrides of the last command
        delattr(flags.FLAGS, name)
    sys.argv = ["main.py", *arguments]  # where the flag of a config looks for overrides
    with warnings.catch_warnings():  # of how ml_collections loads a config
        warnings.simplefilter("ignore", DeprecationWarning)
        rest = main._parse_flags(sys.argv)
    return main.main(rest)


def program_of(words: Sequence[str]) -> tuple[str, list[str]]:
    """The file or module that `python ...` runs, and its arguments; ("", words) for other programs."""
    if words[0].removeprefix(".venv/bin/") != "python":
        return "", list(words)
    start = 2 if words[1] == "-m" else 1
    return words[start], list(words[start + 1 :])


def run(program: str, arguments: Sequence[str]) -> None:
    """Runs a command of the repository, made small; fails unless it succeeds."""
    arguments = [*arguments, *_SMALL.get(program, ())]
    if program == "main.py":
        if not any("recolor" in word for word in arguments):
            arguments += SMALL_EDGECONNECT
        if any("places2" in word for word in arguments):
            arguments += [option for option in DATA if not any(option.split("=")[0] in word for word in arguments)]
        # Of four stages the first alone.
        status = run_main([re.sub(r"(configs/edgeconnect/(places2|bsds500)\.py)$", r"\1:edge", x) for x in arguments])
    elif program == "edgeconnect_jax.serve":
        with _asked_and_ended():
            status = _command(program)(arguments)
    else:
        status = _command(program)(arguments)
    assert status in (0, None), f"{program} {' '.join(arguments)} ended with {status}"


def _command(program: str) -> Callable[[Sequence[str]], int | None]:
    return importlib.import_module(program.removesuffix(".py").replace("/", ".")).main


@contextlib.contextmanager
def _asked_and_ended() -> Iterator[None]:
    """Has uvicorn serve until it has answered once."""
    import uvicorn

    run = uvicorn.Server.run

    def once(self: uvicorn.Server, sockets) -> None:
        thread = threading.Thread(target=run, args=(self, sockets))
        thread.start()
        try:
            assert requests.get(f"http://127.0.0.1:{sockets[0].getsockname()[1]}/healthz", timeout=60).ok
        finally:
            while not self.started and thread.is_alive():
                time.sleep(0.01)
            self.should_exit = True
            thread.join(60)

    uvicorn.Server.run = once
    try:
        yield
    finally:
        uvicorn.Server.run = run


@contextlib.contextmanager
def served(checkpoint: str) -> Iterator[str]:
    """The address of a service, on a free port."""
    from edgeconnect_jax import serve

    settings = Settings(max_pixels=128 * 128, queue=8, warm_up=())
    with services.running(serve._pages([checkpoint], "float32"), settings) as service:
        yield service.url


class Parsed(Exception):
    """A command read its options without complaint."""


def parse_only(program: str, arguments: Sequence[str]) -> None:
    """Has a command read its options, and do nothing else; fails if it does not take them."""
    import argparse

    parse = argparse.ArgumentParser.parse_args

    def parsed(self, args=None, namespace=None):
        parse(self, args, namespace)
        raise Parsed

    argparse.ArgumentParser.parse_args = parsed
    try:
        with contextlib.suppress(Parsed):
            _command(program)(list(arguments))
            raise AssertionError(f"{program} read no options")
    finally:
        argparse.ArgumentParser.parse_args = parse
