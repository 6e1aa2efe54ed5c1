"""Trains, measures or tests the stages of a configuration.

python main.py --config configs/places2_edge.py --workdir DIR [--config.train.steps=1000 ...]
"""

import pathlib
import traceback
from typing import Any

from absl import app, flags, logging
from ml_collections import config_flags

from edgeconnect_jax import compilation_cache, configuration
from edgeconnect_jax.endings import Ended

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "Configuration; configs/default.py lists the options.", lock_config=True
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Where checkpoints, metrics and samples go, and where a run goes on.")
_COMPILATION_CACHE = flags.DEFINE_string("compilation_cache", None, compilation_cache.HELP)


def main(arguments: list[str]) -> None:
    if len(arguments) > 1:
        raise app.UsageError(f"unexpected arguments: {' '.join(arguments[1:])}")
    logging.set_verbosity(logging.WARNING)  # Orbax tells much at INFO
    config = _CONFIG.value
    assert _WORKDIR.value is not None  # marked as required below
    try:
        configuration.prefer(config, config_flags.get_override_values(flags.FLAGS["config"]))
        configuration.validate(config)
        _run(config, pathlib.Path(_WORKDIR.value))
    except Ended as end:
        logging.error("%s", end)
        raise SystemExit(end.status) from None
    except ValueError as error:
        if not _is_refusal(error):
            raise
        logging.error("%s", error)
        raise SystemExit(2) from None


def _run(config: Any, workdir: pathlib.Path) -> None:
    # Imported here, so that a faulty configuration is told at once.
    from edgeconnect_jax.inference.test_set import fill_test_set
    from edgeconnect_jax.training.loop import measure, train

    compilation_cache.enable(_COMPILATION_CACHE.value)
    {"train": train, "eval": measure, "test": fill_test_set}[config.train.mode](config, workdir)


def _is_refusal(error: ValueError) -> bool:
    """Whether a `raise` of this package made the error: it says what to mend. Any other is a bug to be traced."""
    origin = traceback.extract_tb(error.__traceback__)[-1]
    package = pathlib.Path(configuration.__file__).parent
    return package in pathlib.Path(origin.filename).parents and (origin.line or "").startswith("raise ")


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main)
