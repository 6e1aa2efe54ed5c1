"""From the original's files, and torchvision's VGG19, to one checkpoint."""

import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import NamedTuple

from edgeconnect_jax import checkpoints
from edgeconnect_jax.importers import torch_files
from edgeconnect_jax.importers.sizes import ORIGINAL_SIZES
from edgeconnect_jax.importers.state_dicts import Reading, StateDictError, read_network
from edgeconnect_jax.importers.torch import FILES

_SUFFIX = ".pth"


class Conversion(NamedTuple):
    """What was read.

    Attributes:
        readings: network -> what was read of it.
        files: network -> the file that it was in.
        others: files of PyTorch beside them that were not read.
    """

    readings: dict[str, Reading]
    files: dict[str, pathlib.Path]
    others: tuple[pathlib.Path, ...]

    @property
    def steps(self) -> dict[str, int]:
        """network -> the iteration that it had reached; a discriminator's is its generator's; 0 where none is known."""
        known = {network: reading.iteration for network, reading in self.readings.items()}
        generators = {network: network.replace("discriminator", "generator") for network in known}
        return {network: known[network] or known.get(generators[network]) or 0 for network in known}


def find(folder: pathlib.Path | None, vgg19: pathlib.Path | None) -> dict[str, pathlib.Path]:
    """The files to read: network -> path.

    Args:
        folder: where the original's files are looked for, by their names.
        vgg19: torchvision's file.

    Raises:
        ValueError: the folder is none, or there is nothing to read.
    """
    if folder is not None and not folder.is_dir():
        raise ValueError(f"{folder}: {'a file, not a folder' if folder.exists() else 'no such folder'}")
    names = {network: FILES[network] + _SUFFIX for network in FILES if network != "vgg19"}
    places = {network: folder / name for network, name in names.items()} if folder else {}
    found = {network: path for network, path in places.items() if path.exists()}
    if vgg19 is not None:
        found["vgg19"] = vgg19
    if found:
        return found
    if folder is None:
        raise ValueError("nothing to convert: name a folder with the original's files, torchvision's VGG19, or both")
    below = sorted({str(path.parent) for name in names.values() for path in folder.glob(f"*/{name}")})
    others = sorted(path.name for path in folder.glob(f"*{_SUFFIX}"))
    hint = f"; it holds {', '.join(others)}" if others else ""
    hint = f"; there are some in {', '.join(below)}" if below else hint
    raise ValueError(f"{folder}: none of {', '.join(names.values())} is here{hint}")


def read(folder: pathlib.Path | None, vgg19: pathlib.Path | None = None) -> Conversion:
    """Reads all files that `find` finds.

    Raises:
        ValueError: as `find` does; or lists everything that is wrong with any of the files.
        ModuleNotFoundError: PyTorch is not installed.
    """
    files = find(folder, vgg19)
    readings, problems = {}, []
    for network, path in files.items():
        try:
            readings[network] = read_network(network, torch_files.load(path))
        except StateDictError as error:
            problems += [f"{path}: {problem}" for problem in error.problems]
        except (ValueError, OSError) as error:
            problems.append(str(error))
    if problems:
        raise ValueError("nothing was written, for these files do not fit:\n" + "\n".join(problems))
    beside = sorted(folder.glob(f"*{_SUFFIX}")) if folder else []
    return Conversion(readings, files, tuple(path for path in beside if path not in files.values()))


def check_output(output: pathlib.Path) -> None:
    """Raises ValueError where something is at `output` already, an empty folder excepted."""
    if output.is_dir() and not any(output.iterdir()):
        return
    if output.exists():
        raise ValueError(f"{output}: there already; choose a new folder, or remove this one")


def write(conversion: Conversion, output: pathlib.Path) -> None:
    """Writes the checkpoint: a folder that appears when it is whole.

    Raises:
        ValueError: as `check_output` does.
    """
    check_output(output)
    output = output.absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    readings = conversion.readings
    try:
        checkpoints.save_weights(
            part,
            {network: reading.variables for network, reading in readings.items()},
            {network: reading.sizes for network, reading in readings.items()},
            max(conversion.steps.values()),
            conversion.steps,
        )
        os.replace(part, output)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def training_options(sizes: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The options that main.py needs to start from networks of these sizes.

    Args:
        sizes: network -> its sizes.

    Raises:
        ValueError: their sizes differ, and main.py builds all networks of a run in one width and depth.
    """
    options = []
    for name in ("features", "residual_blocks"):
        values = {network: of[name] for network, of in sizes.items() if name in of}
        usual = {network: ORIGINAL_SIZES[network][name] for network in values}
        if len(set(values.values())) > 1:
            listed = ", ".join(f"{value} of {network}" for network, value in values.items())
            raise ValueError(f"task.{name} is one number for all networks of a stage, and here it is {listed}")
        if values != usual:
            options.append(f"--config.task.{name}={next(iter(values.values()))}")
    return options
