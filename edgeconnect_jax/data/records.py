"""Records, the deterministic part of examples: what a system reads from the files of each picture.

Records are computed either on the fly or once, by `prepared.write`, which stores them unchanged. The system's
`Reader.draw` later draws everything random from a record.
"""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from edgeconnect_jax.data import matching, sources
from edgeconnect_jax.data.reader import Options, Partner, Reader, Record, RecordFiles, missing
from edgeconnect_jax.images.files import picture_size


@dataclasses.dataclass(frozen=True)
class ComputedRecords(Sequence[Record]):
    """Records computed from files on demand.

    Attributes:
        reader: reader of the system.
        options: options of the records, see `Reader.options`.
        source: the pictures.
        partners: field -> the files that belong to the pictures, in the order of the pictures.
    """

    reader: Reader
    options: Options
    source: sources.Source
    partners: Mapping[str, Sequence[pathlib.Path]] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Record:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.reader.complete(self.options, self.read(index))

    def read(self, index: int) -> Record:
        """Reads the files of a record without computing the fields that `Reader.complete` adds.

        Raises:
            ValueError: one of its files cannot be read, or the picture is too small.
        """
        partners = {field: paths[index] for field, paths in self.partners.items()}
        return self.reader.read(self.options, RecordFiles(self.source[index], self.source.name(index), partners))

    def select(self, indices: Sequence[int]) -> "ComputedRecords":
        """Some of the records, in the order of `indices`."""
        partners = {field: [paths[i] for i in indices] for field, paths in self.partners.items()}
        return dataclasses.replace(self, source=sources.Subset(self.source, indices), partners=partners)

    def identity(self, index: int) -> str:
        """Lines with the names and sizes of the record's files, which change when a file does."""
        partners = [sources.file_identity(paths[index]) for paths in self.partners.values()]
        return "\n".join([self.source.identity(index), *partners])

    def name(self, index: int) -> str:
        """The name of the picture in error messages."""
        return self.source.name(index)


@dataclasses.dataclass(frozen=True)
class PoolFiles(Sequence[np.ndarray]):
    """A set of files to draw from: arrays [H, W, C], read on demand.

    Attributes:
        reader: reader of the system.
        options: options of the records that use the pool.
        field: field of the pool.
        paths: the files.
    """

    reader: Reader
    options: Options
    field: str
    paths: Sequence[pathlib.Path]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.reader.read_pool(self.options, self.field, self.paths[index])

    def name(self, index: int) -> str:
        """The name of the file in error messages: its path."""
        return str(self.paths[index])

    def read(self, index: int) -> np.ndarray:
        """The array; raises ValueError if the file cannot be read."""
        return self[index]

    def select(self, indices: Sequence[int]) -> "PoolFiles":
        """Some of the arrays, in the order of `indices`."""
        return dataclasses.replace(self, paths=[self.paths[index] for index in indices])

    def identity(self, index: int) -> str:
        """A line with the name and size of the file, which changes when the file does."""
        return sources.file_identity(self.paths[index])


def compute_records(
    reader: Reader,
    options: Options,
    source: sources.Source,
    partners: Sequence[Partner] = (),
    *,
    check_sizes: bool = True,
) -> ComputedRecords:
    """Matches pictures with the files that belong to them.

    Args:
        reader: reader of the system.
        options: options of the records.
        source: the pictures.
        partners: files that belong to the pictures.
        check_sizes: whether to report pictures that are too small now, which opens all of them, instead of on reading.

    Returns:
        The records, computed on demand.

    Raises:
        ValueError: a set or a picture's partner is missing, or pictures are too small; names all of them.
    """
    if check_sizes:
        _check_sizes(reader, options, source)
    return ComputedRecords(reader, options, source, {x.field: _matched(source, x) for x in partners})


def pool_files(reader: Reader, options: Options, pool: Partner) -> PoolFiles:
    """Opens the files of a set to draw from; raises ValueError if they are missing."""
    return PoolFiles(reader, options, pool.field, _listed(pool))


def _check_sizes(reader: Reader, options: Options, source: sources.Source) -> None:
    """Raises ValueError with every picture that is too small or unreadable, unless any size is valid."""
    problem_of = reader.size_problem(options)
    if problem_of is None or not isinstance(source, sources.FileSource):
        return
    problems = []
    for path in source.paths:
        try:
            problems.append(problem_of(picture_size(path), str(path)))
        except ValueError as error:
            problems.append(str(error))
    matching.raise_all([problem for problem in problems if problem])


def _matched(source: sources.Source, partner: Partner) -> list[pathlib.Path]:
    paths = _listed(partner)
    if isinstance(source, sources.TfdsSource):
        raise ValueError(
            f"{source.spec}: its pictures have no file names, so no {partner.what} can be matched with them"
        )
    return matching.match_by_stem([source.name(index) for index in range(len(source))], paths, partner.what)


def _listed(partner: Partner) -> list[pathlib.Path]:
    if not partner.files:
        raise ValueError(missing(partner))
    return sources.list_files(partner.files)
