"""The rules of its options."""

from collections.abc import Iterator

from edgeconnect_jax.configuration.rules import COUNT, NOT_NEGATIVE, Rules
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.host.options import DTYPES


def _test_files(config: Config, trained: frozenset[str]) -> Iterator[str]:
    if config.train.mode == "test" and not config.exemplars.test:
        yield 'exemplars.test is empty, but train.mode="test" reads exemplars: name a folder or a file list'


RULES = Rules(
    choices={"task.name": ("paint",), "task.dtype": DTYPES},
    ranges={"task.features": COUNT, "task.classes": COUNT, "task.warm_up": NOT_NEGATIVE},
    checks=(_test_files,),
    trains=lambda config: frozenset({"palette", "painter"}),
    fixed=("task.features", "task.classes", "task.warm_up"),
)
