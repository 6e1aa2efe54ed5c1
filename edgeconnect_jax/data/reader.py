"""What a system declares about its data: the files of a record, how they are read, and how examples are drawn.

The rooms `data` and `data.prepared` do the rest, for every system alike: they match files by stem, list what is
missing, read in threads and worker processes, keep records in memory, store them, and batch examples.

Nothing here, and nothing in a system's `data`, imports JAX: worker processes run it. All of it can be pickled.
"""

import argparse
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

# "train", "validation" or "test".
Role: TypeAlias = str

# Field -> array [H, W, C]. uint8 holds values, in [0, 1] on the device; int32 holds labels and ids, unchanged there.
Record: TypeAlias = dict[str, np.ndarray]
Example: TypeAlias = dict[str, np.ndarray]

# Field -> arrays [H, W, C] of a set to draw from.
Pools: TypeAlias = Mapping[str, Sequence[np.ndarray]]

# A NamedTuple of values that JSON can hold.
Options: TypeAlias = Any


class Field(NamedTuple):
    """How a field of a record is stored.

    Attributes:
        dtype: "uint8" or "int32".
        channels: None = as many as a record has.
    """

    dtype: str
    channels: int | None


class Partner(NamedTuple):
    """Files that belong to the pictures (matched by stem), or a set of files to draw from.

    Attributes:
        field: of the record (of a pool: of `Pools`) that they become.
        option: of the configuration that names them, "masks.train".
        what: one of them, in words: "edge map".
        reason: the option that asks for them: 'edges.source="external"'.
    """

    field: str
    option: str
    what: str
    reason: str


class Files(NamedTuple):
    """What one record is read from.

    Attributes:
        picture: decoded, uint8 [H, W, 3] RGB.
        name: what errors call the picture.
        partners: field -> path, of every partner.
    """

    picture: np.ndarray
    name: str
    partners: Mapping[str, pathlib.Path]


class Preparation(NamedTuple):
    """What a set is prepared with.

    Attributes:
        options: of its records.
        partners: field -> folder or file list of files matched with the pictures.
        pools: field -> folder or file list of files to draw from.
    """

    options: Options
    partners: Mapping[str, str]
    pools: Mapping[str, str]


class Preparing(NamedTuple):
    """How `scripts/prepare_data.py` learns from the command line what to prepare.

    Attributes:
        add_arguments: declares the system's own options.
        preparation: what they ask for; ValueError for conflicting ones.
    """

    add_arguments: Callable[[argparse.ArgumentParser], None]
    preparation: Callable[[argparse.Namespace], Preparation]


def _same(options: Options, record: Record) -> Record:
    return record


def _fits(options: Options) -> None:
    return None


class Reader(NamedTuple):
    """The data of a system.

    Attributes:
        options: (configuration) -> what a record depends on; stored in prepared.json and compared there.
        option_names: field of `options` -> the option of the configuration that it comes from, for messages.
        fields: (options) -> field -> how it is stored. "image" is among them.
        partners: (configuration, role) -> files matched with each picture by stem.
        pools: (configuration, role) -> sets of files that examples draw from.
        read: (options, files) -> record, as far as it comes from files. Deterministic; ValueError names the file.
        complete: (options, record) -> record with what is computed from it, such as Canny's edges: apart from `read`,
            for whoever only wants to know whether the files can be used.
        read_pool: (options, field, path) -> an array [H, W, C] of a pool.
        drawing: (configuration, training) -> what `draw` depends on besides; `training` is False for validation, which
            is neither mirrored nor recoloured.
        draw: (random generator, record, pools, what `drawing` returned) -> example. All that is random, in a fixed
            order; the same for stored and unstored records.
        size_problem: (options) -> None where a picture of any size will do; else ((height, width), name) -> what is
            wrong with a picture of this size, "" if nothing.
        extras: options that only add a field, which a prepared set may hold unasked.
        preparing: the command line of `scripts/prepare_data.py`; None = sets are not prepared.
    """

    options: Callable[[Any], Options]
    option_names: Mapping[str, str]
    fields: Callable[[Options], Mapping[str, Field]]
    partners: Callable[[Any, Role], Sequence[Partner]]
    pools: Callable[[Any, Role], Sequence[Partner]]
    read: Callable[[Options, Files], Record]
    read_pool: Callable[[Options, str, pathlib.Path], np.ndarray]
    drawing: Callable[[Any, bool], Any]
    draw: Callable[[np.random.Generator, Record, Pools, Any], Example]
    complete: Callable[[Options, Record], Record] = _same
    size_problem: Callable[[Options], Callable[[tuple[int, int], str], str] | None] = _fits
    extras: tuple[str, ...] = ()
    preparing: Preparing | None = None
