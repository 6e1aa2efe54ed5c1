"""Trains, measures or tests the stages of a configuration.

python main.py --config configs/places2_edge.py --workdir DIR [--config.train.steps=1000 ...]
"""

import pathlib
import re

from absl import app, flags, logging
from ml_collections import config_flags

from configs import files
from edgeconnect_jax import systems
from edgeconnect_jax.configuration import rules
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.data.prepared import format
from edgeconnect_jax.host import compilation_cache, errors
from edgeconnect_jax.parallel import processes

_CONFIG = config_flags.DEFINE_config_file(
    "config",
    None,
    "Configuration, FILE.py or FILE.py:STAGE; configs/default.py and configs/SYSTEM/default.py list the options.",
    lock_config=True,
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder for checkpoints, metrics and samples; an existing run there is resumed."
)
_COMPILATION_CACHE = flags.DEFINE_string("compilation_cache", None, compilation_cache.HELP)
_ADDRESS = flags.DEFINE_string("coordinator_address", None, "Several processes: HOST:PORT of process 0.")
_COUNT = flags.DEFINE_integer("num_processes", None, "Number of processes; 1 = only this one, whatever launched it.")
_INDEX = flags.DEFINE_integer("process_id", None, "Number of this process, from 0.")
_WITHIN = flags.DEFINE_integer("start_within", None, processes.START_WITHIN_HELP, lower_bound=1)

_NAME = "main.py"


def main(arguments: list[str]) -> int:
    if len(arguments) > 1:
        raise app.UsageError(f"unexpected arguments: {' '.join(arguments[1:])}")
    logging.set_verbosity(logging.WARNING)  # Orbax logs a lot at INFO
    return errors.run_command(_NAME, _start, refusals=(ValueError,), expected=errors.raised_here)


def _start() -> None:
    """Runs alone or with other processes, which learn from the exit status how this one ended."""
    start = processes.start_of(_ADDRESS.value, _COUNT.value, _INDEX.value, _WITHIN.value)
    if start and _CONFIG.value.train.mode == "test":
        raise app.UsageError("--config.train.mode=test uses one process: add --num_processes=1 and start it once")
    assert _WORKDIR.value is not None  # marked as required below
    workdir = pathlib.Path(_WORKDIR.value)
    with processes.together(start):
        status = errors.run_command(
            _NAME, lambda: _run(_CONFIG.value, workdir), refusals=(ValueError,), expected=errors.raised_here
        )
        if status:
            raise SystemExit(status)


def _run(config: Config, workdir: pathlib.Path) -> None:
    configuration.prefer(config, config_flags.get_override_values(flags.FLAGS["config"]))
    if "system" not in config:
        raise ValueError("config.system is missing: start from the default.py of a system, configs/SYSTEM/default.py")
    system = systems.load(config.system, "config.system")
    configuration.validate(config, system.rules, system.reader)
    # Imported here so that an invalid configuration is reported at once.
    from edgeconnect_jax.inference import folder
    from edgeconnect_jax.training.loop import measure, train

    compilation_cache.enable(_COMPILATION_CACHE.value)
    _compute_maps(config, system)
    if config.train.mode == "train":
        train(config, workdir, system.tasks, system.reader, system.rules.fixed)
    elif config.train.mode == "eval":
        measure(config, workdir, system.tasks, system.reader)
    else:
        print(folder.test(system.files, config, workdir))


def _compute_maps(config: Config, system: systems.System) -> None:
    """Has the system compute the maps that its reader finds but cannot compute, of all sets of all stages."""
    done = set()
    for _, stage in configuration.stage_configs(config):
        options = system.reader.options(stage)
        for role in sorted({"train", "validation"} & rules.splits(stage)):
            unprepared = not format.is_prepared(stage.data[role])
            if (stage.data[role], options) in done or not (unprepared and system.reader.needs_maps(options)):
                continue
            done.add((stage.data[role], options))
            assert system.maps is not None
            system.maps(pipeline.open_files(stage, system.reader, role), stage.data.skip_bad)


def _parse_flags(arguments: list[str]) -> list[str]:
    """Parses the command line; if a config file cannot be loaded, exits with one message."""
    given = [re.fullmatch(r"--?config(?:=(.*))?", argument) for argument in arguments]
    for index, match in enumerate(given):
        spec = match and (match[1] if match[1] is not None else "".join(arguments[index + 1 : index + 2]))
        if spec and (wrong := files.problem(spec)):
            errors.report(_NAME, wrong)
            raise SystemExit(errors.FAILED)
    return app.parse_flags_with_usage(arguments)


if __name__ == "__main__":
    flags.mark_flags_as_required(["config", "workdir"])
    app.run(main, flags_parser=_parse_flags)
