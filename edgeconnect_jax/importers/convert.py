"""From the original's files, torchvision's VGG19 and the networks that metrics need, to one checkpoint."""

import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.importers import backbones, torch_files
from edgeconnect_jax.importers.layouts import FILES, SUFFIX
from edgeconnect_jax.importers.shapes import ORIGINAL_SIZES
from edgeconnect_jax.importers.state_dicts import Reading, StateDictError, read_network

_VGG19 = "vgg19"
ORIGINAL = frozenset(FILES) - {_VGG19}  # the networks that the original trains

Paths = tuple[pathlib.Path, ...]

_LPIPS_FILES = {
    "lpips_alex": "alex.pth of the package lpips and torchvision's alexnet-owt-7be5be79.pth",
    "lpips_vgg": "vgg.pth of the package lpips and torchvision's vgg16-397923af.pth",
}


class Sources(NamedTuple):
    """What is to be read.

    Attributes:
        folder: where the original's files are looked for, by their names.
        vgg19: torchvision's file.
        inception: files of InceptionV3, at most one of each kind; which is which is told from what they hold.
        lpips_alex: heads and backbone, in either order, or one file with both.
        lpips_vgg: the same.
        residual_blocks: of the original's generators, see `read_network`.
    """

    folder: pathlib.Path | None = None
    vgg19: pathlib.Path | None = None
    inception: Paths = ()
    lpips_alex: Paths = ()
    lpips_vgg: Paths = ()
    residual_blocks: int | None = None


class Conversion(NamedTuple):
    """What was read.

    Attributes:
        readings: network -> what was read of it.
        files: network -> the file that it was in; of LPIPS perhaps two.
        others: files of PyTorch beside them that were not read.
    """

    readings: dict[str, Reading]
    files: dict[str, Paths]
    others: tuple[pathlib.Path, ...]

    @property
    def steps(self) -> dict[str, int]:
        """network -> the iteration that it had reached; a discriminator's is its generator's; 0 where none is known."""
        known = {network: reading.iteration for network, reading in self.readings.items()}
        generators = {network: network.replace("discriminator", "generator") for network in known}
        return {network: known[network] or known.get(generators[network]) or 0 for network in known}


def find(sources: Sources) -> list[tuple[str, Paths]]:
    """The networks to read, each with its file or, of LPIPS, two; the network of every InceptionV3 is "inception".

    Raises:
        ValueError: the folder is none, or there is nothing to read.
    """
    found: list[tuple[str, Paths]] = [(network, (path,)) for network, path in _originals(sources.folder).items()]
    found += [(_VGG19, (sources.vgg19,))] if sources.vgg19 is not None else []
    found += [("inception", (path,)) for path in sources.inception]
    for network, files in _LPIPS_FILES.items():
        paths: Paths = getattr(sources, network)
        if len(paths) > 2:
            raise ValueError(f"--{network} takes two files ({files}) or one that holds both, here are {len(paths)}")
        found += [(network, paths)] if paths else []
    if found:
        return found
    if sources.folder is None:
        raise ValueError(
            "nothing to convert: name a folder with the original's files, torchvision's VGG19, a network that a "
            "metric needs, or several of these"
        )
    raise ValueError(_nothing_in(sources.folder))


def _originals(folder: pathlib.Path | None) -> dict[str, pathlib.Path]:
    """The original's files that are in a folder: network -> path."""
    if folder is None:
        return {}
    if not folder.is_dir():
        raise ValueError(f"{folder}: {'a file, not a folder' if folder.exists() else 'no such folder'}")
    places = {network: folder / (FILES[network] + SUFFIX) for network in FILES if network in ORIGINAL}
    return {network: path for network, path in places.items() if path.exists() or path.is_symlink()}


def _nothing_in(folder: pathlib.Path) -> str:
    names = [FILES[network] + SUFFIX for network in FILES if network in ORIGINAL]
    below = sorted({str(path.parent) for name in names for path in folder.glob(f"*/{name}")})
    others = sorted(path.name for path in folder.glob(f"*{SUFFIX}"))
    hint = f"; it holds {', '.join(others)}" if others else ""
    hint = f"; there are some in {', '.join(below)}" if below else hint
    return f"{folder}: none of {', '.join(names)} is here{hint}"


def read(sources: Sources) -> Conversion:
    """Reads all files that `find` finds.

    Raises:
        ValueError: as `find` does; or lists everything that is wrong with any of the files.
        ModuleNotFoundError: PyTorch is not installed.
    """
    readings: dict[str, Reading] = {}
    files: dict[str, Paths] = {}
    problems = []
    for asked, paths in find(sources):
        contents, wrong = _load(paths)
        problems += wrong
        if wrong:
            continue
        try:
            network, content = _recognise(asked, contents, files)
            files[network] = paths
            readings[network] = read_network(network, content, sources.residual_blocks)
        except StateDictError as error:
            problems += [f"{_names(paths)}: {problem}" for problem in error.problems]
            if asked in _LPIPS_FILES and len(paths) == 1:
                problems.append(f"(--{asked} takes two files, {_LPIPS_FILES[asked]}, or one that holds both)")
    if problems:
        raise ValueError("nothing was written, for these files do not fit:\n" + "\n".join(problems))
    beside = sorted(sources.folder.glob(f"*{SUFFIX}")) if sources.folder else []
    taken = {path for paths in files.values() for path in paths}
    return Conversion(readings, files, tuple(path for path in beside if path not in taken))


def _names(paths: Paths) -> str:
    return " + ".join(map(str, paths))


def _load(paths: Paths) -> tuple[list[Any], list[str]]:
    """What the files hold, and what is wrong with those that cannot be read."""
    contents, problems = [], []
    for path in paths:
        try:
            contents.append(torch_files.load(path))
        except (ValueError, OSError) as error:
            problems.append(str(error))
    return contents, problems


def _recognise(asked: str, contents: list[Any], known: Mapping[str, Paths]) -> tuple[str, Any]:
    """The network that files hold, and what they hold together; raises StateDictError."""
    odd = [type(content).__name__ for content in contents if not isinstance(content, Mapping)]
    if odd and (asked == "inception" or len(contents) > 1):
        raise StateDictError([f"holds a {kind}, not a state dict" for kind in odd])
    content = contents[0]
    for more in contents[1:]:
        both = sorted(map(str, content.keys() & more.keys()))
        if both:
            raise StateDictError([f"{key} is in both" for key in both])
        content = {**content, **more}
    if asked != "inception":
        return asked, content
    network = backbones.which_inception(content)
    if network is None:
        raise StateDictError(["not known as an InceptionV3: its fc.weight has neither 1008 rows (TF-ported) nor 1000 "
                              "(torchvision)"])  # fmt: skip
    if network in known:
        raise StateDictError([f"a second {network}, after {_names(known[network])}"])
    return network, content


def check_output(output: pathlib.Path) -> None:
    """Raises ValueError where something is at `output` already, an empty folder excepted, or nothing can be."""
    if output.is_symlink():
        raise ValueError(f"{output}: a link; name the folder itself")
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise ValueError(f"{output}: there already; choose a new folder, or remove this one")
    parent = next(folder for folder in output.absolute().parents if folder.exists())
    if not parent.is_dir():
        raise ValueError(f"{output}: {parent} is a file, not a folder")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise ValueError(f"{output}: nothing can be written to {parent}")


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
