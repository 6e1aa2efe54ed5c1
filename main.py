"""Trains, measures or tests the stages of a configuration.

python main.py --config configs/places2_edge.py --workdir DIR [--config.train.steps=1000 ...]
"""

import contextlib
import pathlib
import traceback
from collections.abc import Iterator
from typing import Any

from absl import app, flags, logging
from ml_collections import config_flags

import edgeconnect_jax
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.host import compilation_cache
from edgeconnect_jax.host.errors import Ended
from edgeconnect_jax.parallel import processes

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "Configuration; configs/default.py lists the options.", lock_config=True
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Where checkpoints, metrics and samples go, and where a run goes on.")
_COMPILATION_CACHE = flags.DEFINE_string("compilation_cache", None, compilation_cache.HELP)
_ADDRESS = flags.DEFINE_string("coordinator_address", None, "Several processes: HOST:PORT of process 0.")
_COUNT = flags.DEFINE_integer("num_processes", None, "How many; 1 = this one alone, whatever started it.")
_INDEX = flags.DEFINE_integer("process_id", None, "Which this one is, from 0.")
_WITHIN = flags.DEFINE_integer("start_within", None, processes.START_WITHIN_HELP, lower_bound=1)


_FIXED = ("task.features", "task.residual_blocks", "task.edge_discriminator", "losses.pool_size")


def main(arguments: list[str]) -> None:
    if len(arguments) > 1:
        raise app.UsageError(f"unexpected arguments: {' '.join(arguments[1:])}")
    logging.set_verbosity(logging.WARNING)  # Orbax tells much at INFO
    assert _WORKDIR.value is not None  # marked as required below
    with _refusals_told():
        start = processes.start_of(_ADDRESS.value, _COUNT.value, _INDEX.value, _WITHIN.value)
        if start and _CONFIG.value.train.mode == "test":
            raise app.UsageError(
                "--config.train.mode=test fills with one process: add --num_processes=1, start it once"
            )
        with processes.together(start), _refusals_told():
            _run(_CONFIG.value, pathlib.Path(_WORKDIR.value))


def _run(config: Any, workdir: pathlib.Path) -> None:
    configuration.prefer(config, config_flags.get_override_values(flags.FLAGS["config"]))
    configuration.validate(config)
    # Imported here, so that a faulty configuration is told at once.
    from edgeconnect_jax.systems.edgeconnect.data import READER
    from edgeconnect_jax.systems.edgeconnect.files import fill_test_set
    from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
    from edgeconnect_jax.training.loop import measure, train

    compilation_cache.enable(_COMPILATION_CACHE.value)
    if config.train.mode == "train":
        train(config, workdir, TASKS, READER, _FIXED)
    elif config.train.mode == "eval":
        measure(config, workdir, TASKS, READER)
    else:
        fill_test_set(config, workdir)


@contextlib.contextmanager
def _refusals_told() -> Iterator[None]:
    """Ends with a status and a message, instead of a traceback, where the package ends early or refuses to go on."""
    try:
        yield
    except Ended as end:
        logging.error("%s", end)
        raise SystemExit(end.status) from None
    except ValueError as error:
        if not _is_refusal(error):
            raise
        logging.error("%s", error)
        raise SystemExit(2) from None


def _is_refusal(error: ValueError) -> bool:
    """Whether a `raise` of this package made the error: it says what to mend. Any other is a bug to be traced."""
    origin = traceback.extract_tb(error.__traceback__)[-1]
    package = pathlib.Path(edgeconnect_jax.__file__).parent
    return package in pathlib.Path(origin.filename).parents and (origin.line or "").startswith("raise ")


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main)
