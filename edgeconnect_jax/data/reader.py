"""The contract by which a system declares its data: the files of a record, how to read them and how to draw examples.

The packages `data` and `data.prepared` do the rest for every system: they match files by stem, report missing files,
read in threads and worker processes, cache and store records, and batch examples.

Neither this module nor a system's `data` imports JAX, because worker processes run them. Everything can be pickled.
"""

import argparse
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

# "train", "validation" or "test".
Role: TypeAlias = str

# Field -> array [H, W, C]. uint8 holds values, converted to [0, 1] on the device; int32 holds labels and ids, which are
# not converted.
Record: TypeAlias = dict[str, np.ndarray]
Example: TypeAlias = dict[str, np.ndarray]

# Field -> arrays [H, W, C] of a set to draw from.
Pools: TypeAlias = Mapping[str, Sequence[np.ndarray]]

# A NamedTuple of strings, numbers, booleans and None, which survives a round trip through JSON.
Options: TypeAlias = Any


class Field(NamedTuple):
    """How an array [H, W, C] is stored.

    Attributes:
        dtype: "uint8" or "int32".
        channels: None = any number.
    """

    dtype: str
    channels: int | None


class PoolField(NamedTuple):
    """How the arrays of a pool are stored.

    Attributes:
        stored: dtype and channels.
        options: names of the record options that the arrays depend on. A prepared pool can be used for records that
            differ in other options.
    """

    stored: Field
    options: tuple[str, ...] = ()


class Partner(NamedTuple):
    """Files that belong to the pictures (matched by stem), or a set of files to draw from.

    Attributes:
        field: field of the record, or of `Pools`, that the files become.
        what: what one of them is, for messages, such as "edge map".
        files: a folder or a file list; "" if none is given.
        option: the option that sets `files`, for messages, such as "edges.train" or "--edges".
        reason: the option that requires the files, such as 'edges.source="external"'.
    """

    field: str
    what: str
    files: str
    option: str
    reason: str


def missing(partner: Partner) -> str:
    """The message about a partner without files, with the remedy."""
    return f"{partner.option} is empty, but {partner.reason} needs {partner.what}s: name a folder or a file list"


class RecordFiles(NamedTuple):
    """The files of one record.

    Attributes:
        picture: the decoded picture, uint8 [H, W, 3] RGB.
        name: name of the picture in error messages.
        partners: field -> path of each partner.
    """

    picture: np.ndarray
    name: str
    partners: Mapping[str, pathlib.Path]


class Preparation(NamedTuple):
    """How a set is prepared.

    Attributes:
        options: options of its records.
        partners: files matched with the pictures.
        pools: sets of files to draw from.
    """

    options: Options
    partners: Sequence[Partner]
    pools: Sequence[Partner]


class Preparing(NamedTuple):
    """The system's part of the command line of `scripts/prepare_data.py`.

    Attributes:
        add_arguments: declares the system's own options. The option of a pool is named after its field: --masks for
            "mask".
        preparation: (parsed options) -> Preparation; raises ValueError if options conflict.
    """

    add_arguments: Callable[[argparse.ArgumentParser], None]
    preparation: Callable[[argparse.Namespace], Preparation]


def _same(options: Options, record: Record) -> Record:
    return record


def _no_partners(config: Any, role: Role) -> Sequence[Partner]:
    return ()


def _no_pool(options: Options, field: str, path: pathlib.Path) -> np.ndarray:
    raise AssertionError(f"no pool {field!r} was declared")


def _any_size(options: Options) -> None:
    return None


def _one_size(options: Options) -> bool:
    return True


def _no_maps(options: Options) -> bool:
    return False


class Reader(NamedTuple):
    """The data of a system.

    Attributes:
        options: (configuration) -> the options that determine a record; stored in prepared.json and compared with it.
        option_names: field of `options` -> the configuration option it comes from, for messages.
        fields: (options) -> field -> how it is stored. The fields include "image".
        read: (options, files) -> the part of a record that comes from files. Deterministic; ValueError names the file.
        drawing: (configuration, training) -> further options of `draw`; `training` is False for validation, which uses
            no mirroring and no colour jitter.
        draw: (random generator, record, pools, result of `drawing`) -> example. Draws everything random in a fixed
            order, identically for stored and computed records.
        partners: (configuration, role) -> files matched with each picture by stem.
        pools: (configuration, role) -> sets of files that examples draw from.
        pool_fields: field -> how a pool is stored, for every possible pool.
        read_pool: (options, field, path) -> an array [H, W, C] of a pool; ValueError names the file.
        complete: (options, record) -> the record with computed fields added, such as Canny's edges. Separate from
            `read` so that files can be checked without computing these fields.
        size_problem: (options) -> None if a picture of any size is valid, else a function ((height, width), name) ->
            the problem with a picture of this size, "" if there is none.
        one_size: (options) -> whether all examples have the same size; otherwise they are validated one by one.
        extras: options that only add a field; a prepared set may contain such a field even if it is not requested.
        local: options that change no record, such as where something lies; not stored in prepared sets.
        needs_maps: (options) -> whether `complete` reads maps that a network computed. Commands then call the system's
            `maps.MAPS` with the records before anything reads these.
        preparing: the command line of `scripts/prepare_data.py`; None = sets are not prepared.
    """

    options: Callable[[Any], Options]
    option_names: Mapping[str, str]
    fields: Callable[[Options], Mapping[str, Field]]
    read: Callable[[Options, RecordFiles], Record]
    drawing: Callable[[Any, bool], Any]
    draw: Callable[[np.random.Generator, Record, Pools, Any], Example]
    partners: Callable[[Any, Role], Sequence[Partner]] = _no_partners
    pools: Callable[[Any, Role], Sequence[Partner]] = _no_partners
    pool_fields: Mapping[str, PoolField] = {}
    read_pool: Callable[[Options, str, pathlib.Path], np.ndarray] = _no_pool
    complete: Callable[[Options, Record], Record] = _same
    size_problem: Callable[[Options], Callable[[tuple[int, int], str], str] | None] = _any_size
    one_size: Callable[[Options], bool] = _one_size
    extras: tuple[str, ...] = ()
    local: tuple[str, ...] = ()
    needs_maps: Callable[[Options], bool] = _no_maps
    preparing: Preparing | None = None

    def stored(self, options: Options) -> dict[str, Any]:
        """The options that a prepared set stores, and that must be the same when it is read."""
        return {name: value for name, value in options._asdict().items() if name not in self.local}
