"""Trains, measures or tests the stages of a configuration.

python main.py --config configs/places2_edge.py --workdir DIR [--config.train.steps=1000 ...]
"""

import pathlib
from typing import Any

from absl import app, flags, logging
from ml_collections import config_flags

from edgeconnect_jax import configuration

_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "Configuration; configs/default.py lists the options.", lock_config=True
)
_WORKDIR = flags.DEFINE_string("workdir", None, "Where checkpoints, metrics and samples go, and where a run goes on.")


def main(arguments: list[str]) -> None:
    if len(arguments) > 1:
        raise app.UsageError(f"unexpected arguments: {' '.join(arguments[1:])}")
    logging.set_verbosity(logging.WARNING)  # Orbax tells much at INFO
    config, workdir = _CONFIG.value, pathlib.Path(_WORKDIR.value or ".")
    try:
        configuration.validate(config)
        _run(config, workdir)
    except ValueError as error:
        logging.error("%s", error)
        raise SystemExit(2) from None


def _run(config: Any, workdir: pathlib.Path) -> None:
    # Imported here, so that a faulty configuration is told at once.
    from edgeconnect_jax.inference.test_set import fill_test_set
    from edgeconnect_jax.training.loop import measure, train

    {"train": train, "eval": measure, "test": fill_test_set}[config.train.mode](config, workdir)


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main)
