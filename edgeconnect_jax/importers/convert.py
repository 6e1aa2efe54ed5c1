"""From files of published weights to one checkpoint."""

import contextlib
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.host.files import replaced
from edgeconnect_jax.importers.archives import Archive, Paths
from edgeconnect_jax.importers.drafts import StateDictError
from edgeconnect_jax.importers.published import Published
from edgeconnect_jax.importers.state_dicts import Reading, networks_in, read_network
from edgeconnect_jax.models.network import Network, Sizes


class Conversion(NamedTuple):
    """What was read.

    Attributes:
        readings: network -> what was read of it.
        sources: network -> where it was read.
    """

    readings: dict[str, Reading]
    sources: dict[str, Archive]

    @property
    def steps(self) -> dict[str, int]:
        """Network -> the iteration that it had reached; 0 where none is known."""
        known = {network: reading.iteration for network, reading in self.readings.items()}
        holders = {network: source.published.iteration_in.get(network, "") for network, source in self.sources.items()}
        return {network: known[network] or known.get(holders[network]) or 0 for network in known}

    @property
    def sizes(self) -> dict[str, Sizes]:
        """Network -> its sizes."""
        return {network: reading.sizes for network, reading in self.readings.items()}

    @property
    def files(self) -> set[pathlib.Path]:
        """All files that were read."""
        return {path for source in self.sources.values() for path in source.paths}

    def networks_of(self, published: Published) -> list[str]:
        """The networks that were read from a format."""
        return [network for network, source in self.sources.items() if source.published is published]


def names(paths: Paths) -> str:
    """Paths as text."""
    return " + ".join(map(str, paths))


def read(sources: Sequence[Archive], networks: Mapping[str, Network], sizes: Mapping[str, Any]) -> Conversion:
    """Reads files.

    Args:
        sources: at least one.
        networks: name -> row of each network that they may hold.
        sizes: those that the user gave, of `Published.options`.

    Raises:
        ValueError: lists everything that is wrong with any of the files.
        ModuleNotFoundError: what reads a format is not installed.
    """
    conversion = Conversion({}, {})
    known: dict[str, Paths] = {}
    problems = []
    for source in sources:
        try:
            readings = _read(source, networks, sizes, known)
            conversion.readings.update(readings)
            conversion.sources.update(dict.fromkeys(readings, source))
        except StateDictError as error:
            problems += error.problems
    if problems:
        raise ValueError("nothing was written, because these files cannot be converted:\n" + "\n".join(problems))
    return conversion


def _read(
    source: Archive, networks: Mapping[str, Network], sizes: Mapping[str, Any], known: dict[str, Paths]
) -> dict[str, Reading]:
    """The networks of a source, which are added to those `known` with their files.

    Raises:
        StateDictError: its problems name the files.
    """
    contents = _load(source)
    readings, problems = {}, []
    with _named(source.paths):
        content = contents[0] if len(contents) == 1 else _merged(contents)
        found = networks_in(source.published, source.networks, content)
        for name in found:
            if name in known:
                problems.append(f"a second {name}, after {names(known[name])}")
                continue
            known[name] = source.paths
            try:
                readings[name] = read_network(source.published, name, networks[name], content, sizes, among=found)
            except StateDictError as error:
                problems += error.problems
        if problems:
            raise StateDictError(list(dict.fromkeys(problems)))  # networks of one file report some of them alike
    return readings


@contextlib.contextmanager
def _named(paths: Paths) -> Iterator[None]:
    """Puts the names of files before each problem."""
    try:
        yield
    except StateDictError as error:
        raise StateDictError([f"{names(paths)}: {problem}" for problem in error.problems]) from error


def _load(source: Archive) -> list[Any]:
    """What each file of a source holds."""
    contents, problems = [], []
    for path in source.paths:
        try:
            contents.append(source.published.load(path))
        except (ValueError, OSError) as error:
            problems.append(str(error))
    if problems:
        raise StateDictError(problems)
    return contents


def _merged(contents: Sequence[Any]) -> dict[str, Any]:
    """The state dict of which each file holds a part."""
    problems = [f"holds a {type(x).__name__}, not a state dict" for x in contents if not isinstance(x, Mapping)]
    merged: dict[str, Any] = {}
    for content in () if problems else contents:
        problems += [f"{key} is in both" for key in sorted(map(str, merged.keys() & content.keys()))]
        merged |= content
    if problems:
        raise StateDictError(problems)
    return merged


def check_output(output: pathlib.Path) -> None:
    """Raises ValueError where `output` exists, an empty folder excepted, or cannot be written."""
    if output.is_symlink():
        raise ValueError(f"{output}: a link; name the folder itself")
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise ValueError(f"{output}: it already exists; choose a new folder, or remove this one")
    parent = next(folder for folder in output.absolute().parents if folder.exists())
    if not parent.is_dir():
        raise ValueError(f"{output}: {parent} is a file, not a folder")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise ValueError(f"{output}: {parent} is not writable")


def write(conversion: Conversion, output: pathlib.Path, system: str) -> None:
    """Writes the checkpoint: a folder that appears when it is whole.

    Args:
        conversion: what was read.
        output: the folder.
        system: that the networks belong to; empty = none, they are backbones.

    Raises:
        ValueError: as `check_output` does.
    """
    check_output(output)
    output = output.absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    variables = {network: reading.variables for network, reading in conversion.readings.items()}
    steps = conversion.steps
    with replaced(output) as part:
        checkpoints.save_weights(
            *(part, variables, conversion.sizes, max(steps.values()), steps),
            system=system,
            published={network: _published(conversion, network) for network in variables},
        )


def _published(conversion: Conversion, network: str) -> dict[str, Any]:
    """Where a network was read, as `meta` tells it: files, hash of the weights, and what is known of their origin."""
    archive, variables = conversion.sources[network], conversion.readings[network].variables
    about = {"files": [path.name for path in archive.paths], "sha256": checkpoints.fingerprint(variables)}
    known = {"licence": archive.published.licence, "source": archive.published.source}
    return about | {name: text for name, text in known.items() if text}


def training_options(sizes: Mapping[str, Sizes], original: Mapping[str, Sizes]) -> list[str]:
    """The options that main.py needs to start from networks of these sizes.

    Args:
        sizes: network -> its sizes.
        original: network -> the sizes that configurations have by default.

    Raises:
        ValueError: their sizes differ, and main.py builds all networks of a run from the same options.
    """
    options = []
    for name in dict.fromkeys(name for of in sizes.values() for name in of):
        values = {network: of[name] for network, of in sizes.items() if name in of}
        if len(set(values.values())) > 1:
            listed = ", ".join(f"{value} of {network}" for network, value in values.items())
            raise ValueError(f"task.{name} is the same for all networks of a stage, but the files hold {listed}")
        if values != {network: original.get(network, {}).get(name) for network in values}:
            options.append(f"--config.task.{name}={next(iter(values.values()))}")
    return options
